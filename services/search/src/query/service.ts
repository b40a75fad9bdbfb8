import type { SearchHit } from '@psa/contracts/ports/search';
import type {
  SearchMarksRequest,
  SearchMarksResponse,
  SearchMatchesRequest,
  SearchMatchesResponse,
  SearchRequestQuery,
  SearchResponse,
} from '@psa/contracts/search';
import { can } from '@psa/service-kit/app';
import { domainsInLetters } from '@psa/service-kit/contact-forms';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import { forbidden } from '@psa/service-kit/errors';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Static } from 'typebox';
import { OBJECT_TYPES, type ObjectType } from '../objects/domain.ts';
import { customerNames } from '../objects/repository.ts';
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

/** `GET /search`: what the asker may see of what matches. */
export async function search(
  deps: ServiceDeps,
  ctx: RequestContext,
  query: Static<typeof SearchRequestQuery>,
): Promise<Static<typeof SearchResponse>> {
  const started = performance.now();
  const wanted = query.types?.split(',');
  const types = visibleTypes(ctx).filter((type) => wanted?.includes(type) ?? true);
  const [limit, offset] = [query.limit ?? 20, query.offset ?? 0];
  const all = types.length === OBJECT_TYPES.length;
  const own =
    types.includes('ticket') && !can(ctx, 'ticket:view:all') ? await ownTickets(deps, ctx, query.q) : null;
  const found =
    types.length === 0
      ? { hits: [], total: 0, total_relation: 'eq' as const, corrected: {} }
      : await deps.searchIndex
          .query({
            tenant_id: ctx.scope.tenant_id,
            customer_id: ctx.scope.customer_id,
            text: domainsInLetters(query.q),
            ...(all ? {} : { types }),
            ...(own ? { only: { type: 'ticket', ids: own.ids } } : {}),
            limit,
            offset,
          })
          .catch(refused);
  return {
    data: await withCustomerNames(deps, ctx, found.hits),
    meta: {
      total: found.total,
      total_relation: own?.incomplete ? 'gte' : found.total_relation,
      limit,
      offset,
      corrected: mutable(found.corrected),
      took_ms: Math.round((performance.now() - started) * 10) / 10,
    },
  };
}

/**
 * All matches of a type, for the service that owns it: it knows who may see what beyond tenant and customer, which hold
 * here, and applies it. Reached by services only.
 */
export async function searchMatches(
  deps: ServiceDeps,
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
      most,
      newest,
    })
    .catch(refused);
  return { tiers: tiers.map(packed), more };
}

/** Highlights of some objects. Reached by services only. */
export async function searchMarks(
  deps: ServiceDeps,
  ctx: RequestContext,
  { q, type, ids }: Static<typeof SearchMarksRequest>,
): Promise<Static<typeof SearchMarksResponse>> {
  mustSee(ctx, type);
  const { tenant_id, customer_id } = ctx.scope;
  const { hits } = await deps.searchIndex
    .query({
      tenant_id,
      customer_id,
      text: q,
      types: [type],
      only: { type, ids },
      limit: ids.length,
      offset: 0,
    })
    .catch(refused);
  return { data: hits.map(({ id, highlights }) => ({ id, highlights })) };
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
