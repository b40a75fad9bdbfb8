import { isPortal, type RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { forbidden } from '@psa/service-kit/errors';
import type { Fragment } from './ticket.ts';

/**
 * Watchers. Staff see all of a ticket they see; row-level security shows a portal user itself alone. Everybody who sees
 * a ticket watches it and stops; others are named and taken off by staff (`ticket:update`, the route asks for it).
 */
export function checkMayWatchFor(ctx: RequestContext, userId: string): void {
  if (isPortal(ctx) && userId !== ctx.actor.id) throw forbidden('You may watch a ticket yourself only.');
}

export function checkMayUnwatchFor(ctx: RequestContext, userId: string): void {
  if (isPortal(ctx) && userId !== ctx.actor.id) throw forbidden();
}

/** Who may be named, as `id` and `name`: technicians who are not disabled, and people of the ticket's customer. */
export function possibleWatchers(tx: Tx, ctx: RequestContext, ticket: { customer_id: string }): Fragment {
  const { tenant_id } = ctx.scope;
  return tx.sql`
    select id, name from technicians
    where tenant_id = ${tenant_id} and deleted_at is null and disabled is not true
    union all
    select id, name from people
    where tenant_id = ${tenant_id} and kind = 'user' and customer_id = ${ticket.customer_id} and deleted_at is null`;
}
