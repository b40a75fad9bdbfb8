import {
  ImportTeamsRequest,
  ImportTeamsResponse,
  ImportTicketRequest,
  ImportTicketResponse,
} from '@psa/contracts/ticket-import';
import { type App, contextOf } from '@psa/service-kit/app';
import { write } from '@psa/service-kit/write';
import type { TicketDesk } from '../tickets/service.ts';
import { prepareImport } from './references.ts';
import { importTickets } from './service.ts';
import { importTeams } from './teams.ts';

const BODY_LIMIT = 8 * 1024 * 1024;

/** Taking over tickets and teams from another system. */
export function importRoutes(app: App, desk: TicketDesk): void {
  const { db } = desk.deps;
  app.post(
    '/api/v1/tickets/import',
    {
      config: { permission: 'ticket:import' },
      bodyLimit: BODY_LIMIT,
      schema: {
        summary: 'Take over tickets with their history; what is known already is not taken twice',
        operationId: 'importTickets',
        tags: ['import'],
        body: ImportTicketRequest,
        response: { 200: ImportTicketResponse },
      },
    },
    async (request, reply) => {
      const prepared = await prepareImport(desk, contextOf(request), request.body);
      return write(db, request, reply, async (tx, ctx) => ({
        status: 200,
        body: { tickets: await importTickets(desk, tx, ctx, request.body, prepared) },
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
        body: { teams: await importTeams(desk, tx, ctx, request.body) },
      })),
  );
}
