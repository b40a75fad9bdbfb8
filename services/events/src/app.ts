import type { ServiceDefinition } from '@psa/service-kit/service';
import { deadLetterRoutes } from './dead-letters/routes.ts';
import { historyConsumer } from './log/consumer.ts';
import { monthWorker } from './log/months.ts';
import { logRoutes } from './log/routes.ts';

/** The history of everything that happened, its statistics, and the live fan-out. */
export const eventsService: ServiceDefinition = {
  name: 'events',
  title: 'Event history, statistics and dead letters',
  migrations: new URL('./db/migrations/', import.meta.url),
  uses: ['bus', 'cache'],
  build(deps) {
    const months = monthWorker(deps);
    return {
      routes(app) {
        logRoutes(app, deps);
        deadLetterRoutes(app, deps);
      },
      // The months first: the consumer then finds the present one made.
      workers: [months, historyConsumer(deps, months)],
    };
  },
};
