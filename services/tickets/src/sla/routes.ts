import { IdParams, One } from '@psa/contracts/common';
import { SlaExplanation } from '@psa/contracts/tickets';
import { type App, contextOf } from '@psa/service-kit/app';
import type { TicketsDeps } from '../deps.ts';
import { findCustomer } from '../people/repository.ts';
import { loadTicket } from '../tickets/repository.ts';
import { explainSla } from './explain.ts';

/** Both deadlines of a ticket, explained. */
export function slaRoutes(app: App, deps: TicketsDeps): void {
  app.get(
    '/api/v1/tickets/:id/sla',
    {
      config: { permission: 'ticket:view:own' },
      schema: {
        summary: 'Both deadlines, explained step by step',
        operationId: 'explainTicketSla',
        tags: ['tickets'],
        params: IdParams,
        response: { 200: One(SlaExplanation) },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      return deps.db.read(ctx.scope, async (tx) => {
        const ticket = await loadTicket(tx, ctx, request.params.id);
        const customer = await findCustomer(tx, ctx, ticket.customer_id);
        const settings = await deps.settings.current(tx, ctx);
        return { data: explainSla(settings, ticket, customer?.sla_policy_id ?? null, deps.clock.now()) };
      });
    },
  );
}
