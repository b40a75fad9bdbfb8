import type { TicketStatus } from '@psa/contracts/tickets';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import { type Tx, toIso } from '@psa/service-kit/database';
import { isForCustomers, type Told } from '../policies/history.ts';
import type { TicketRow } from '../tickets/row.ts';

/** Something that happened to a ticket, about to be written down. */
export interface NewHistory extends Told {
  readonly changes?: readonly { field: string; from: unknown; to: unknown }[];
  readonly reason?: string | null;
}

/** Rows for `jsonb_to_recordset`: history of one ticket in the order given. */
export function historyRows(
  ctx: RequestContext,
  entries: readonly NewHistory[],
  ids: { uuid(): string },
  now: string,
) {
  return entries.map((entry) => ({
    id: ids.uuid(),
    occurred_at: now,
    actor_kind: ctx.actor.kind,
    actor_id: ctx.actor.id,
    actor_name: ctx.actor.name,
    kind: entry.kind,
    changes: entry.changes ?? [],
    reason: entry.reason ?? null,
    public: isForCustomers(entry),
  }));
}

export const HISTORY_RECORD = `(id uuid, occurred_at timestamptz, actor_kind text, actor_id text, actor_name text,
  kind text, changes jsonb, reason text, public boolean)`;

/**
 * History of a ticket, several entries in one statement. What a portal user sets off may be internal (an assignment
 * by rule, a missed deadline); its own rights would not let it be written, so `add_history` does
 * (006_history_of_others.sql). For the rest the way there is longer: a function is planned anew at each call.
 */
export function insertHistory(
  tx: Tx,
  ctx: RequestContext,
  ticket: { id: string; customer_id: string },
  history: ReturnType<typeof historyRows>,
): void {
  if (history.length === 0) return;
  const { sql } = tx;
  const rows = sql`${JSON.stringify(history)}::jsonb`;
  if (isPortal(ctx) && history.some((entry) => !entry.public)) {
    tx.send(sql`select add_history(${ticket.id}, ${rows})`);
    return;
  }
  tx.send(sql`
    insert into history (tenant_id, id, ticket_id, customer_id, occurred_at, actor_kind, actor_id, actor_name,
      kind, changes, reason, public)
    select ${ctx.scope.tenant_id}, h.id, ${ticket.id}, ${ticket.customer_id}, h.occurred_at, h.actor_kind,
      h.actor_id, h.actor_name, h.kind, h.changes, h.reason, h.public
    from jsonb_to_recordset(${rows}) as h ${sql.unsafe(HISTORY_RECORD)}`);
}

/** The statuses of a ticket since its creation, as its history has them. */
export async function statusHistory(
  tx: Tx,
  ctx: RequestContext,
  ticket: Pick<TicketRow, 'id' | 'status' | 'created_at'>,
): Promise<{ status: TicketStatus; at: string }[]> {
  const rows = await tx.sql<{ occurred_at: string; from: TicketStatus; to: TicketStatus }[]>`
    select h.occurred_at, c->>'from' as from, c->>'to' as to
    from history h, jsonb_array_elements(h.changes) as c
    where h.tenant_id = ${ctx.scope.tenant_id} and h.ticket_id = ${ticket.id} and h.kind = 'changed'
      and c->>'field' = 'status'
    order by h.occurred_at, h.seq`;
  const first = { status: rows[0]?.from ?? ticket.status, at: toIso(ticket.created_at) };
  return [first, ...rows.map((row) => ({ status: row.to, at: toIso(row.occurred_at) }))];
}
