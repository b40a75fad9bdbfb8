import type { ServiceDefinition, ServiceDeps } from '@psa/service-kit/service';
import { timerWorker } from '@psa/service-kit/timers';
import { attachmentRoutes } from './attachments/routes.ts';
import { cleanupHandlers } from './attachments/service.ts';
import { commentRoutes } from './comments/routes.ts';
import { deskConsumers } from './desk/consumers.ts';
import { deskRoutes } from './desk/crud.ts';
import { Desks } from './desk/desk.ts';
import { assignmentRules, calendars, savedViews, slaPolicies, teams } from './desk/resources.ts';
import { technicianRoutes } from './desk/technicians.ts';
import { importRoutes } from './import/routes.ts';
import { peopleConsumers } from './people/consumers.ts';
import { slaTimerHandlers } from './sla/timers.ts';
import { detailRoutes } from './tickets/details.ts';
import { activeTicketsGauge } from './tickets/gauge.ts';
import { TicketNumbers } from './tickets/numbers.ts';
import { ticketRoutes } from './tickets/routes.ts';
import type { TicketDesk } from './tickets/service.ts';

const ticketDesk = (deps: ServiceDeps): TicketDesk => ({
  deps,
  desks: new Desks(),
  numbers: new TicketNumbers(deps.db),
});

/** The timers of this service: deadlines, and files whose upload was cut short. */
export const deskTimers = (deps: ServiceDeps) =>
  timerWorker({
    db: deps.db,
    clock: deps.clock,
    log: deps.log,
    handlers: { ...slaTimerHandlers(ticketDesk(deps)), ...cleanupHandlers(deps) },
  });

/** The service desk: tickets and everything that belongs to one, teams, calendars, SLA, assignment. */
export const ticketsService: ServiceDefinition = {
  name: 'tickets',
  title: 'Service desk',
  migrations: new URL('./db/migrations/', import.meta.url),
  uses: ['bus', 'files'],
  async routes(app, deps) {
    const desk = ticketDesk(deps);
    ticketRoutes(app, desk);
    commentRoutes(app, desk);
    detailRoutes(app, desk);
    await attachmentRoutes(app, desk);
    for (const resource of [teams, calendars, slaPolicies, assignmentRules, savedViews]) {
      deskRoutes(app, desk, resource);
    }
    technicianRoutes(app, desk);
    importRoutes(app, desk);
  },
  workers(deps, metrics) {
    return [
      ...peopleConsumers(deps),
      ...deskConsumers(ticketDesk(deps)),
      deskTimers(deps),
      activeTicketsGauge(deps, metrics),
    ];
  },
};
