import { can } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import type postgres from 'postgres';

export type Fragment = postgres.PendingQuery<postgres.Row[]>;

/**
 * Which tickets (alias `t`) the asker may see, beyond what row-level security holds: those who may see only
 * their own get what they asked for, work on (alone or through a team), watch or wrote. The customer is
 * repeated here because an index can serve it.
 */
export function visibleTickets(tx: Tx, ctx: RequestContext): Fragment {
  const { sql } = tx;
  const { tenant_id, customer_id } = ctx.scope;
  const all = can(ctx, 'ticket:view:all');
  const me = ctx.actor.id;
  const watching = sql`exists (select from watchers w
    where w.tenant_id = t.tenant_id and w.ticket_id = t.id and w.user_id = ${me})`;
  if (customer_id !== null) {
    return all
      ? sql`t.customer_id = ${customer_id}`
      : sql`t.customer_id = ${customer_id} and (t.requester_id = ${me} or ${watching})`;
  }
  if (all || ctx.actor.kind === 'system') return sql`true`;
  return sql`(t.assigned_to = ${me} or t.created_by = ${me} or ${watching} or t.team_id in (
    select m.team_id from team_members m where m.tenant_id = ${tenant_id} and m.user_id = ${me}))`;
}
