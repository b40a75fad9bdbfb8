import { OPEN_STATUSES, PRIORITIES, type TicketScope } from '@psa/contracts/tickets';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { visibleTickets } from '../policies/ticket.ts';
import { atRisk, inPhase, ofMyTeams } from './filters.ts';

const OPEN = `t.deleted_at is null and t.status in ('new', 'assigned', 'in_progress', 'waiting_customer')`;
const DAYS = 30;

/**
 * Figures of the dashboard for the asker, of all tickets or of some people's. All of them read indexes that hold open tickets only, or the last
 * 30 days only, so that they cost the same however many tickets are done.
 */
export async function ticketStats(tx: Tx, ctx: RequestContext, now: Date, of: TicketScope = 'all') {
  const { sql } = tx;
  const tenantId = ctx.scope.tenant_id;
  const whose =
    of === 'mine'
      ? sql`and t.assigned_to = ${ctx.actor.id}`
      : of === 'team'
        ? sql`and ${ofMyTeams(tx, ctx)}`
        : sql``;
  const mine = sql`t.tenant_id = ${tenantId} and ${visibleTickets(tx, ctx)} ${whose}`;
  const open = sql`${sql.unsafe(OPEN)} and ${mine}`;
  const since = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() - DAYS + 1));
  const [groups, risk, overdue, created, resolved] = await Promise.all([
    sql<{ status: string; priority: string; assigned_to: string | null; n: number; breached: number }[]>`
      select t.status, t.priority, t.assigned_to, count(*)::int as n,
        (count(*) filter (where t.sla_breached))::int as breached
      from tickets t where ${open} group by 1, 2, 3`,
    sql<{ n: number }[]>`select count(*)::int as n from tickets t where ${open} and ${atRisk(tx, now)}`,
    sql<
      { n: number }[]
    >`select count(*)::int as n from tickets t where ${open} and ${inPhase(tx, 'overdue', now)}`,
    sql<{ day: string; n: number }[]>`
      select to_char(t.created_at, 'YYYY-MM-DD') as day, count(*)::int as n from tickets t
      where t.deleted_at is null and t.created_at >= ${since.toISOString()} and ${mine} group by 1`,
    sql<{ day: string; n: number }[]>`
      select to_char(t.resolved_at, 'YYYY-MM-DD') as day, count(*)::int as n from tickets t
      where t.deleted_at is null and t.resolved_at >= ${since.toISOString()} and ${mine} group by 1`,
  ]);
  const portal = isPortal(ctx);
  const loadOf = new Map<string, number>();
  for (const group of groups) {
    if (group.assigned_to) loadOf.set(group.assigned_to, (loadOf.get(group.assigned_to) ?? 0) + group.n);
  }
  const names = portal
    ? []
    : await sql<{ id: string; name: string }[]>`
        select id, name from technicians where tenant_id = ${tenantId} and id = any(${[...loadOf.keys()]}::uuid[])`;
  const sum = (fits: (group: (typeof groups)[number]) => boolean, what: 'n' | 'breached' = 'n') =>
    groups.reduce((total, group) => total + (fits(group) ? group[what] : 0), 0);
  const perDay = (rows: readonly { day: string; n: number }[]) =>
    new Map(rows.map((row) => [row.day, row.n]));
  const [createdOn, resolvedOn] = [perDay(created), perDay(resolved)];
  return {
    open_by_status: Object.fromEntries(OPEN_STATUSES.map((s) => [s, sum((group) => group.status === s)])),
    open_by_priority: Object.fromEntries(PRIORITIES.map((p) => [p, sum((group) => group.priority === p)])),
    mine_open: portal
      ? sum(() => true)
      : sum((group) => group.assigned_to !== null && group.assigned_to === ctx.actor.id),
    unassigned: sum((group) => group.assigned_to === null),
    sla_at_risk: risk[0]!.n,
    sla_overdue: overdue[0]!.n,
    sla_breached_open: sum(() => true, 'breached'),
    created_per_day: Array.from({ length: DAYS }, (_, i) => {
      const day = new Date(since.getTime() + i * 86_400_000).toISOString().slice(0, 10);
      return { day, created: createdOn.get(day) ?? 0, resolved: resolvedOn.get(day) ?? 0 };
    }),
    load: names
      .map((technician) => ({ technician: { ...technician }, open: loadOf.get(technician.id)! }))
      .sort((a, b) => b.open - a.open || a.technician.name.localeCompare(b.technician.name)),
  };
}
