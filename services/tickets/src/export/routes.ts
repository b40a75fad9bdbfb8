import { Readable } from 'node:stream';
import { ExportTicketsQuery } from '@psa/contracts/tickets';
import { type App, contextOf } from '@psa/service-kit/app';
import { savedAs } from '@psa/service-kit/content-disposition';
import Type from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { auditExport, exportTickets } from './export.ts';

/** Tickets as a file. */
export function exportRoutes(app: App, deps: TicketsDeps): void {
  app.get(
    '/api/v1/tickets/export.csv',
    {
      config: { permission: 'ticket:export' },
      schema: {
        operationId: 'exportTicketsCsv',
        summary: 'The tickets of a list as CSV, by number',
        description:
          'With the filters of `GET /tickets`; portal users get what their list shows. Cells that a spreadsheet would ' +
          'run as a formula get a leading apostrophe.',
        tags: ['tickets'],
        produces: ['text/csv'],
        querystring: ExportTicketsQuery,
        response: { 200: Type.String({ description: 'CSV in UTF-8 with a byte order mark' }) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      const file = await exportTickets(deps, ctx, request.query);
      await auditExport(deps, ctx, request.query);
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', savedAs('tickets.csv'))
        .header('cache-control', 'no-store')
        .send(Readable.from(file) as unknown as string);
    },
  );
}
