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

/** Who works on a ticket. */
interface Work {
  readonly assigned_to: string | null;
  readonly team_id: string | null;
}

/** Technicians who see a ticket for working on it, alone or in its team, before a change and perhaps not after it. */
export async function losingSight(tx: Tx, ctx: RequestContext, before: Work, after: Work): Promise<string[]> {
  const given = before.assigned_to !== after.assigned_to && before.assigned_to !== null;
  const moved = before.team_id !== after.team_id && before.team_id !== null;
  const members = moved
    ? await tx.sql<{ user_id: string }[]>`
        select user_id from team_members where tenant_id = ${ctx.scope.tenant_id} and team_id = ${before.team_id}`
    : [];
  const ids = [...(given ? [before.assigned_to!] : []), ...members.map((member) => member.user_id)];
  return [...new Set(ids)];
}
