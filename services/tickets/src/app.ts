import type { ServiceDefinition } from '@psa/service-kit/service';
import { timerWorker } from '@psa/service-kit/timers';
import { attachmentRoutes } from './attachments/routes.ts';
import { cleanupHandlers } from './attachments/service.ts';
import { commentRoutes } from './comments/routes.ts';
import type { TicketsDeps } from './deps.ts';
import { categories } from './desk/categories.ts';
import { deskConsumers } from './desk/consumers.ts';
import { assignmentRules, calendars, savedViews, slaPolicies, teams } from './desk/resources.ts';
import { SettingsCache } from './desk/settings.ts';
import { technicianRoutes } from './desk/technicians.ts';
import { exportRoutes } from './export/routes.ts';
import { historyRoutes } from './history/routes.ts';
import { holidayRoutes } from './holidays/routes.ts';
import { importRoutes } from './import/routes.ts';
import { peopleConsumers } from './people/consumers.ts';
import { quotaRoutes } from './quota/routes.ts';
import { cameBackHandlers } from './restored/came-back.ts';
import { slaRoutes } from './sla/routes.ts';
import { slaTimerHandlers } from './sla/timers.ts';
import { ticketGauges } from './tickets/gauge.ts';
import { ticketRoutes } from './tickets/routes.ts';
import { timeRoutes } from './time/routes.ts';
import { watcherRoutes } from './watchers/routes.ts';

/** The service desk: tickets and everything that belongs to one, teams, calendars, SLA, assignment. */
export const ticketsService: ServiceDefinition = {
  name: 'tickets',
  title: 'Service desk',
  migrations: new URL('./db/migrations/', import.meta.url),
  uses: ['bus', 'files'],
  build(world, metrics) {
    const deps: TicketsDeps = {
      ...world,
      settings: new SettingsCache(),
    };
    return {
      async routes(app) {
        ticketRoutes(app, deps);
        commentRoutes(app, deps);
        historyRoutes(app, deps);
        slaRoutes(app, deps);
        timeRoutes(app, deps);
        watcherRoutes(app, deps);
        await attachmentRoutes(app, deps);
        quotaRoutes(app, deps);
        for (const routes of [teams, calendars, slaPolicies, assignmentRules, categories, savedViews])
          routes(app, deps);
        technicianRoutes(app, deps);
        await holidayRoutes(app, deps);
        importRoutes(app, deps);
        exportRoutes(app, deps);
      },
      workers: [
        ...peopleConsumers(deps),
        ...deskConsumers(deps),
        timerWorker({
          db: deps.db,
          clock: deps.clock,
          log: deps.log,
          // Deadlines, files whose upload was cut short, tickets that came back out of a backup.
          handlers: { ...slaTimerHandlers(deps), ...cleanupHandlers(deps), ...cameBackHandlers(deps) },
        }),
        ticketGauges(deps, metrics),
      ],
    };
  },
};
