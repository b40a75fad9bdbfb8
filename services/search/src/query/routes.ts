import {
  ReindexStarted,
  SearchMarksRequest,
  SearchMarksResponse,
  SearchMatchesRequest,
  SearchMatchesResponse,
  SearchRequestQuery,
  SearchResponse,
} from '@psa/contracts/search';
import { type App, contextOf } from '@psa/service-kit/app';
import type { ServiceDeps } from '@psa/service-kit/service';
import { write } from '@psa/service-kit/write';
import { startReindex } from '../objects/reindex.ts';
import type { SynonymCache } from '../synonyms/service.ts';
import { search, searchMarks, searchMatches } from './service.ts';

export function searchRoutes(app: App, deps: ServiceDeps, synonyms: SynonymCache): void {
  app.get(
    '/api/v1/search',
    {
      config: { permission: 'search:query' },
      schema: {
        summary: 'Search tickets, customers and contacts',
        operationId: 'search',
        description:
          'All words must occur, in German or English, in any form, also as a part of a German compound, or what the tenant takes for the same (`/search/synonyms`); the last one may be a beginning; words in quotes stand side by side. Scripts without spaces are searched by their letters, telephone numbers and keys without their signs and by their last digits. A word that occurs nowhere is widened to similar ones, named in `meta.corrected`; so are words that occur, but not together. Matches in `highlights` stand between U+E000 and U+E001; the text is plain. The first 1,000 matches can be paged through; highlights come for the first 100 hits of an answer. Best first: an exact number or title, then by where the words stand, whether it is still open, and its age. `status` and the times narrow what is found; `total` counts what is left.',
        querystring: SearchRequestQuery,
        response: { 200: SearchResponse },
      },
    },
    (request) => search({ ...deps, synonyms }, contextOf(request), request.query),
  );

  app.post(
    '/internal/search/matches',
    {
      config: { permission: 'search:query' },
      schema: {
        summary: 'All matches of a type, for the service that owns it',
        operationId: 'searchMatches',
        hide: true,
        body: SearchMatchesRequest,
        response: { 200: SearchMatchesResponse },
      },
    },
    (request) => searchMatches({ ...deps, synonyms }, contextOf(request), request.body),
  );

  app.post(
    '/internal/search/marks',
    {
      config: { permission: 'search:query' },
      schema: {
        summary: 'Highlights of some objects, for the service that owns them',
        operationId: 'searchMarks',
        hide: true,
        body: SearchMarksRequest,
        response: { 200: SearchMarksResponse },
      },
    },
    (request) => searchMarks({ ...deps, synonyms }, contextOf(request), request.body),
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
