import type { ServiceDefinition } from '@psa/service-kit/service';
import { indexConsumer } from './objects/consumer.ts';
import { reindexWorker } from './objects/reindex.ts';
import { searchRoutes } from './query/routes.ts';

/** One query over tickets, customers and contacts. */
export const searchService: ServiceDefinition = {
  name: 'search',
  title: 'Search',
  migrations: new URL('./db/migrations/', import.meta.url),
  uses: ['bus', 'searchIndex'],
  build: (deps) => ({
    routes: (app) => searchRoutes(app, deps),
    workers: [indexConsumer(deps), reindexWorker(deps)],
  }),
};
