import type { ServiceDefinition } from '@psa/service-kit/service';
import { indexConsumer } from './objects/consumer.ts';
import { reindexWorker } from './objects/reindex.ts';
import { searchRoutes } from './query/routes.ts';
import { synonymRoutes } from './synonyms/routes.ts';
import { SynonymCache } from './synonyms/service.ts';

/** One query over tickets, customers and contacts. */
export const searchService: ServiceDefinition = {
  name: 'search',
  title: 'Search',
  migrations: new URL('./db/migrations/', import.meta.url),
  uses: ['bus', 'searchIndex'],
  build: (deps) => ({
    routes: (app) => {
      const synonyms = new SynonymCache();
      searchRoutes(app, deps, synonyms);
      synonymRoutes(app, deps, synonyms);
    },
    workers: [indexConsumer(deps), reindexWorker(deps)],
  }),
};
