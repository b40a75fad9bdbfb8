import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { notFound } from '@psa/service-kit/errors';

/** A row of tickets.time_entries. Times as PostgreSQL's text or RFC 3339. */
export interface TimeRow extends Record<string, unknown> {
  id: string;
  ticket_id: string;
  user_id: string;
  user_name: string;
  minutes: number;
  note: string | null;
  billable: boolean;
  started_at: string;
  /** Who entered it; null for entries from before that was kept: then it was the worker. */
  entered_by: string | null;
  entered_by_name: string | null;
  version: number;
  created_at: string;
  updated_at: string;
}

/** An entry of a ticket, held until the end of the transaction. @throws 404 */
export async function lockEntry(
  tx: Tx,
  ctx: RequestContext,
  ticketId: string,
  entryId: string,
): Promise<TimeRow> {
  const [row] = await tx.sql<TimeRow[]>`
    select e.* from time_entries e
    where e.tenant_id = ${ctx.scope.tenant_id} and e.ticket_id = ${ticketId} and e.id = ${entryId}
      and e.deleted_at is null for update`;
  if (!row) throw notFound('time entry');
  return row;
}

export async function insertEntry(tx: Tx, ctx: RequestContext, row: TimeRow): Promise<void> {
  await tx.sql`
    insert into time_entries (tenant_id, id, ticket_id, user_id, user_name, minutes, note, billable, started_at,
      entered_by, entered_by_name, version, created_at, updated_at)
    values (${ctx.scope.tenant_id}, ${row.id}, ${row.ticket_id}, ${row.user_id}, ${row.user_name}, ${row.minutes},
      ${row.note}, ${row.billable}, ${row.started_at}, ${row.entered_by}, ${row.entered_by_name}, ${row.version},
      ${row.created_at}, ${row.updated_at})`;
}

export async function updateEntry(tx: Tx, ctx: RequestContext, row: TimeRow): Promise<void> {
  await tx.sql`
    update time_entries set user_id = ${row.user_id}, user_name = ${row.user_name}, minutes = ${row.minutes},
      note = ${row.note}, billable = ${row.billable}, started_at = ${row.started_at}, version = ${row.version},
      updated_at = ${row.updated_at}
    where tenant_id = ${ctx.scope.tenant_id} and id = ${row.id}`;
}

export async function removeEntry(tx: Tx, ctx: RequestContext, row: TimeRow, now: string): Promise<void> {
  await tx.sql`
    update time_entries set deleted_at = ${now}, updated_at = ${now}, version = ${row.version + 1}
    where tenant_id = ${ctx.scope.tenant_id} and id = ${row.id}`;
}
