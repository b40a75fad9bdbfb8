import { MOST_IDS } from '@psa/contracts/limits';
import type { ListTicketsQuery, Ticket, VisibleTicketsRequest } from '@psa/contracts/tickets';
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
import { visibleTickets } from '../policies/ticket.ts';
import { filters, oneCustomer } from './filters.ts';
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
  const found = text ? await findMatches(deps, ctx, text, oneCustomer(query), where) : null;
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
