import type { ErrorDetail } from '@psa/contracts/common';
import type { CsvColumn, CsvImportReport, CsvKind } from '@psa/contracts/csv';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { conflict, invalid } from '@psa/service-kit/errors';
import type { Static } from 'typebox';
import type { CrmDeps } from '../deps.ts';
import { layoutsOf } from './choices.ts';
import { readFile } from './file.ts';
import { type Outcome, report } from './report.ts';
import type { Given, Problem } from './values.ts';

/** What the caller says besides the file. */
export interface ImportOptions {
  readonly dryRun: boolean;
  readonly charset: string | null;
  /** True for lines whose record somebody has looked at. */
  readonly confirmed: (line: number) => boolean;
  /** The customer of rows that name none; of contacts and sites. */
  readonly customerId: string | null;
}

/** How one kind of record comes in. A decision says what becomes of a row. */
export interface Importer<Line, Decision, Prepared> {
  readonly kind: CsvKind;
  lineOf(line: number, given: Given): Line | Problem[];
  /** What is wrong with the heading as a whole, or null. */
  unusable(has: (...columns: CsvColumn[]) => boolean, options: ImportOptions): ErrorDetail | null;
  /** Decides about all rows by what is there; locks what it may change where asked. */
  plan(
    tx: Tx,
    tenantId: string,
    rows: readonly Line[],
    lock: boolean,
    options: ImportOptions,
  ): Promise<Decision[]>;
  /** What must be done in a transaction of its own before. */
  prepare(deps: CrmDeps, tenantId: string, foreseen: readonly Decision[]): Promise<Prepared>;
  /** Carries decisions out; returns them, with refusals for those that somebody else was faster with. */
  apply(
    deps: CrmDeps,
    tx: Tx,
    ctx: RequestContext,
    plan: readonly Decision[],
    prepared: Prepared,
  ): Promise<Decision[]>;
  outcomeOf(decision: Decision): Outcome;
}

/**
 * Takes records from a CSV file: new ones are created, known ones changed where the file differs. An empty cell
 * changes nothing. Every row is taken whole, held back until it is confirmed, or refused with a reason; the good ones
 * are committed together, so that a run that is killed has done nothing and may be sent again. A dry run writes
 * nothing and reports the same.
 */
export async function importCsv<Line, Decision, Prepared>(
  importer: Importer<Line, Decision, Prepared>,
  deps: CrmDeps,
  ctx: RequestContext,
  body: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<Static<typeof CsvImportReport>> {
  const tenantId = ctx.scope.tenant_id;
  const { dryRun, charset } = options;
  const layouts = await deps.db.read(ctx.scope, (tx) => layoutsOf(tx, tenantId, importer.kind));
  const file = await readFile(importer.kind, body, charset, layouts, importer.lineOf);
  const columns = new Set(file.headings.map(({ column }) => column));
  const unusable = importer.unusable((...some) => some.some((column) => columns.has(column)), options);
  if (unusable !== null) {
    // A dry run shows it with the columns to choose from.
    if (!dryRun) throw invalid(unusable);
    return report(true, { ...file, problems: [{ line: 1, ...unusable }] }, []);
  }
  const told = (decisions: readonly Decision[]) => report(dryRun, file, decisions.map(importer.outcomeOf));
  const foreseen = await deps.db.read(ctx.scope, (tx) =>
    importer.plan(tx, tenantId, file.rows, false, options),
  );
  if (dryRun) return told(foreseen);
  const prepared = await importer.prepare(deps, tenantId, foreseen);
  return deps.db.tx(ctx.scope, async (tx) => {
    // Names are not unique, so two imports of one file at once would create everything twice.
    const [lock] = await tx.sql<{ mine: boolean }[]>`
      select pg_try_advisory_xact_lock(hashtextextended(${`crm.csv-import.${tenantId}`}, 0)) as mine`;
    if (!lock!.mine)
      throw conflict('import_under_way', 'Another import is under way. Please wait until it is done.');
    const plan = await importer.plan(tx, tenantId, file.rows, true, options);
    return told(await importer.apply(deps, tx, ctx, plan, prepared));
  });
}

/**
 * Before many rows are written in one transaction. The checks of foreign keys keep the plan that was made for the first
 * of them, when the table they look into was empty and every index of the tenant as good as its key: 4,000 customers
 * with an address each took 26 s on an empty platform, twice as many 70 s; planned one by one, 2 s and 4 s (busy machine).
 */
export async function planEachCheck(tx: Tx): Promise<void> {
  await tx.sql`set local plan_cache_mode = force_custom_plan`;
}

/** Rows that are written together. */
export const CHUNK = 500;

/** A row that somebody else was faster with. */
export const late = (line: number): { kind: 'refuse'; problem: Problem } => ({
  kind: 'refuse',
  problem: {
    line,
    field: null,
    code: 'changed',
    message: 'records changed during the import; import it again',
  },
});
