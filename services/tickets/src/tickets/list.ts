import type { SearchResponse } from '@psa/contracts/search';
import { type ListTicketsQuery, OPEN_STATUSES, type Ticket, type TicketStatus } from '@psa/contracts/tickets';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { AppError } from '@psa/service-kit/errors';
import {
  fetchList,
  type ListParams,
  type ListSpec,
  listResponse,
  parseList,
  type SortField,
} from '@psa/service-kit/list';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Static } from 'typebox';
import { addIncludes, TICKET_INCLUDES } from './includes.ts';
import { type TicketRow, ticketColumns, ticketView } from './row.ts';
import { type Fragment, visibleTickets } from './visibility.ts';

const SORTABLE: Record<string, SortField> = {
  id: { sql: 't.id', type: 'uuid' },
  created_at: { sql: 't.created_at', type: 'timestamptz' },
  updated_at: { sql: 't.updated_at', type: 'timestamptz' },
  ticket_number: { sql: 't.ticket_number', type: 'integer' },
  priority: { sql: 't.priority_rank', type: 'integer' },
  status: { sql: 't.status', type: 'text' },
  title: { sql: 't.title', type: 'text' },
  sla_response_due: { sql: 't.sla_response_due', type: 'timestamptz', nullable: true },
  sla_resolution_due: { sql: 't.sla_resolution_due', type: 'timestamptz', nullable: true },
};
const FIELDS = [
  'id', 'ticket_number', 'title', 'description', 'status', 'priority', 'category', 'tags', 'source',
  'customer_id', 'requester_id', 'contact_id', 'assigned_to', 'team_id', 'sla_policy_id', 'sla_response_due',
  'sla_resolution_due', 'sla_response_state', 'sla_resolution_state', 'sla_breached', 'sla_paused_since',
  'first_response_at', 'resolved_at', 'closed_at', 'reopen_count', 'comment_count', 'minutes_spent',
  'external_id', 'version', 'created_at', 'updated_at', 'highlight',
]; // biome-ignore format: a list of names
const SPEC: ListSpec = {
  sortable: SORTABLE,
  defaultSort: [['created_at', 'desc']],
  fields: FIELDS,
  includes: TICKET_INCLUDES,
  id: { sql: 't.id', type: 'uuid' },
};
/** With `search`: best hit first, unless another order is asked for. */
const SEARCH_SPEC: ListSpec = {
  ...SPEC,
  sortable: { ...SORTABLE, relevance: { sql: 'hit.rank', type: 'bigint' } },
  defaultSort: [['relevance', 'asc']],
};

/** A deadline within this time counts as at risk in lists and figures. */
export const AT_RISK_HOURS = 4;

type Hit = Static<typeof SearchResponse>['data'][number];

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
      where g.tenant_id = ${ctx.scope.tenant_id} and g.tag = ${query.tag.toLowerCase()})`);
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
  where.push(visibleTickets(tx, ctx));
  return where;
}

/** A running deadline within the next hours. */
export function atRisk(tx: Tx, now: Date): Fragment {
  const until = new Date(now.getTime() + AT_RISK_HOURS * 3_600_000).toISOString();
  const { sql } = tx;
  return sql`((t.sla_resolution_state = 'running' and t.sla_resolution_due <= ${until})
    or (t.sla_response_state = 'running' and t.sla_response_due <= ${until}))`;
}

/** `GET /tickets`. `url`: the request's own, for the links. */
export async function listTickets(
  deps: ServiceDeps,
  ctx: RequestContext,
  query: ListTicketsQuery,
  url: string,
) {
  const text = query.search?.trim();
  const request = parseList(query as ListParams, text ? SEARCH_SPEC : SPEC);
  const hits = text ? await searchHits(deps, ctx, text) : null;
  return deps.db.read(ctx.scope, async (tx) => {
    const { sql } = tx;
    const columns = ticketColumns(
      request.fields && !request.fields.has('description') ? ['description'] : [],
    );
    const ids = hits === null ? null : [...(await byNumber(tx, ctx, text!)), ...hits.map((hit) => hit.id)];
    const from =
      ids === null
        ? sql`tickets t`
        : sql`(select id, min(rank) as rank from unnest(${ids}::uuid[]) with ordinality as h(id, rank) group by id) as hit
            join tickets t on t.id = hit.id`;
    const result = await fetchList<TicketRow>(tx, {
      select: sql`${sql.unsafe(columns)}`,
      from,
      where: filters(tx, ctx, query, deps.clock.now()),
      request,
    });
    const tickets = result.rows.map((row) => ticketView(row, ctx));
    await addIncludes(tx, ctx, tickets, request.include);
    if (hits) highlight(tickets, hits);
    return listResponse<Ticket>(request, result, tickets, url);
  });
}

function highlight(tickets: Ticket[], hits: readonly Hit[]): void {
  const byId = new Map(hits.map((hit) => [hit.id, hit.highlights]));
  for (const ticket of tickets) {
    const marks = byId.get(ticket.id);
    if (marks) ticket.highlight = marks;
  }
}

const DIGITS = /^#?(\d{1,9})$/;

/** A number typed as a search means the ticket of that number first. */
async function byNumber(tx: Tx, ctx: RequestContext, text: string): Promise<string[]> {
  const number = DIGITS.exec(text)?.[1];
  if (!number) return [];
  const rows = await tx.sql<{ id: string }[]>`
    select id from tickets where tenant_id = ${ctx.scope.tenant_id} and ticket_number = ${Number(number)}`;
  return rows.map((row) => row.id);
}

const MOST_HITS = 1000;

/** Asks the search service in the caller's name. Its hits are filtered again here by what the asker may see. */
async function searchHits(deps: ServiceDeps, ctx: RequestContext, text: string): Promise<readonly Hit[]> {
  const params = new URLSearchParams({ q: text, types: 'ticket', limit: String(MOST_HITS) });
  try {
    const { status, body } = await deps.peers.request('search', {
      method: 'GET',
      path: `/api/v1/search?${params}`,
      token: ctx.token,
      requestId: ctx.request_id,
    });
    if (status === 200) return (body as Static<typeof SearchResponse>).data;
    if (status === 403)
      throw new AppError(403, 'PERMISSION_DENIED', 'This needs the permission search:query.');
    throw new AppError(502, 'EXTERNAL_SERVICE_ERROR', `The search service answered with ${status}.`);
  } catch (error) {
    // A ticket number is found without the index.
    if (DIGITS.test(text) && error instanceof AppError && error.status >= 500) return [];
    throw error;
  }
}
