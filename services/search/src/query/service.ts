import { PAGE_ROWS } from '@psa/contracts/limits';
import type { SearchFilter, SearchHit, SearchResult } from '@psa/contracts/ports/search';
import type {
  SearchMarksRequest,
  SearchMarksResponse,
  SearchMatchesRequest,
  SearchMatchesResponse,
  SearchRequestQuery,
  SearchResponse,
} from '@psa/contracts/search';
import { OPEN_STATUSES } from '@psa/contracts/tickets';
import { can } from '@psa/service-kit/app';
import { domainsInLetters } from '@psa/service-kit/contact-forms';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import { forbidden, invalid } from '@psa/service-kit/errors';
import { peerRefusal } from '@psa/service-kit/peers';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Static } from 'typebox';
import { OBJECT_TYPES, type ObjectType } from '../objects/domain.ts';
import { customerNames } from '../objects/repository.ts';
import type { SynonymCache } from '../synonyms/service.ts';
import { ownTickets } from './own-tickets.ts';
import { refused } from './refused.ts';

/** The types that the asker may see at all. */
function visibleTypes(ctx: RequestContext): ObjectType[] {
  const allowed: Record<ObjectType, boolean> = {
    ticket: can(ctx, 'ticket:view:own'),
    customer: can(ctx, 'customer:view'),
    contact: can(ctx, 'contact:view'),
  };
  return OBJECT_TYPES.filter((type) => allowed[type]);
}

/** What a query asks with: what the service has, and the lists of synonyms. */
type SearchDeps = ServiceDeps & { readonly synonyms: SynonymCache };
type Query = Static<typeof SearchRequestQuery>;

const NOTHING: SearchResult = { hits: [], total: 0, total_relation: 'eq', corrected: {} };

/** `GET /search`: what the asker may see of what matches. */
export async function search(
  deps: SearchDeps,
  ctx: RequestContext,
  query: Query,
): Promise<Static<typeof SearchResponse>> {
  const started = performance.now();
  const wanted = query.types?.split(',');
  // A status is a ticket's, and so is a deadline.
  const ticketsAlone = query.status !== undefined || query.sort === 'due';
  const types = visibleTypes(ctx).filter(
    (type) => (wanted?.includes(type) ?? true) && (type === 'ticket' || !ticketsAlone),
  );
  const [limit, offset] = [query.limit ?? 20, query.offset ?? 0];
  const find = query.sort === 'due' ? byDue : byIndex;
  const found = types.length === 0 ? NOTHING : await find(deps, ctx, query, types, { limit, offset });
  return {
    data: await withCustomerNames(deps, ctx, found.hits),
    meta: {
      total: found.total,
      total_relation: found.total_relation,
      limit,
      offset,
      corrected: mutable(found.corrected),
      took_ms: Math.round((performance.now() - started) * 10) / 10,
    },
  };
}

/** What the index finds of these types. */
async function byIndex(
  deps: SearchDeps,
  ctx: RequestContext,
  query: Query,
  types: readonly ObjectType[],
  page: { limit: number; offset: number },
): Promise<SearchResult> {
  const all = types.length === OBJECT_TYPES.length;
  const synonyms = await deps.synonyms.of(deps, ctx);
  const own =
    types.includes('ticket') && !can(ctx, 'ticket:view:all')
      ? await ownTickets(deps, ctx, query.q, synonyms)
      : null;
  const found = await deps.searchIndex
    .query({
      tenant_id: ctx.scope.tenant_id,
      customer_id: ctx.scope.customer_id,
      text: domainsInLetters(query.q),
      ...(all ? {} : { types }),
      ...(own ? { only: { type: 'ticket', ids: own.ids } } : {}),
      filter: filterOf(query),
      ...(query.sort === 'newest' ? { sort: 'newest' } : {}),
      synonyms,
      now: deps.clock.now().toISOString(),
      ...page,
    })
    .catch(refused);
  return own?.incomplete ? { ...found, total_relation: 'gte' } : found;
}

function filterOf({ status, customer_id, updated_after, updated_before }: Query): SearchFilter {
  const statuses = status?.split(',').flatMap((one) => (one === 'open' ? [...OPEN_STATUSES] : [one]));
  return {
    ...(statuses && { statuses: [...new Set(statuses)] }),
    ...(customer_id !== undefined && { customer_id }),
    ...(updated_after !== undefined && { updated_after }),
    ...(updated_before !== undefined && { updated_before }),
  };
}

/**
 * All matches of a type, for the service that owns it: it knows who may see what beyond tenant and customer, which hold
 * here, and applies it. Reached by services only.
 */
export async function searchMatches(
  deps: SearchDeps,
  ctx: RequestContext,
  request: Static<typeof SearchMatchesRequest>,
): Promise<Static<typeof SearchMatchesResponse>> {
  const { q, type, customer_id, ids, most, newest = false } = request;
  mustSee(ctx, type);
  const { tiers, more } = await deps.searchIndex
    .matches({
      tenant_id: ctx.scope.tenant_id,
      customer_id: ctx.scope.customer_id,
      text: domainsInLetters(q),
      type,
      ...(customer_id === undefined ? {} : { only_customer: customer_id }),
      ...(ids === undefined ? {} : { ids }),
      synonyms: await deps.synonyms.of(deps, ctx),
      most,
      newest,
    })
    .catch(refused);
  return { tiers: tiers.map(packed), more };
}

/** Highlights of some objects. Reached by services only. */
export async function searchMarks(
  deps: SearchDeps,
  ctx: RequestContext,
  { q, type, ids }: Static<typeof SearchMarksRequest>,
): Promise<Static<typeof SearchMarksResponse>> {
  mustSee(ctx, type);
  const hits = await hitsOf(deps, ctx, q, type, ids);
  return { data: hits.map(({ id, highlights }) => ({ id, highlights })) };
}

/** These objects as hits of a text, those that match, in the index's order. */
async function hitsOf(
  deps: SearchDeps,
  ctx: RequestContext,
  text: string,
  type: ObjectType,
  ids: readonly string[],
): Promise<readonly SearchHit[]> {
  const { tenant_id, customer_id } = ctx.scope;
  const { hits } = await deps.searchIndex
    .query({
      ...{ tenant_id, customer_id, types: [type], only: { type, ids } },
      text: domainsInLetters(text),
      synonyms: await deps.synonyms.of(deps, ctx),
      limit: ids.length,
      offset: 0,
    })
    .catch(refused);
  return hits;
}

/**
 * Tickets by their deadlines: in the order, with the rights and the count of the ticket list, which asks the index back
 * for what matches. The index follows deadlines with a delay, and knows no pauses.
 */
async function byDue(
  deps: SearchDeps,
  ctx: RequestContext,
  { q, status, customer_id, updated_after, updated_before }: Query,
  _types: readonly ObjectType[],
  { limit, offset }: { limit: number; offset: number },
): Promise<SearchResult> {
  if (limit > PAGE_ROWS.most)
    throw invalid({
      field: 'limit',
      code: 'too_large',
      message: `may be ${PAGE_ROWS.most} at most when sorted by due time`,
      values: { most: PAGE_ROWS.most },
    });
  if (offset % limit !== 0)
    throw invalid({
      field: 'offset',
      code: 'contradicts',
      message: 'must be a multiple of limit when sorted by due time',
    });
  const asked = {
    ...{ search: q, sort: 'sla_due', order: 'asc', fields: 'id', status, customer_id },
    ...{ updated_after, updated_before, limit, page: offset / limit + 1 },
  };
  const path = new URLSearchParams(
    Object.entries(asked).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
  const answer = await deps.peers.request('tickets', {
    method: 'GET',
    path: `/api/v1/tickets?${path}`,
    token: ctx.token,
    requestId: ctx.request_id,
  });
  if (answer.status !== 200) throw peerRefusal('tickets', answer);
  const { data, meta } = answer.body as {
    data: { id: string }[];
    meta: { total: number; total_relation?: 'eq' | 'gte' };
  };
  const ids = data.map((ticket) => ticket.id);
  const hits = ids.length === 0 ? [] : await hitsOf(deps, ctx, q, 'ticket', ids);
  const byId = new Map(hits.map((hit) => [hit.id, hit]));
  return {
    hits: ids.flatMap((id) => byId.get(id) ?? []),
    total: meta.total,
    total_relation: meta.total_relation ?? 'eq',
    corrected: {},
  };
}

function mustSee(ctx: RequestContext, type: ObjectType): void {
  if (!visibleTypes(ctx).includes(type)) throw forbidden(`You may not see any ${type}.`);
}

const packed = (ids: readonly string[]) =>
  Buffer.from(ids.join('').replaceAll('-', ''), 'hex').toString('base64');

/** Staff see whose ticket or contact it is. The name is looked up now: it may have changed since the put. */
async function withCustomerNames(deps: ServiceDeps, ctx: RequestContext, hits: readonly SearchHit[]) {
  const customerOf = (hit: SearchHit) => hit.summary.customer_id as string | undefined;
  const ids = [...new Set(hits.flatMap((hit) => customerOf(hit) ?? []))];
  const names =
    ids.length > 0 && !isPortal(ctx) && can(ctx, 'customer:view')
      ? await deps.db.read(ctx.scope, (tx) => customerNames(tx, ctx.scope.tenant_id, ids))
      : new Map<string, string>();
  return hits.map((hit) => {
    const name = names.get(customerOf(hit) ?? '');
    return {
      ...hit,
      type: hit.type as ObjectType,
      summary: name === undefined ? { ...hit.summary } : { ...hit.summary, customer_name: name },
    };
  });
}

const mutable = (corrected: Readonly<Record<string, readonly string[]>>) =>
  Object.fromEntries(Object.entries(corrected).map(([word, words]) => [word, [...words]]));
