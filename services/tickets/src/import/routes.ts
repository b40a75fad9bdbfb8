import {
  ImportTeamsRequest,
  ImportTeamsResponse,
  ImportTicketRequest,
  ImportTicketResponse,
} from '@psa/contracts/ticket-import';
import { type App, contextOf } from '@psa/service-kit/app';
import { write } from '@psa/service-kit/write';
import type { TicketsDeps } from '../deps.ts';
import { prepareImport } from './references.ts';
import { importTickets } from './service.ts';
import { importTeams } from './teams.ts';

/** Taking over tickets and teams from another system. */
export function importRoutes(app: App, deps: TicketsDeps): void {
  const { db } = deps;
  app.post(
    '/api/v1/tickets/import',
    {
      config: { permission: 'ticket:import' },
      schema: {
        summary: 'Take over tickets with their history; what is known already is not taken twice',
        operationId: 'importTickets',
        tags: ['import'],
        body: ImportTicketRequest,
        response: { 200: ImportTicketResponse },
      },
    },
    async (request, reply) => {
      const prepared = await prepareImport(deps, contextOf(request), request.body);
      return write(db, request, reply, async (tx, ctx) => ({
        status: 200,
        body: { tickets: await importTickets(deps, tx, ctx, request.body, prepared) },
      }));
    },
  );

  app.post(
    '/api/v1/teams/import',
    {
      config: { permission: 'ticket:import' },
      schema: {
        summary: 'Take over teams by their name in another system; known ones are returned unchanged',
        operationId: 'importTeams',
        tags: ['import'],
        body: ImportTeamsRequest,
        response: { 200: ImportTeamsResponse },
      },
    },
    async (request, reply) =>
      write(db, request, reply, async (tx, ctx) => ({
        status: 200,
        body: { teams: await importTeams(deps, tx, ctx, request.body) },
      })),
  );
}
