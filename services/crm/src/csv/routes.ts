import { Readable } from 'node:stream';
import { One } from '@psa/contracts/common';
import {
  CSV_KINDS,
  CsvImportOfCustomerQuery,
  CsvImportQuery,
  CsvImportReport,
  type CsvKind,
  ExportCustomersQuery,
  ExportOfCustomersQuery,
  ImportColumns,
  UpdateImportColumnsRequest,
} from '@psa/contracts/csv';
import { type App, contextOf } from '@psa/service-kit/app';
import { savedAs } from '@psa/service-kit/content-disposition';
import type { RequestContext } from '@psa/service-kit/context';
import { write } from '@psa/service-kit/write';
import Type from 'typebox';
import { mustMayExport } from '../customers/policy.ts';
import type { CrmDeps } from '../deps.ts';
import { emptyFile } from './body.ts';
import { readImportColumns, saveChoices } from './choices.ts';
import { contactImporter } from './contacts/apply.ts';
import { customerImporter } from './customers/apply.ts';
import { charsetOf } from './encoding.ts';
import { auditExport, exportCsv } from './export.ts';
import { type ImportOptions, importCsv } from './import.ts';
import { siteImporter } from './sites/apply.ts';

/** What each kind is called in the names of operations, and by what its rows are matched. */
const WORDS = {
  customers: {
    name: 'Customers',
    matched: 'A row is matched by customer number, external id or name.',
  },
  contacts: {
    name: 'Contacts',
    matched:
      'A row names its customer by number or name, or `customer_id` does for all; the contact is matched by external ' +
      'id, e-mail address or name.',
  },
  sites: {
    name: 'Sites',
    matched:
      'A row names its customer by number or name, or `customer_id` does for all; the site is matched by name or ' +
      'address.',
  },
} as const satisfies Record<CsvKind, { name: string; matched: string }>;

/** What headings of imported files mean, by choice of the tenant. */
export function importColumnRoutes(app: App, deps: CrmDeps): void {
  for (const kind of CSV_KINDS) {
    const path = `/api/v1/${kind}/import-columns`;
    const ofKind = kind === 'customers' ? '' : WORDS[kind].name;
    app.get(
      path,
      {
        config: { permission: 'customer:import' },
        schema: {
          operationId: `get${ofKind}ImportColumns`,
          summary: `The columns that an import of ${kind} knows, and what was chosen for other headings`,
          response: { 200: One(ImportColumns) },
        },
      },
      async (request) => {
        const { scope } = contextOf(request);
        return { data: await deps.db.read(scope, (tx) => readImportColumns(tx, scope.tenant_id, kind)) };
      },
    );

    app.patch(
      path,
      {
        config: { permission: 'customer:import' },
        schema: {
          operationId: `choose${ofKind}ImportColumns`,
          summary:
            'Choose what headings mean in files that have the same headings, or that they are left out',
          body: UpdateImportColumnsRequest,
          response: { 200: One(ImportColumns) },
        },
      },
      async (request, reply) =>
        write(deps.db, request, reply, async (tx, ctx) => ({
          status: 200,
          body: { data: await saveChoices(deps, tx, ctx, kind, request.body) },
        })),
    );
  }
}

/** Takes a file of one kind. */
function take(kind: CsvKind, deps: CrmDeps, ctx: RequestContext, body: Readable, options: ImportOptions) {
  switch (kind) {
    case 'customers':
      return importCsv(customerImporter, deps, ctx, body, options);
    case 'contacts':
      return importCsv(contactImporter, deps, ctx, body, options);
    case 'sites':
      return importCsv(siteImporter, deps, ctx, body, options);
  }
}

/** Import and export as CSV; in a scope of its own, because here alone text/csv is a body. */
export async function csvRoutes(parent: App, deps: CrmDeps): Promise<void> {
  await parent.register(async (instance) => {
    const app = instance as unknown as App;
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('text/csv', (_request, payload, done) => done(null, payload));
    for (const kind of CSV_KINDS) csvRoutesOf(kind, app, deps);
  });
}

function csvRoutesOf(kind: CsvKind, app: App, deps: CrmDeps): void {
  const { name, matched } = WORDS[kind];
  const alone = kind === 'customers';
  app.post(
    `/api/v1/${kind}/import-csv`,
    {
      config: { permission: 'customer:import' },
      schema: {
        operationId: `import${name}Csv`,
        summary: `Take ${kind} from a CSV file`,
        description: `Heading in German or English, or of an export of another system; \`;\`, \`,\`, tab or \`|\`; the encoding by charset, byte order mark or guess. ${matched} What was not found for sure, by a name alone say, is changed only when \`confirm\` names its line. An empty cell changes nothing. \`dry_run=true\` writes nothing and shows what each field was and would be.`,
        consumes: ['text/csv'],
        querystring: alone ? CsvImportQuery : CsvImportOfCustomerQuery,
        response: { 200: One(CsvImportReport) },
      },
    },
    async (request) => {
      if (!(request.body instanceof Readable)) throw emptyFile();
      const query: { dry_run?: boolean; confirm?: string; customer_id?: string } = request.query;
      const { dry_run = false, confirm = '', customer_id = null } = query;
      const lines = new Set(confirm.split(','));
      const data = await take(kind, deps, contextOf(request), request.body, {
        dryRun: dry_run,
        charset: charsetOf(request.headers['content-type']),
        confirmed: (line) => confirm === 'all' || lines.has(String(line)),
        customerId: customer_id,
      });
      return { data };
    },
  );

  app.get(
    `/api/v1/${kind}/export.csv`,
    {
      config: { permission: 'customer:export' },
      schema: {
        operationId: `export${name}Csv`,
        summary: `All ${kind} as CSV`,
        description:
          'Cells that a spreadsheet would run as a formula get a leading apostrophe; an import takes it off again.',
        produces: ['text/csv'],
        querystring: alone ? ExportCustomersQuery : ExportOfCustomersQuery,
        response: { 200: Type.String({ description: 'CSV in UTF-8 with a byte order mark' }) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      mustMayExport(ctx);
      await auditExport(kind, deps, ctx, request.query);
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', savedAs(`${kind}.csv`))
        .header('cache-control', 'no-store')
        .send(Readable.from(exportCsv(kind, deps, ctx, request.query)) as unknown as string);
    },
  );
}
