import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { notFound } from '@psa/service-kit/errors';
import { HISTORY_RECORD, type historyRows } from '../history/repository.ts';
import { visibleTickets } from '../policies/ticket.ts';
import type { SlaTimerKind } from '../sla/clock.ts';
import { type TicketRow, ticketColumns } from './row.ts';

/** A ticket that the asker may see; `lock` keeps others from changing it until the end of the transaction. */
export async function findTicket(
  tx: Tx,
  ctx: RequestContext,
  id: string,
  lock: boolean,
): Promise<TicketRow | null> {
  const { sql } = tx;
  const [row] = await sql<TicketRow[]>`
    select ${sql.unsafe(ticketColumns())} from tickets t
    where t.tenant_id = ${ctx.scope.tenant_id} and t.id = ${id} and t.deleted_at is null
      and ${visibleTickets(tx, ctx)} ${lock ? sql`for update of t` : sql``}`;
  return row ?? null;
}

/** As {@link findTicket}. @throws 404 */
export async function loadTicket(tx: Tx, ctx: RequestContext, id: string, lock = false): Promise<TicketRow> {
  const row = await findTicket(tx, ctx, id, lock);
  if (!row) throw notFound('ticket');
  return row;
}

export interface NewTimer {
  readonly kind: SlaTimerKind;
  readonly at: Date;
}

/** A new ticket with its history and timers in one statement. */
export function insertTicket(
  tx: Tx,
  ctx: RequestContext,
  row: TicketRow,
  history: ReturnType<typeof historyRows>,
  timers: readonly NewTimer[],
): void {
  const { sql } = tx;
  const tenantId = ctx.scope.tenant_id;
  tx.send(sql`
    with ticket as (
      insert into tickets (tenant_id, id, ticket_number, title, description, status, priority, category, tags,
        source, customer_id, requester_id, contact_id, created_by, assigned_to, team_id, sla_policy_id,
        sla_response_due, sla_resolution_due, sla_response_state, sla_resolution_state, sla_response_risk_at,
        sla_resolution_risk_at, sla_breached, created_at, updated_at)
      values (${tenantId}, ${row.id}, ${row.ticket_number}, ${row.title}, ${row.description}, ${row.status},
        ${row.priority}, ${row.category}, ${row.tags}::text[], ${row.source}, ${row.customer_id}, ${row.requester_id},
        ${row.contact_id}, ${row.created_by}, ${row.assigned_to}, ${row.team_id}, ${row.sla_policy_id},
        ${row.sla_response_due}, ${row.sla_resolution_due}, ${row.sla_response_state}, ${row.sla_resolution_state},
        ${row.sla_response_risk_at}, ${row.sla_resolution_risk_at}, ${row.sla_breached}, ${row.created_at}, ${row.updated_at})
    ), timer as (
      insert into timers (tenant_id, kind, key, due_at, payload)
      select ${tenantId}, kind, ${row.id}::text, due_at::timestamptz, '{}'
      from unnest(${timers.map((timer) => timer.kind)}::text[], ${timers.map((timer) => timer.at.toISOString())}::text[]) as t(kind, due_at)
    )
    insert into history (tenant_id, id, ticket_id, customer_id, occurred_at, actor_kind, actor_id, actor_name,
      kind, changes, reason, public)
    select ${tenantId}, h.id, ${row.id}, ${row.customer_id}, h.occurred_at, h.actor_kind, h.actor_id, h.actor_name,
      h.kind, h.changes, h.reason, h.public
    from jsonb_to_recordset(${JSON.stringify(history)}::jsonb) as h ${sql.unsafe(HISTORY_RECORD)}`);
}

/** Writes the row as it is after a change. The ticket is locked since {@link loadTicket}. */
export async function updateTicket(tx: Tx, ctx: RequestContext, row: TicketRow): Promise<void> {
  await tx.sql`
    update tickets set title = ${row.title}, description = ${row.description}, status = ${row.status},
      priority = ${row.priority}, category = ${row.category}, tags = ${row.tags}::text[],
      contact_id = ${row.contact_id}, assigned_to = ${row.assigned_to}, team_id = ${row.team_id},
      sla_policy_id = ${row.sla_policy_id}, sla_response_due = ${row.sla_response_due},
      sla_resolution_due = ${row.sla_resolution_due}, sla_response_state = ${row.sla_response_state},
      sla_resolution_state = ${row.sla_resolution_state}, sla_response_risk_at = ${row.sla_response_risk_at},
      sla_resolution_risk_at = ${row.sla_resolution_risk_at}, sla_breached = ${row.sla_breached},
      sla_pauses = ${JSON.stringify(row.sla_pauses)}::jsonb, first_response_at = ${row.first_response_at},
      resolved_at = ${row.resolved_at}, closed_at = ${row.closed_at}, reopen_count = ${row.reopen_count},
      comment_count = ${row.comment_count}, public_comment_count = ${row.public_comment_count},
      minutes_spent = ${row.minutes_spent}, version = ${row.version}, updated_at = ${row.updated_at}
    where tenant_id = ${ctx.scope.tenant_id} and id = ${row.id}`;
}

/** Makes the timers of a ticket exactly these. */
export async function replaceTicketTimers(
  tx: Tx,
  tenantId: string,
  ticketId: string,
  timers: readonly NewTimer[],
): Promise<void> {
  const { sql } = tx;
  await Promise.all([
    sql`delete from timers where tenant_id = ${tenantId} and key = ${ticketId} and kind like 'sla\\_%'
      and kind <> all(${timers.map((timer) => timer.kind)}::text[])`,
    timers.length === 0
      ? []
      : sql`
        insert into timers (tenant_id, kind, key, due_at, payload)
        select ${tenantId}, kind, ${ticketId}::text, due_at::timestamptz, '{}'
        from unnest(${timers.map((timer) => timer.kind)}::text[], ${timers.map((timer) => timer.at.toISOString())}::text[]) as t(kind, due_at)
        on conflict (tenant_id, kind, key) do update set due_at = excluded.due_at, attempts = 0`,
  ]);
}

/** Makes the indexed tags of a ticket exactly these. */
export async function replaceTags(
  tx: Tx,
  ctx: RequestContext,
  ticket: { id: string; customer_id: string },
  tags: readonly string[],
): Promise<void> {
  const { sql } = tx;
  const tenantId = ctx.scope.tenant_id;
  await Promise.all([
    sql`delete from ticket_tags where tenant_id = ${tenantId} and ticket_id = ${ticket.id}
      and tag <> all(${tags as string[]}::text[])`,
    sql`insert into ticket_tags (tenant_id, tag, ticket_id, customer_id)
      select ${tenantId}, tag, ${ticket.id}, ${ticket.customer_id} from unnest(${tags as string[]}::text[]) as s(tag)
      on conflict do nothing`,
  ]);
}
