import { ReindexStarted, SearchRequestQuery, SearchResponse } from '@psa/contracts/search';
import { type App, contextOf } from '@psa/service-kit/app';
import type { ServiceDeps } from '@psa/service-kit/service';
import { write } from '@psa/service-kit/write';
import { startReindex } from '../objects/reindex.ts';
import { search } from './service.ts';

export function searchRoutes(app: App, deps: ServiceDeps): void {
  app.get(
    '/api/v1/search',
    {
      config: { permission: 'search:query' },
      schema: {
        summary: 'Search tickets, customers and contacts',
        operationId: 'search',
        description:
          'All words must occur, in German or English, in any form; the last one may be a beginning; words in quotes stand side by side. A word that occurs nowhere is widened to similar ones, named in `meta.corrected`. Matches in `highlights` stand between U+E000 and U+E001; the text is plain. The first 1,000 matches can be paged through; highlights come for the first 100 hits of an answer.',
        querystring: SearchRequestQuery,
        response: { 200: SearchResponse },
      },
    },
    (request) => search(deps, contextOf(request), request.query),
  );

  app.post(
    '/api/v1/search/reindex',
    {
      config: { permission: 'search:manage' },
      schema: {
        summary: 'Fill the search index anew',
        operationId: 'reindexSearch',
        description:
          'From what this service has stored, in the background; search goes on meanwhile. After a crash it goes on where it was.',
        response: { 202: ReindexStarted },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => {
        await startReindex(tx, ctx.scope.tenant_id, deps.clock.now());
        return { status: 202, body: { data: { started: true } } };
      }),
  );
}
