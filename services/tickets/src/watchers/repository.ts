import type { Watcher } from '@psa/contracts/tickets';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import type { Static } from 'typebox';

type View = Static<typeof Watcher>;

/** Whom of them the asker may see: policies/watcher.ts. */
export async function listWatchers(tx: Tx, ctx: RequestContext, ticketId: string): Promise<View[]> {
  const rows = await tx.sql<View[]>`
    select user_id, name from watchers
    where tenant_id = ${ctx.scope.tenant_id} and ticket_id = ${ticketId} order by name, user_id`;
  return [...rows];
}

/** Whether they did not watch it yet. */
export async function insertWatcher(
  tx: Tx,
  ctx: RequestContext,
  ticket: { id: string; customer_id: string },
  watcher: View,
  now: string,
): Promise<boolean> {
  const rows = await tx.sql`
    insert into watchers (tenant_id, ticket_id, user_id, customer_id, name, created_at)
    values (${ctx.scope.tenant_id}, ${ticket.id}, ${watcher.user_id}, ${ticket.customer_id}, ${watcher.name}, ${now})
    on conflict do nothing returning 1`;
  return rows.length > 0;
}

/** Whether they watched it. */
export async function deleteWatcher(
  tx: Tx,
  ctx: RequestContext,
  ticketId: string,
  userId: string,
): Promise<boolean> {
  const rows = await tx.sql`delete from watchers
    where tenant_id = ${ctx.scope.tenant_id} and ticket_id = ${ticketId} and user_id = ${userId} returning 1`;
  return rows.length > 0;
}

/** Whether somebody is, or was, a technician and not a customer's. */
export async function isTechnician(tx: Tx, ctx: RequestContext, userId: string): Promise<boolean> {
  const rows = await tx.sql`
    select from technicians where tenant_id = ${ctx.scope.tenant_id} and id = ${userId}`;
  return rows.length > 0;
}
