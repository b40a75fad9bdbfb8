import { IdParams, One } from '@psa/contracts/common';
import { EscalateTicketRequest, NextTicket, TakeNextRequest } from '@psa/contracts/ticket-work';
import { Ticket } from '@psa/contracts/tickets';
import { type App, contextOf } from '@psa/service-kit/app';
import { checkIfMatch, etag, write } from '@psa/service-kit/write';
import type { TicketsDeps } from '../deps.ts';
import { withLookups } from '../people/lookup.ts';
import { takeNext } from '../tickets/next.ts';
import { escalate } from './service.ts';

const tags = ['tickets'];

/** Work that comes to somebody (the next ticket) and work that needs somebody else. */
export function escalationRoutes(app: App, deps: TicketsDeps): void {
  const { db } = deps;

  app.post(
    '/api/v1/tickets/next',
    {
      config: { permission: 'ticket:assign' },
      schema: {
        summary: 'Take the ticket that waits first for the asker; null where none does',
        operationId: 'takeNextTicket',
        tags,
        body: TakeNextRequest,
        response: { 200: One(NextTicket) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      return withLookups(deps, ctx, () =>
        write(db, request, reply, async (tx) => {
          const data = await takeNext(deps, tx, ctx);
          return { status: 200, body: { data }, ...(data ? { headers: { etag: etag(data.version) } } : {}) };
        }),
      );
    },
  );

  app.post(
    '/api/v1/tickets/:id/escalations',
    {
      config: { permission: 'ticket:update' },
      schema: {
        summary: 'Call for help: priority, colleague or team, and why; they are told',
        operationId: 'escalateTicket',
        tags,
        params: IdParams,
        body: EscalateTicketRequest,
        response: { 200: One(Ticket) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      return withLookups(deps, ctx, () =>
        write(db, request, reply, async (tx) => {
          const data = await escalate(deps, tx, ctx, request.params.id, request.body, (version) =>
            checkIfMatch(request, version),
          );
          return { status: 200, body: { data }, headers: { etag: etag(data.version) } };
        }),
      );
    },
  );
}
