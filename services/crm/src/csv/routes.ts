import { Readable } from 'node:stream';
import { One } from '@psa/contracts/common';
import { CsvImportQuery, CsvImportReport, ExportCustomersQuery } from '@psa/contracts/crm';
import { type App, contextOf } from '@psa/service-kit/app';
import { AppError, forbidden } from '@psa/service-kit/errors';
import Type from 'typebox';
import { type CrmDeps, isPortal } from '../shared/emit.ts';
import { MAX_BYTES } from './body.ts';
import { auditExport, exportCsv } from './export.ts';
import { importCsv } from './import.ts';

/** Import and export of customers as CSV; in a scope of its own, because here alone text/csv is a body. */
export async function csvRoutes(parent: App, deps: CrmDeps): Promise<void> {
  await parent.register(async (instance) => {
    const app = instance as unknown as App;
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('text/csv', { bodyLimit: MAX_BYTES }, (_request, payload, done) =>
      done(null, payload),
    );

    app.post(
      '/api/v1/customers/import-csv',
      {
        config: { permission: 'customer:import' },
        bodyLimit: MAX_BYTES,
        schema: {
          operationId: 'importCustomersCsv',
          summary: 'Take customers from a CSV file',
          description:
            'UTF-8, `;` or `,`, header in German or English. A row is matched by customer number, external id or name; ' +
            'an empty cell clears the field, a missing column leaves it. `dry_run=true` writes nothing.',
          consumes: ['text/csv'],
          querystring: CsvImportQuery,
          response: { 200: One(CsvImportReport) },
        },
      },
      async (request) => {
        if (!(request.body instanceof Readable)) {
          throw new AppError(400, 'INVALID_INPUT', 'The file is empty.', {
            details: [{ field: 'body', message: 'is empty' }],
          });
        }
        const dryRun = request.query.dry_run ?? false;
        return { data: await importCsv(deps, contextOf(request), request.body, dryRun) };
      },
    );

    app.get(
      '/api/v1/customers/export.csv',
      {
        config: { permission: 'customer:export' },
        schema: {
          operationId: 'exportCustomersCsv',
          summary: 'All customers as CSV',
          description:
            'Cells that a spreadsheet would run as a formula get a leading apostrophe; an import takes it off again.',
          produces: ['text/csv'],
          querystring: ExportCustomersQuery,
          response: { 200: Type.String({ description: 'CSV in UTF-8 with a byte order mark' }) },
        },
      },
      async (request, reply) => {
        const ctx = contextOf(request);
        if (isPortal(ctx)) throw forbidden('Only staff may export customers.');
        await auditExport(deps, ctx, request.query);
        return reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', 'attachment; filename="customers.csv"')
          .header('cache-control', 'no-store')
          .send(Readable.from(exportCsv(deps, ctx, request.query)) as unknown as string);
      },
    );
  });
}
