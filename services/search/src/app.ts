import { consumer, type ServiceDefinition } from '@psa/service-kit/service';
import { indexEvents } from './index/consumer.ts';
import { searchRoutes } from './query/routes.ts';

/** One query over tickets, customers and contacts. */
export const searchService: ServiceDefinition = {
  name: 'search',
  title: 'Search',
  migrations: new URL('./db/migrations/', import.meta.url),
  uses: ['bus', 'searchIndex'],
  routes: searchRoutes,
  workers: (deps) => [consumer(() => indexEvents(deps))],
};
