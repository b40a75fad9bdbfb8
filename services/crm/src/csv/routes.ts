import { Readable } from 'node:stream';
import { One } from '@psa/contracts/common';
import {
  CsvImportQuery,
  CsvImportReport,
  ExportCustomersQuery,
  ImportColumns,
  UpdateImportColumnsRequest,
} from '@psa/contracts/crm';
import { type App, contextOf } from '@psa/service-kit/app';
import { savedAs } from '@psa/service-kit/content-disposition';
import { AppError } from '@psa/service-kit/errors';
import { write } from '@psa/service-kit/write';
import Type from 'typebox';
import { mustMayExport } from '../customers/policy.ts';
import type { CrmDeps } from '../deps.ts';
import { readImportColumns, saveChoices } from './choices.ts';
import { charsetOf } from './encoding.ts';
import { auditExport, exportCsv } from './export.ts';
import { importCsv } from './import.ts';

/** What headings of imported files mean, by choice of the tenant. */
export function importColumnRoutes(app: App, deps: CrmDeps): void {
  const path = '/api/v1/customers/import-columns';
  app.get(
    path,
    {
      config: { permission: 'customer:import' },
      schema: {
        operationId: 'getImportColumns',
        summary: 'The columns that an import of customers knows, and what was chosen for other headings',
        response: { 200: One(ImportColumns) },
      },
    },
    async (request) => {
      const { scope } = contextOf(request);
      return { data: await deps.db.read(scope, (tx) => readImportColumns(tx, scope.tenant_id)) };
    },
  );

  app.patch(
    path,
    {
      config: { permission: 'customer:import' },
      schema: {
        operationId: 'chooseImportColumns',
        summary: 'Choose what headings mean in every later import, or that they are left out',
        body: UpdateImportColumnsRequest,
        response: { 200: One(ImportColumns) },
      },
    },
    async (request, reply) =>
      write(deps.db, request, reply, async (tx, ctx) => ({
        status: 200,
        body: { data: await saveChoices(deps, tx, ctx, request.body) },
      })),
  );
}

/** Import and export of customers as CSV; in a scope of its own, because here alone text/csv is a body. */
export async function csvRoutes(parent: App, deps: CrmDeps): Promise<void> {
  await parent.register(async (instance) => {
    const app = instance as unknown as App;
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('text/csv', (_request, payload, done) => done(null, payload));

    app.post(
      '/api/v1/customers/import-csv',
      {
        config: { permission: 'customer:import' },
        schema: {
          operationId: 'importCustomersCsv',
          summary: 'Take customers from a CSV file',
          description:
            'Heading in German or English; `;`, `,`, tab or `|`; the encoding by charset, byte order mark or guess. A ' +
            'row is matched by customer number, external id or name; a match by name alone is changed only when ' +
            '`confirm` names its line. An empty cell changes nothing. `dry_run=true` writes nothing and shows what ' +
            'each field was and would be.',
          consumes: ['text/csv'],
          querystring: CsvImportQuery,
          response: { 200: One(CsvImportReport) },
        },
      },
      async (request) => {
        if (!(request.body instanceof Readable)) {
          throw new AppError(400, 'INVALID_INPUT', 'The file is empty.', {
            details: [{ field: 'body', code: 'empty', message: 'is empty' }],
          });
        }
        const { dry_run = false, confirm = '' } = request.query;
        const lines = new Set(confirm.split(','));
        const data = await importCsv(deps, contextOf(request), request.body, {
          dryRun: dry_run,
          charset: charsetOf(request.headers['content-type']),
          confirmed: (line) => confirm === 'all' || lines.has(String(line)),
        });
        return { data };
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
        mustMayExport(ctx);
        await auditExport(deps, ctx, request.query);
        return reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', savedAs('customers.csv'))
          .header('cache-control', 'no-store')
          .send(Readable.from(exportCsv(deps, ctx, request.query)) as unknown as string);
      },
    );
  });
}
