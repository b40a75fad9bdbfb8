import type { ErrorDetail } from '@psa/contracts/common';
import type { CsvImportReport } from '@psa/contracts/crm';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { AppError, conflict, invalid } from '@psa/service-kit/errors';
import { emit } from '@psa/service-kit/outbox';
import type { Static } from 'typebox';
import { customerEvent, customerKeys } from '../customers/domain.ts';
import { insertCustomers } from '../customers/repository.ts';
import { newCustomer } from '../customers/service.ts';
import type { CustomerRow, NewSiteRow, SiteRow } from '../db/schema.ts';
import type { CrmDeps } from '../deps.ts';
import { takeCustomerNumbers } from '../shared/counters.ts';
import { siteEvent } from '../sites/domain.ts';
import { insertSites, updateSite } from '../sites/repository.ts';
import { newSite } from '../sites/service.ts';
import { emptyFile, readBody, slices } from './body.ts';
import { choicesOf } from './choices.ts';
import { detectDialect } from './dialect.ts';
import { decodeFile } from './encoding.ts';
import { type Choices, type Heading, isKnownHeading, readHeading } from './headings.ts';
import { CSV_SOURCE, type Decision, planImport, type SiteDecision } from './plan.ts';
import { readRecords } from './records.ts';
import { type Read, report } from './report.ts';
import { matchingCustomers, updateCustomers } from './repository.ts';
import { type CustomerLine, type Problem, readRow } from './rows.ts';

/** Rows in one file at most: they are applied in one transaction. */
export const MAX_ROWS = 50_000;
const CHUNK = 500;
const SAMPLE = 60;

/** What the caller says besides the file. */
export interface ImportOptions {
  readonly dryRun: boolean;
  readonly charset: string | null;
  /** True for lines whose customer somebody has looked at. */
  readonly confirmed: (line: number) => boolean;
}

/** Reads and checks the whole file before anything is written: a file that breaks off changes nothing. */
async function readFile(
  body: AsyncIterable<Uint8Array>,
  charset: string | null,
  choices: Choices,
): Promise<Read> {
  const { text, ...encoding } = decodeFile(await readBody(body), charset);
  const dialect = await detectDialect(text, isKnownHeading(choices));
  if (!dialect) throw emptyFile();
  const rows: CustomerLine[] = [];
  const problems: Problem[] = [];
  let headings: (Heading & { sample: string | null })[] | null = null;
  let count = 0;
  for await (const record of readRecords(slices(text), dialect.delimiter)) {
    if (record.line < dialect.headingLine) continue;
    if (!headings) {
      if ('problem' in record)
        throw invalid({ field: 'header', code: 'unreadable', message: record.problem });
      headings = readHeading(record.cells, choices).map((heading) => ({ ...heading, sample: null }));
      continue;
    }
    const row =
      'problem' in record
        ? [{ line: record.line, field: null, code: 'unreadable' as const, message: record.problem }]
        : readRow(record.line, record.cells, headings);
    if (row === null) continue;
    if (++count > MAX_ROWS) {
      throw new AppError(
        413,
        'PAYLOAD_TOO_LARGE',
        `The file has more than ${MAX_ROWS} rows. Please split it.`,
        {
          details: [{ field: 'body', code: 'too_large', message: `has more than ${MAX_ROWS} rows` }],
        },
      );
    }
    if ('cells' in record) {
      for (const [i, heading] of headings.entries())
        heading.sample ??= record.cells[i]?.trim().slice(0, SAMPLE) || null;
    }
    if (Array.isArray(row)) problems.push(...row);
    else rows.push(row);
  }
  return { encoding, delimiter: dialect.delimiter, headings: headings ?? [], rows, problems, count };
}

const IDENTIFYING = new Set(['name', 'customer_number', 'external_id']);

/** What is wrong with the heading as a whole, or null: a dry run shows it with the columns to choose from. */
function headingProblem(file: Read): ErrorDetail | null {
  return file.headings.some(({ column }) => column !== null && IDENTIFYING.has(column))
    ? null
    : { field: 'header', code: 'no_name_column', message: 'there is no column "name"' };
}

/**
 * Takes customers from a CSV file: new ones are created, known ones changed where the file differs. An empty cell
 * changes nothing. Every row is taken whole, held back until it is confirmed, or refused with a reason; the good ones
 * are committed together, so that a run that is killed has done nothing and may be sent again. A dry run writes
 * nothing and reports the same.
 */
export async function importCsv(
  deps: CrmDeps,
  ctx: RequestContext,
  body: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<Static<typeof CsvImportReport>> {
  const tenantId = ctx.scope.tenant_id;
  const { dryRun, charset, confirmed } = options;
  const choices = await deps.db.read(ctx.scope, (tx) => choicesOf(tx, tenantId));
  const file = await readFile(body, charset, choices);
  const unusable = headingProblem(file);
  if (unusable !== null) {
    if (!dryRun) throw invalid(unusable);
    return report(true, { ...file, rows: [], problems: [{ line: 1, ...unusable }] }, []);
  }
  const foreseen = await deps.db.read(ctx.scope, async (tx) =>
    planImport(file.rows, await matchingCustomers(tx, tenantId, file.rows, false), confirmed),
  );
  if (dryRun) return report(true, file, foreseen);

  const creates = foreseen.filter((decision) => decision.kind === 'create').length;
  const first = creates === 0 ? 0 : await takeCustomerNumbers(deps.db, tenantId, creates);
  return deps.db.tx(ctx.scope, async (tx) => {
    // Names are not unique, so two imports of one file at once would create everything twice.
    const [lock] = await tx.sql<{ mine: boolean }[]>`
      select pg_try_advisory_xact_lock(hashtextextended(${`crm.csv-import.${tenantId}`}, 0)) as mine`;
    if (!lock!.mine)
      throw conflict('import_under_way', 'Another import is under way. Please wait until it is done.');
    const plan = planImport(file.rows, await matchingCustomers(tx, tenantId, file.rows, true), confirmed);
    return report(false, file, await apply(deps, tx, ctx, plan, { first, count: creates }));
  });
}

/** Carries the decisions out; returns them, with refusals for those that somebody else was faster with. */
async function apply(
  deps: CrmDeps,
  tx: Tx,
  ctx: RequestContext,
  plan: readonly Decision[],
  numbers: { first: number; count: number },
): Promise<Decision[]> {
  let taken = 0;
  const done: Decision[] = [];
  const late = (row: CustomerLine): Decision => ({
    kind: 'refuse',
    problem: {
      line: row.line,
      field: null,
      code: 'changed',
      message: 'customers changed during the import; import it again',
    },
  });
  for (let at = 0; at < plan.length; at += CHUNK) {
    const chunk = plan.slice(at, at + CHUNK);
    const inserts = new Map<
      string,
      { decision: Decision & { kind: 'create' }; row: ReturnType<typeof newCustomer> }
    >();
    const updates: { customer: CustomerRow; changes: Partial<CustomerRow> }[] = [];
    const places: { customer_id: string; site: SiteDecision }[] = [];
    for (const decision of chunk) {
      if (decision.kind === 'create') {
        if (taken === numbers.count) {
          done.push(late(decision.row));
          continue;
        }
        const { row: line, external_id } = decision;
        const origin = external_id === null ? {} : { external_id, source: CSV_SOURCE };
        const input = { ...line.values, name: line.values.name!, ...origin };
        const row = newCustomer(deps, ctx.scope.tenant_id, numbers.first + taken++, input);
        inserts.set(row.id, { decision, row });
        continue;
      }
      if (decision.kind === 'update') {
        if (Object.keys(decision.changes).length > 0) updates.push(decision);
        if (decision.site) places.push({ customer_id: decision.customer.id, site: decision.site });
      }
      done.push(decision);
    }
    const created = await insertCustomers(
      tx,
      [...inserts.values()].map((insert) => insert.row),
    );
    const updated = await updateCustomers(
      tx,
      updates.map(({ customer, changes }) => {
        const next = { ...customer, ...changes };
        return { ...next, ...customerKeys(next) };
      }),
      deps.clock.now(),
    );
    for (const row of created) {
      const { decision } = inserts.get(row.id)!;
      done.push(decision);
      inserts.delete(row.id);
      if (decision.site) places.push({ customer_id: row.id, site: decision.site });
    }
    for (const { decision } of inserts.values()) done.push(late(decision.row));
    const sites = await applySites(deps, tx, ctx.scope.tenant_id, places);
    await emit(deps, tx, ctx, [
      ...created.map((row) => customerEvent('customer.created.v1', row)),
      ...updated.map((row) => customerEvent('customer.updated.v1', row)),
      ...sites.created.map((row) => siteEvent('site.created.v1', row)),
      ...sites.updated.map((row) => siteEvent('site.updated.v1', row)),
    ]);
  }
  return done;
}

/** Writes the places of customers that are locked or new. A place is called by its city, or else by its street. */
async function applySites(
  deps: CrmDeps,
  tx: Tx,
  tenantId: string,
  places: readonly { customer_id: string; site: SiteDecision }[],
): Promise<{ created: SiteRow[]; updated: SiteRow[] }> {
  const inserts: NewSiteRow[] = [];
  const updated: SiteRow[] = [];
  for (const { customer_id, site } of places) {
    if (site.kind === 'update') {
      updated.push(await updateSite(tx, site.site, site.changes, deps.clock.now()));
      continue;
    }
    const { city, street, postal_code } = site.values;
    const name = city ?? street ?? postal_code ?? '';
    inserts.push(newSite(deps, tenantId, { customer_id, name, ...site.values }));
  }
  return { created: await insertSites(tx, inserts), updated };
}
