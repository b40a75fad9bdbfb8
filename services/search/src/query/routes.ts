import { SearchRequestQuery, SearchResponse } from '@psa/contracts/search';
import { type App, can, contextOf } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Static } from 'typebox';

/** The types the caller may find; asked-for ones it may not see are left out. */
export function visibleTypes(ctx: RequestContext, wanted: string | undefined): string[] {
  const may: string[] = [];
  if (can(ctx, 'ticket:view:own')) may.push('ticket');
  if (can(ctx, 'customer:view')) may.push('customer');
  if (can(ctx, 'contact:view')) may.push('contact');
  const asked = wanted?.split(',');
  return asked ? may.filter((type) => asked.includes(type)) : may;
}

export function searchRoutes(app: App, deps: ServiceDeps): void {
  app.get(
    '/api/v1/search',
    {
      config: { permission: 'search:query' },
      schema: {
        operationId: 'search',
        summary: 'Tickets, customers and contacts by text',
        querystring: SearchRequestQuery,
        response: { 200: SearchResponse },
      },
    },
    async (request) => {
      const ctx = contextOf(request);
      const { q, types, limit = 20, offset = 0 } = request.query;
      const began = performance.now();
      const wanted = visibleTypes(ctx, types);
      const found =
        wanted.length === 0
          ? { hits: [], total: 0, total_relation: 'eq' as const, corrected: {} }
          : await deps.searchIndex.query({
              tenant_id: ctx.scope.tenant_id,
              customer_id: ctx.scope.customer_id,
              owner_id: can(ctx, 'ticket:view:all') ? null : ctx.actor.id,
              text: q,
              types: wanted,
              limit,
              offset,
            });
      const { hits, ...meta } = found;
      const took_ms = Math.round((performance.now() - began) * 10) / 10;
      return { data: [...hits], meta: { ...meta, limit, offset, took_ms } } as Static<typeof SearchResponse>;
    },
  );
}
