import type { SearchHit } from '@psa/contracts/ports/search';
import type { SearchRequestQuery, SearchResponse } from '@psa/contracts/search';
import { can } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import { unavailable } from '@psa/service-kit/errors';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Static } from 'typebox';
import { OBJECT_TYPES, type ObjectType } from '../objects/domain.ts';
import { customerNames } from '../objects/repository.ts';

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
  const found =
    types.length === 0
      ? { hits: [], total: 0, total_relation: 'eq' as const, corrected: {} }
      : await deps.searchIndex
          .query({
            tenant_id: ctx.scope.tenant_id,
            customer_id: ctx.scope.customer_id,
            // A role that sees own tickets only sees own objects only.
            owner_id: can(ctx, 'ticket:view:all') ? null : ctx.actor.id,
            text: query.q,
            ...(all ? {} : { types }),
            limit,
            offset,
          })
          .catch((error: unknown) => {
            throw unavailable('The search does not answer just now.', 2, error);
          });
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

/** Staff see whose ticket or contact it is. The name is looked up now: it may have changed since the put. */
async function withCustomerNames(deps: ServiceDeps, ctx: RequestContext, hits: readonly SearchHit[]) {
  const customerOf = (hit: SearchHit) => hit.summary.customer_id as string | undefined;
  const ids = [...new Set(hits.flatMap((hit) => customerOf(hit) ?? []))];
  const names =
    ids.length > 0 && ctx.scope.customer_id === null && can(ctx, 'customer:view')
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
