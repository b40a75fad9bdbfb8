import type { ServiceDefinition } from '@psa/service-kit/service';
import { commentRoutes } from './comments/routes.ts';
import { Desks } from './desk/desk.ts';
import { TicketNumbers } from './tickets/numbers.ts';
import { ticketRoutes } from './tickets/routes.ts';

/** The service desk: tickets and everything that belongs to one, teams, calendars, SLA, assignment. */
export const ticketsService: ServiceDefinition = {
  name: 'tickets',
  title: 'Service desk',
  migrations: new URL('./db/migrations/', import.meta.url),
  uses: ['bus', 'files'],
  routes(app, deps) {
    const desk = { deps, desks: new Desks(), numbers: new TicketNumbers(deps.db) };
    ticketRoutes(app, desk);
    commentRoutes(app, desk);
  },
};
