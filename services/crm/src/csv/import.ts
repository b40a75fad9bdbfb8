import type { CsvImportReport } from '@psa/contracts/crm';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { AppError, conflict, invalid } from '@psa/service-kit/errors';
import type { Static } from 'typebox';
import { customerEvent, customerKeys } from '../customers/domain.ts';
import { insertCustomers } from '../customers/repository.ts';
import { newCustomer } from '../customers/service.ts';
import type { CustomerRow } from '../db/schema.ts';
import { takeCustomerNumbers } from '../shared/counters.ts';
import { type CrmDeps, emit } from '../shared/emit.ts';
import { recordsOf } from './body.ts';
import { type Column, type CustomerLine, type Problem, readHeader, readRow } from './columns.ts';
import { CSV_SOURCE, type Decision, planImport } from './plan.ts';
import { matchingCustomers, updateCustomers } from './repository.ts';

/** Rows in one file at most: they are applied in one transaction. */
export const MAX_ROWS = 50_000;
const CHUNK = 500;

interface Read {
  readonly rows: CustomerLine[];
  readonly problems: Problem[];
  /** Lines that hold a row, good or bad. */
  readonly count: number;
}

/** Reads and checks the whole file before anything is written: a file that breaks off changes nothing. */
async function readFile(body: AsyncIterable<Uint8Array>): Promise<Read> {
  const rows: CustomerLine[] = [];
  const problems: Problem[] = [];
  let columns: Column[] | null = null;
  let count = 0;
  for await (const record of recordsOf(body)) {
    if (!columns) {
      if ('problem' in record) throw invalid({ field: 'header', message: record.problem });
      if (record.cells.every((cell) => cell.trim() === '')) continue;
      columns = readHeader(record.cells);
      continue;
    }
    const row =
      'problem' in record
        ? [{ line: record.line, field: null, message: record.problem }]
        : readRow(record.line, record.cells, columns);
    if (row === null) continue;
    if (++count > MAX_ROWS) {
      throw new AppError(
        413,
        'PAYLOAD_TOO_LARGE',
        `The file has more than ${MAX_ROWS} rows. Please split it.`,
        {
          details: [{ field: 'body', message: `has more than ${MAX_ROWS} rows` }],
        },
      );
    }
    if (Array.isArray(row)) problems.push(...row);
    else rows.push(row);
  }
  if (!columns) throw invalid({ field: 'header', message: 'there is no header line' });
  return { rows, problems, count };
}

/**
 * Takes customers from a CSV file: new ones are created, known ones changed where the file differs. Every
 * row is taken whole or refused with a reason; the good ones are committed together, so that a run that is
 * killed has done nothing and may be sent again. `dryRun` writes nothing and reports the same.
 */
export async function importCsv(
  deps: CrmDeps,
  ctx: RequestContext,
  body: AsyncIterable<Uint8Array>,
  dryRun: boolean,
): Promise<Static<typeof CsvImportReport>> {
  const tenantId = ctx.scope.tenant_id;
  const file = await readFile(body);
  const foreseen = await deps.db.read(ctx.scope, async (tx) =>
    planImport(file.rows, await matchingCustomers(tx, tenantId, file.rows, false)),
  );
  if (dryRun) return report(true, file, foreseen);

  const creates = foreseen.filter((decision) => decision.kind === 'create').length;
  const first = creates === 0 ? 0 : await takeCustomerNumbers(deps.db, tenantId, creates);
  return deps.db.tx(ctx.scope, async (tx) => {
    // Names are not unique, so two imports of one file at once would create everything twice.
    const [lock] = await tx.sql<{ mine: boolean }[]>`
      select pg_try_advisory_xact_lock(hashtextextended(${`crm.csv-import.${tenantId}`}, 0)) as mine`;
    if (!lock!.mine) throw conflict('Another import is under way. Please wait until it is done.');
    const plan = planImport(file.rows, await matchingCustomers(tx, tenantId, file.rows, true));
    return report(false, file, await apply(tx, ctx, deps, plan, { first, count: creates }));
  });
}

/** Carries the decisions out; returns them, with refusals for those that somebody else was faster with. */
async function apply(
  tx: Tx,
  ctx: RequestContext,
  deps: CrmDeps,
  plan: readonly Decision[],
  numbers: { first: number; count: number },
): Promise<Decision[]> {
  let taken = 0;
  const done: Decision[] = [];
  const late = (row: CustomerLine): Decision => ({
    kind: 'refuse',
    problem: { line: row.line, field: null, message: 'customers changed during the import; import it again' },
  });
  for (let at = 0; at < plan.length; at += CHUNK) {
    const chunk = plan.slice(at, at + CHUNK);
    const inserts = new Map<string, { decision: Decision; row: ReturnType<typeof newCustomer> }>();
    const updates: { customer: CustomerRow; changes: Partial<CustomerRow> }[] = [];
    for (const decision of chunk) {
      if (decision.kind === 'create') {
        if (taken === numbers.count) {
          done.push(late(decision.row));
          continue;
        }
        const { values, external_id } = decision.row;
        const origin = external_id === null ? {} : { external_id, source: CSV_SOURCE };
        const row = newCustomer(deps, ctx.scope.tenant_id, numbers.first + taken++, { ...values, ...origin });
        inserts.set(row.id, { decision, row });
        continue;
      }
      if (decision.kind === 'update') updates.push(decision);
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
      done.push(inserts.get(row.id)!.decision);
      inserts.delete(row.id);
    }
    for (const { decision } of inserts.values()) {
      if (decision.kind === 'create') done.push(late(decision.row));
    }
    await emit(tx, ctx, deps, [
      ...created.map((row) => customerEvent('customer.created.v1', row)),
      ...updated.map((row) => customerEvent('customer.updated.v1', row)),
    ]);
  }
  return done;
}

function report(dryRun: boolean, file: Read, decisions: readonly Decision[]): Static<typeof CsvImportReport> {
  const count = (kind: Decision['kind']) => decisions.filter((decision) => decision.kind === kind).length;
  const created = count('create');
  const updated = count('update');
  const unchanged = count('unchanged');
  const taken = created + updated + unchanged;
  const refusals = decisions.flatMap((decision) => (decision.kind === 'refuse' ? [decision.problem] : []));
  return {
    dry_run: dryRun,
    rows: file.count,
    taken,
    created,
    updated,
    unchanged,
    refused: file.count - taken,
    problems: [...file.problems, ...refusals].sort((a, b) => a.line - b.line),
  };
}
