import { MOST_IDS } from '@psa/contracts/limits';
import { normalTag } from '@psa/contracts/tags';
import {
  type ListTicketsQuery,
  OPEN_STATUSES,
  type Ticket,
  type TicketStatus,
  type VisibleTicketsRequest,
} from '@psa/contracts/tickets';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import {
  atLeast,
  fetchList,
  type ListParams,
  type ListSpec,
  listResponse,
  parseList,
  type SortField,
} from '@psa/service-kit/list';
import type { Static } from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import type { DeskSettings } from '../desk/settings.ts';
import { type Fragment, visibleTickets } from '../policies/ticket.ts';
import { addIncludes, TICKET_INCLUDES } from './includes.ts';
import { addHighlights, findMatches, matchingTickets } from './matches.ts';
import { type TicketRow, ticketColumns } from './row.ts';
import { ticketView } from './view.ts';

const SORTABLE: Record<string, SortField> = {
  id: { sql: 't.id', type: 'uuid', column: 'id' },
  created_at: { sql: 't.created_at', type: 'timestamptz', column: 'created_at' },
  updated_at: { sql: 't.updated_at', type: 'timestamptz', column: 'updated_at' },
  ticket_number: { sql: 't.ticket_number', type: 'integer', column: 'ticket_number' },
  priority: { sql: 't.priority_rank', type: 'integer' },
  status: { sql: 't.status', type: 'text' },
  title: { sql: 't.title', type: 'text' },
  // What the list shows as due (Ticket.sla.due_at): unreached deadlines, overdue ones first; the rest at the end.
  sla_due: { sql: 't.sla_due_at', type: 'timestamptz', nullable: true, nullsLast: true },
  sla_response_due: { sql: 't.sla_response_due', type: 'timestamptz', nullable: true },
  sla_resolution_due: { sql: 't.sla_resolution_due', type: 'timestamptz', nullable: true },
};
const FIELDS = [
  'id', 'ticket_number', 'title', 'description', 'status', 'priority', 'category', 'tags', 'source',
  'customer_id', 'requester_id', 'created_by', 'contact_id', 'assigned_to', 'team_id', 'sla_policy_id', 'sla', 'sla_response_due',
  'sla_resolution_due', 'sla_response_state', 'sla_resolution_state', 'sla_breached', 'sla_paused_since',
  'first_response_at', 'resolved_at', 'closed_at', 'reopen_count', 'comment_count', 'minutes_spent',
  'external_id', 'version', 'created_at', 'updated_at', 'highlight',
]; // biome-ignore format: a list of names
const SPEC: ListSpec = {
  sortable: SORTABLE,
  defaultSort: [['created_at', 'desc']],
  fields: FIELDS,
  includes: TICKET_INCLUDES,
  id: SORTABLE.id!,
};
/** With `search`: best first, and the newest of these, unless another order is asked for. */
export const SEARCH_SPEC: ListSpec = {
  ...SPEC,
  sortable: { ...SORTABLE, relevance: { sql: 'hit.tier', type: 'integer' } },
  defaultSort: [
    ['relevance', 'asc'],
    ['updated_at', 'desc'],
  ],
};

/** Text, as a quoted SQL literal: closed sets checked by the schema, written out so that partial indexes fit. */
const literals = (values: readonly string[]) =>
  values.map((value) => `'${value.replaceAll("'", "''")}'`).join(', ');

function filters(tx: Tx, ctx: RequestContext, query: ListTicketsQuery, now: Date): Fragment[] {
  const { sql } = tx;
  const where: Fragment[] = [sql`t.tenant_id = ${ctx.scope.tenant_id} and t.deleted_at is null`];
  if (query.status) {
    const names = query.status.split(',');
    const wanted = new Set(
      names.flatMap((name) => (name === 'open' ? [...OPEN_STATUSES] : [name as TicketStatus])),
    );
    where.push(sql`t.status in (${sql.unsafe(literals([...wanted]))})`);
  }
  if (query.priority) {
    // By rank, which has the index for sorting by priority too.
    where.push(sql`t.priority in (${sql.unsafe(literals([...new Set(query.priority.split(','))]))})`);
  }
  if (query.source)
    where.push(sql`t.source in (${sql.unsafe(literals([...new Set(query.source.split(','))]))})`);
  if (query.customer_id) where.push(sql`t.customer_id = ${query.customer_id}`);
  if (query.assigned_to === 'none') where.push(sql`t.assigned_to is null`);
  else if (query.assigned_to) {
    where.push(sql`t.assigned_to = ${query.assigned_to === 'me' ? ctx.actor.id : query.assigned_to}`);
  }
  if (query.team_id) where.push(sql`t.team_id = ${query.team_id}`);
  if (query.category) where.push(sql`t.category = ${query.category}`);
  if (query.tag) {
    where.push(sql`t.id in (select g.ticket_id from ticket_tags g
      where g.tenant_id = ${ctx.scope.tenant_id} and g.tag = ${normalTag(query.tag)})`);
  }
  if (query.watching !== undefined) {
    where.push(sql`${query.watching ? sql`` : sql`not`} exists (select from watchers w
      where w.tenant_id = t.tenant_id and w.ticket_id = t.id and w.user_id = ${ctx.actor.id})`);
  }
  if (query.sla === 'breached') where.push(sql`t.sla_breached`);
  if (query.sla === 'at_risk') where.push(atRisk(tx, now));
  if (query.created_after) where.push(sql`t.created_at >= ${query.created_after}`);
  if (query.created_before) where.push(sql`t.created_at < ${query.created_before}`);
  if (query.updated_after) where.push(sql`t.updated_at >= ${query.updated_after}`);
  if (query.updated_before) where.push(sql`t.updated_at < ${query.updated_before}`);
  where.push(visibleTickets(tx, ctx));
  return where;
}

/**
 * One of the clocks is in phase `at_risk` at `now`. The first condition is the index's (tickets_risk); the rest leaves
 * out what fell due a moment ago and waits for its timer.
 */
export function atRisk(tx: Tx, now: Date): Fragment {
  const at = now.toISOString();
  const { sql } = tx;
  return sql`t.sla_risk_at <= ${at} and ((t.sla_response_risk_at <= ${at} and t.sla_response_due >= ${at})
    or (t.sla_resolution_risk_at <= ${at} and t.sla_resolution_due >= ${at}))`;
}

/** A row of the list, with the revision of the desk's settings at that moment; null where it has none. */
type ListedRow = TicketRow & { readonly desk_revision: string | null };

/** Where there is no row, no settings are needed. */
const revisionOf = (rows: readonly ListedRow[]) => rows[0]?.desk_revision ?? null;

/** `GET /tickets`. `url`: the request's own, for the links. */
export async function listTickets(
  deps: TicketsDeps,
  ctx: RequestContext,
  query: ListTicketsQuery,
  url: string,
) {
  const text = query.search?.trim();
  const request = parseList(query as ListParams, text ? SEARCH_SPEC : SPEC);
  const where = (tx: Tx) => filters(tx, ctx, query, deps.clock.now());
  const found = text ? await findMatches(deps, ctx, text, query.customer_id, where) : null;
  const columns = ticketColumns(request.fields && !request.fields.has('description') ? ['description'] : []);
  // Names beside the ids are asked for by the ids of the page. Without them the page is all that is asked.
  const isLast = request.include.size === 0;
  const settingsFor = (tx: Tx, rows: readonly ListedRow[]) => deps.settings.at(tx, ctx, revisionOf(rows));
  const viewsOf = (rows: readonly ListedRow[], settings: DeskSettings) => {
    const now = deps.clock.now();
    return rows.map((row) => ticketView(ctx, settings, row, now));
  };
  const { page, named } = await deps.db.read(ctx.scope, async (tx) => {
    const page = await fetchList<ListedRow>(tx, {
      // With the page rather than beside it: a statement less.
      select: tx.sql`${tx.sql.unsafe(columns)}, (select d.revision::text from desks d
        where d.tenant_id = ${ctx.scope.tenant_id}) as desk_revision`,
      from: found ? matchingTickets(tx, found) : tx.sql`tickets t`,
      where: where(tx),
      request,
      isLast,
    });
    if (isLast) return { page, named: null };
    const named = viewsOf(page.rows, await settingsFor(tx, page.rows));
    await addIncludes(tx, ctx, named, request.include);
    return { page, named };
  });
  const tickets =
    named ??
    viewsOf(
      page.rows,
      deps.settings.known(ctx, revisionOf(page.rows)) ??
        (await deps.db.read(ctx.scope, (tx) => settingsFor(tx, page.rows))),
    );
  const result = found?.incomplete ? atLeast(page) : page;
  if (text && (request.fields?.has('highlight') ?? true)) await addHighlights(deps, ctx, text, tickets);
  return listResponse<Ticket>(request, result, tickets, url);
}

/**
 * Ids of the tickets that the list without filters shows, of those asked about or of all, with deleted ones if they are
 * asked for; more than can travel are not named.
 */
export async function visibleIds(
  deps: TicketsDeps,
  ctx: RequestContext,
  { ids: among, deleted = false }: Static<typeof VisibleTicketsRequest>,
): Promise<{ ids: string[]; more: boolean }> {
  const rows = await deps.db.read(ctx.scope, (tx) => {
    const { sql } = tx;
    return sql<{ id: string }[]>`select t.id from tickets t
      where t.tenant_id = ${ctx.scope.tenant_id} and ${deleted ? sql`true` : sql`t.deleted_at is null`}
        and ${among ? sql`t.id = any(${among as string[]}::uuid[])` : sql`true`} and ${visibleTickets(tx, ctx)}
      limit ${MOST_IDS + 1}`;
  });
  const more = rows.length > MOST_IDS;
  return { ids: more ? [] : rows.map((row) => row.id), more };
}
