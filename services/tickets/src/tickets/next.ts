import type { Ticket } from '@psa/contracts/tickets';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import type { TicketsDeps } from '../deps.ts';
import { visibleTickets } from '../policies/ticket.ts';
import { changeTicket } from './service.ts';

/**
 * Gives the asker the ticket that waits first for them: nobody's, of one of their teams or of none, what is due first
 * in front, as the list of unassigned tickets sorted by due time has it; without a deadline by priority and age. Who is
 * in no team is offered every team's. Null where nothing waits.
 *
 * Two who ask at once get two tickets: a row that is being given away is passed over (`skip locked`) rather than
 * waited for, and one that was given away since it was read is read again and no longer fits.
 */
export async function takeNext(deps: TicketsDeps, tx: Tx, ctx: RequestContext): Promise<Ticket | null> {
  const { sql } = tx;
  const { tenant_id } = ctx.scope;
  const me = ctx.actor.id;
  const mine = sql`select m.team_id from team_members m where m.tenant_id = ${tenant_id} and m.user_id = ${me}`;
  const [next] = await sql<{ id: string }[]>`
    select t.id from tickets t
    where t.tenant_id = ${tenant_id} and t.deleted_at is null and t.assigned_to is null
      and t.status in ('new', 'assigned', 'in_progress') and ${visibleTickets(tx, ctx)}
      and (t.team_id is null or t.team_id in (${mine}) or not exists (${mine}))
    order by t.sla_due_at nulls last, t.priority_rank desc, t.created_at, t.id
    limit 1 for update of t skip locked`;
  if (!next) return null;
  return changeTicket(deps, tx, ctx, next.id, { assigned_to: me });
}
