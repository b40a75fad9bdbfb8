import { CSV_DELIMITERS, type ExportCustomersQuery } from '@psa/contracts/crm';
import type { RequestContext } from '@psa/service-kit/context';
import { emit } from '@psa/service-kit/outbox';
import type { Static } from 'typebox';
import { customerFilters } from '../customers/repository.ts';
import type { CustomerRow } from '../db/schema.ts';
import type { CrmDeps } from '../deps.ts';
import { csvLine } from './cells.ts';
import { EXPORTED } from './headings.ts';

const BATCH = 500;
const BOM = '\uFEFF';

/**
 * Customers as CSV, in order of their number, a batch per transaction: the cursor is the last number sent.
 * A reader that is slow, or stops, holds neither a connection nor a snapshot.
 */
export async function* exportCsv(
  deps: CrmDeps,
  ctx: RequestContext,
  query: Static<typeof ExportCustomersQuery>,
): AsyncGenerator<string> {
  const delimiter = CSV_DELIMITERS[query.delimiter ?? 'semicolon'];
  // The mark tells Excel that this is UTF-8.
  yield BOM + csvLine(EXPORTED, delimiter);
  let after = 0;
  for (;;) {
    const rows = await deps.db.read(ctx.scope, async (tx) => {
      const filters = await customerFilters(tx, ctx.scope.tenant_id, query);
      const where = filters.reduce((all, one) => tx.sql`${all} and ${one}`);
      return tx.sql<CustomerRow[]>`
        select t.* from crm.customers t where ${where} and t.customer_number > ${after}
        order by t.customer_number limit ${BATCH}`;
    });
    if (rows.length > 0) {
      yield rows
        .map((row) =>
          csvLine(
            EXPORTED.map((column) => (column === 'tags' ? row.tags.join(', ') : String(row[column] ?? ''))),
            delimiter,
          ),
        )
        .join('');
    }
    if (rows.length < BATCH) return;
    after = rows.at(-1)!.customer_number;
  }
}

/** Notes in the audit trail that customers are about to leave the platform; committed before the first byte. */
export async function auditExport(
  deps: CrmDeps,
  ctx: RequestContext,
  query: Static<typeof ExportCustomersQuery>,
): Promise<void> {
  const { delimiter: _, ...filters } = query;
  await deps.db.tx(ctx.scope, (tx) =>
    emit(deps, tx, ctx, [
      {
        type: 'audit.recorded.v1',
        aggregate: { type: 'user', id: ctx.actor.id ?? 'system' },
        public: false,
        data: { action: 'customers.exported', detail: { format: 'csv', filters } },
      },
    ]),
  );
}
