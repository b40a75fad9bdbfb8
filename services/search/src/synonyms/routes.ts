import { SetSynonymsRequest, SynonymsAnswer } from '@psa/contracts/search';
import { type App, contextOf } from '@psa/service-kit/app';
import type { ServiceDeps } from '@psa/service-kit/service';
import { checkIfMatch, etag, write } from '@psa/service-kit/write';
import { currentSynonyms, type SynonymCache, setSynonyms } from './service.ts';

const path = '/api/v1/search/synonyms';

/** What a search takes for the same: a setting of the tenant. */
export function synonymRoutes(app: App, deps: ServiceDeps, cache: SynonymCache): void {
  app.get(
    path,
    {
      config: { permission: 'search:manage' },
      schema: {
        summary: 'What a search takes for the same',
        operationId: 'getSynonyms',
        description:
          'Lists of expressions that mean one thing; a shipped German and English list until one is set.',
        response: { 200: SynonymsAnswer },
      },
    },
    async (request, reply) => {
      const { scope } = contextOf(request);
      const data = await deps.db.read(scope, (tx) => currentSynonyms(tx, scope.tenant_id));
      reply.header('etag', etag(data.version));
      return { data };
    },
  );

  app.patch(
    path,
    {
      config: { permission: 'search:manage' },
      schema: {
        summary: 'Set what a search takes for the same',
        operationId: 'updateSynonyms',
        description:
          'The whole list, or null for the shipped one. It holds for the next search; other processes follow within five seconds. Nothing is indexed anew.',
        body: SetSynonymsRequest,
        response: { 200: SynonymsAnswer },
      },
    },
    async (request, reply) => {
      const answer = await write(deps.db, request, reply, async (tx, ctx) => {
        const { groups } = request.body;
        const data = await setSynonyms(deps, tx, ctx, groups, (version) => checkIfMatch(request, version));
        return { status: 200, body: { data }, headers: { etag: etag(data.version) } };
      });
      cache.forget(contextOf(request).scope.tenant_id);
      return answer;
    },
  );
}
