import { normalTags } from '@psa/contracts/tags';
import type { ImportTicketRequest, ImportTicketResponse } from '@psa/contracts/ticket-import';
import type { RequestContext } from '@psa/service-kit/context';
import { type Tx, toIso } from '@psa/service-kit/database';
import { toAppError } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import { inSavepoint } from '@psa/service-kit/transaction';
import type { Static } from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { isImportForCustomers } from '../policies/history.ts';
import { drawNumbers } from '../tickets/numbers.ts';
import { type TicketRow, ticketColumns, ticketFacts } from '../tickets/row.ts';
import { ticketEvent } from '../tickets/service.ts';
import type { PreparedImport } from './references.ts';
import { lockSource } from './teams.ts';

type Given = ImportTicketRequest['tickets'][number];
type Outcome = Static<typeof ImportTicketResponse>['tickets'][number];
type Stored = TicketRow & { deleted: boolean };

/**
 * Writes the tickets in a few statements for all of them. Should one of them be impossible to store, the whole
 * is undone to a savepoint and each is written by itself, so that only the bad ones are refused.
 */
export async function importTickets(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  body: ImportTicketRequest,
  prepared: PreparedImport,
): Promise<Outcome[]> {
  await lockSource(tx, ctx, body.source);
  const done = new Map<Given, Outcome>();
  const good: Given[] = [];
  const seen = new Set<string>();
  for (const given of body.tickets) {
    const reason = prepared.refused.get(given.external_id);
    // Of a pair with the same id the first one is refused with the second: which is right is not ours to say.
    if (reason !== undefined) done.set(given, refusal(given, reason));
    else if (!seen.has(given.external_id)) good.push(given);
    seen.add(given.external_id);
  }
  // Outside the savepoint: what is undone with that must not be drawn a second time.
  const numbers = prepared.fresh > 0 ? await drawNumbers(tx, prepared.fresh) : [];
  let next = 0;
  const number = () => {
    const drawn = numbers[next++];
    if (drawn === undefined)
      throw new Error('The ticket is gone that was known a moment ago; please repeat the import.');
    return drawn;
  };
  try {
    const outcomes = await inSavepoint(tx, (inner) =>
      writeAll(deps, inner, ctx, body.source, good, prepared, number),
    );
    good.forEach((given, i) => void done.set(given, outcomes[i]!));
  } catch (error) {
    if (!isAboutData(error)) throw error;
    next = 0;
    for (const given of good) {
      try {
        const [outcome] = await inSavepoint(tx, (inner) =>
          writeAll(deps, inner, ctx, body.source, [given], prepared, number),
        );
        done.set(given, outcome!);
      } catch (single) {
        if (!isAboutData(single)) throw single;
        done.set(given, refusal(given, toAppError(single).message));
      }
    }
  }
  return body.tickets.map((given) => done.get(given)!);
}

const refusal = (given: Given, reason: string): Outcome => ({
  external_id: given.external_id,
  id: null,
  outcome: 'refused',
  history_added: 0,
  history_known: 0,
  reason,
});

/** SQLSTATE classes 22 (data) and 23 (constraints): the values are to blame, not the database. */
const isAboutData = (error: unknown) => /^2[23]/.test((error as { code?: string }).code ?? '');

/** The columns that an import sets, as they come from the other system. */
function columnsOf(given: Given, teams: ReadonlyMap<string, string>) {
  const at = (text: string | null) => (text === null ? null : new Date(text).toISOString());
  return {
    external_id: given.external_id,
    title: given.title,
    description: given.description,
    status: given.status,
    priority: given.priority,
    category: given.category,
    tags: normalTags(given.tags),
    customer_id: given.customer_id.toLowerCase(),
    contact_id: given.contact_id?.toLowerCase() ?? null,
    assigned_to: given.assigned_to?.toLowerCase() ?? null,
    team_id: given.team_external_id === null ? null : teams.get(given.team_external_id)!,
    first_response_at: at(given.first_response_at),
    resolved_at: at(given.resolved_at),
    closed_at: at(given.closed_at),
    reopen_count: given.reopen_count,
    sla_breached: given.sla_breached,
    created_at: at(given.created_at)!,
    updated_at: at(given.updated_at)!,
  };
}
type Columns = ReturnType<typeof columnsOf>;

const TIMES = ['first_response_at', 'resolved_at', 'closed_at', 'created_at', 'updated_at'] as const;

/**
 * True when the stored ticket must change. Work done here since wins over an older state there, and a ticket
 * that somebody deleted here stays deleted.
 */
const isUpdate = (stored: Stored, wanted: Columns) =>
  !stored.deleted && wanted.updated_at >= toIso(stored.updated_at) && differs(stored, wanted);

/** True when the stored ticket says something else. */
function differs(stored: Stored, wanted: Columns): boolean {
  return Object.entries(wanted).some(([name, value]) => {
    const before = stored[name as keyof Columns];
    const isTime = (TIMES as readonly string[]).includes(name);
    return JSON.stringify(isTime ? toIso(before as string | null) : before) !== JSON.stringify(value);
  });
}

async function writeAll(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  source: string,
  tickets: readonly Given[],
  prepared: PreparedImport,
  number: () => number,
): Promise<Outcome[]> {
  const { sql } = tx;
  const tenantId = ctx.scope.tenant_id;
  const stored = await sql<Stored[]>`
    select ${sql.unsafe(ticketColumns())}, t.deleted_at is not null as deleted from tickets t
    where t.tenant_id = ${tenantId} and t.external_source = ${source}
      and t.external_id = any(${tickets.map((ticket) => ticket.external_id)}::text[])
    order by t.id for update of t`;
  const before = new Map(stored.map((row) => [row.external_id!, row]));

  const work: {
    given: Given;
    wanted: Columns;
    id: string;
    kind: 'created' | 'changed' | 'same';
    row: TicketRow;
  }[] = [];
  for (const given of tickets) {
    const wanted = columnsOf(given, prepared.teams);
    const known = before.get(given.external_id);
    const id = known?.id ?? deps.ids.uuid();
    const version = known ? known.version + 1 : 1;
    const ticket_number = known?.ticket_number ?? number();
    const kind = !known ? 'created' : isUpdate(known, wanted) ? 'changed' : 'same';
    const row = { ...EMPTY, ...known, ...wanted, id, version, ticket_number } as TicketRow;
    work.push({ given, wanted, id, kind, row });
  }
  const created = work.filter((one) => one.kind === 'created');
  const changed = work.filter((one) => one.kind === 'changed');
  await insertRows(
    tx,
    ctx,
    source,
    created.map((one) => one.row),
  );
  await updateRows(
    tx,
    ctx,
    changed.map((one) => one.row),
  );
  const written = [...created, ...changed];
  const [added] = await Promise.all([
    insertImportedHistory(deps, tx, ctx, source, work),
    retag(
      tx,
      ctx,
      written.map((one) => one.row),
    ),
  ]);

  const now = deps.clock.now();
  const outcomes = work.map((one): Outcome => {
    const fresh = added.get(one.id) ?? 0;
    const outcome =
      one.kind === 'created' ? 'created' : one.kind === 'changed' || fresh > 0 ? 'updated' : 'unchanged';
    return {
      external_id: one.given.external_id,
      id: one.id,
      outcome,
      history_added: fresh,
      history_known: one.given.history.length - fresh,
      reason: null,
    };
  });
  const events = work.flatMap((one, i) => {
    if (outcomes[i]!.outcome === 'unchanged') return [];
    const row = one.kind === 'same' ? { ...one.row, version: one.row.version - 1 } : one.row;
    const data = {
      ticket: ticketFacts(row),
      source,
      external_id: one.given.external_id,
      history: outcomes[i]!.history_added,
    };
    return [ticketEvent('ticket.imported.v1', row, data)];
  });
  await emit(deps, tx, ctx, events, now);
  return outcomes;
}

/** What an imported ticket has that the other system does not say. No SLA: its clocks ran elsewhere. */
const EMPTY = {
  source: 'import',
  requester_id: null,
  created_by: null,
  sla_policy_id: null,
  minutes_spent: 0,
} as const;

const RECORD = `(id uuid, ticket_number integer, title text, description text, status text, priority text, category text,
  tags text[], customer_id uuid, contact_id uuid, assigned_to uuid, team_id uuid, first_response_at timestamptz,
  resolved_at timestamptz, closed_at timestamptz, reopen_count integer, sla_breached boolean, external_id text,
  version integer, created_at timestamptz, updated_at timestamptz)`;

async function insertRows(
  tx: Tx,
  ctx: RequestContext,
  source: string,
  rows: readonly TicketRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const { sql } = tx;
  await sql`
    insert into tickets (tenant_id, id, ticket_number, title, description, status, priority, category, tags, source,
      customer_id, contact_id, assigned_to, team_id, first_response_at, resolved_at, closed_at, reopen_count,
      sla_breached, external_source, external_id, created_at, updated_at)
    select ${ctx.scope.tenant_id}, r.id, r.ticket_number, r.title, r.description, r.status, r.priority, r.category,
      r.tags, 'import', r.customer_id, r.contact_id, r.assigned_to, r.team_id, r.first_response_at, r.resolved_at,
      r.closed_at, r.reopen_count, r.sla_breached, ${source}, r.external_id, r.created_at, r.updated_at
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r ${sql.unsafe(RECORD)}`;
}

async function updateRows(tx: Tx, ctx: RequestContext, rows: readonly TicketRow[]): Promise<void> {
  if (rows.length === 0) return;
  const { sql } = tx;
  await sql`
    update tickets t set title = r.title, description = r.description, status = r.status, priority = r.priority,
      category = r.category, tags = r.tags, customer_id = r.customer_id, contact_id = r.contact_id,
      assigned_to = r.assigned_to, team_id = r.team_id, first_response_at = r.first_response_at,
      resolved_at = r.resolved_at, closed_at = r.closed_at, reopen_count = r.reopen_count,
      sla_breached = r.sla_breached, version = r.version, created_at = r.created_at, updated_at = r.updated_at
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r ${sql.unsafe(RECORD)}
    where t.tenant_id = ${ctx.scope.tenant_id} and t.id = r.id`;
}

/** Writes the rows of history that are not known yet; returns how many were new, per ticket. */
async function insertImportedHistory(
  deps: TicketsDeps,
  tx: Tx,
  ctx: RequestContext,
  source: string,
  work: readonly { given: Given; id: string; wanted: Columns }[],
): Promise<Map<string, number>> {
  const rows = work.flatMap((one) =>
    one.given.history.map((entry) => ({
      id: deps.ids.uuid(),
      ticket_id: one.id,
      customer_id: one.wanted.customer_id,
      occurred_at: entry.occurred_at,
      actor_name: entry.actor_name,
      kind: entry.kind,
      changes: entry.changes,
      public: isImportForCustomers(entry.changes),
      row_id: entry.row_id,
    })),
  );
  const { sql } = tx;
  const added = await sql<{ ticket_id: string; n: number }[]>`
    with added as (
      insert into history (tenant_id, id, ticket_id, customer_id, occurred_at, actor_kind, actor_name, kind, changes,
        public, source, row_id)
      select ${ctx.scope.tenant_id}, r.id, r.ticket_id, r.customer_id, r.occurred_at, 'import', r.actor_name, r.kind,
        r.changes, r.public, ${source}, r.row_id
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (id uuid, ticket_id uuid, customer_id uuid,
        occurred_at timestamptz, actor_name text, kind text, changes jsonb, public boolean, row_id text)
      on conflict (tenant_id, source, row_id) where row_id is not null do nothing
      returning ticket_id)
    select ticket_id, count(*)::int as n from added group by 1`;
  return new Map(added.map((row) => [row.ticket_id, row.n]));
}

async function retag(tx: Tx, ctx: RequestContext, rows: readonly TicketRow[]): Promise<void> {
  if (rows.length === 0) return;
  const { sql } = tx;
  const tenantId = ctx.scope.tenant_id;
  const pairs = rows.flatMap((row) =>
    row.tags.map((tag) => ({ id: row.id, tag, customer_id: row.customer_id })),
  );
  await sql`delete from ticket_tags where tenant_id = ${tenantId} and ticket_id = any(${rows.map((row) => row.id)}::uuid[])`;
  if (pairs.length === 0) return;
  await sql`
    insert into ticket_tags (tenant_id, tag, ticket_id, customer_id)
    select ${tenantId}, tag, id, customer_id
    from jsonb_to_recordset(${JSON.stringify(pairs)}::jsonb) as r (id uuid, tag text, customer_id uuid)
    on conflict do nothing`;
}
