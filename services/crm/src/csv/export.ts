import { CSV_DELIMITERS, type CsvKind, type ExportOfCustomersQuery } from '@psa/contracts/csv';
import type { RequestContext } from '@psa/service-kit/context';
import { csvLine } from '@psa/service-kit/csv-cells';
import type { Tx } from '@psa/service-kit/database';
import { emit } from '@psa/service-kit/outbox';
import type { Static } from 'typebox';
import { contactsOf } from '../contacts/repository.ts';
import { customerFilters } from '../customers/repository.ts';
import type { CustomerRow } from '../db/schema.ts';
import type { CrmDeps } from '../deps.ts';
import { sitesOf } from '../sites/repository.ts';

const BATCH = 500;
const BOM = '\uFEFF';

/** What is exported, under headings that an import knows: it takes the file as it is and changes nothing. */
const EXPORTED = {
  customers: [
    ...['customer_number', 'external_id', 'name', 'status', 'email', 'phone', 'website', 'tags', 'notes'],
  ],
  contacts: [
    ...['customer_number', 'customer', 'external_id', 'name', 'email', 'phone', 'position', 'is_primary'],
    ...['site', 'notes'],
  ],
  sites: [
    ...['customer_number', 'customer', 'name', 'street', 'postal_code', 'city', 'country', 'time_zone'],
  ],
} as const satisfies Record<CsvKind, readonly string[]>;

type Fields = Readonly<Record<string, unknown>>;

/** The records of some customers, customer by customer. */
const RECORDS: {
  readonly [K in CsvKind]: (tx: Tx, tenantId: string, customers: readonly CustomerRow[]) => Promise<Fields[]>;
} = {
  customers: async (_tx, _tenantId, customers) =>
    customers.map((row) => ({ ...row, tags: row.tags.join(', ') })),
  async contacts(tx, tenantId, customers) {
    const ids = customers.map((row) => row.id);
    const sites = new Map((await sitesOf(tx, tenantId, ids)).map((site) => [site.id, site.name]));
    const people = Map.groupBy(await contactsOf(tx, tenantId, ids), (contact) => contact.customer_id);
    return customers.flatMap(({ id, customer_number, name }) =>
      (people.get(id) ?? []).map((contact) => ({
        ...contact,
        customer_number,
        customer: name,
        is_primary: contact.is_primary ? 'yes' : 'no',
        site: sites.get(contact.site_id ?? ''),
      })),
    );
  },
  async sites(tx, tenantId, customers) {
    const ids = customers.map((row) => row.id);
    const places = Map.groupBy(await sitesOf(tx, tenantId, ids), (site) => site.customer_id);
    return customers.flatMap(({ id, customer_number, name }) =>
      (places.get(id) ?? []).map((site) => ({ ...site, customer_number, customer: name })),
    );
  },
};

/**
 * Records as CSV, in order of the customers' numbers, a batch of customers per transaction: the cursor is the last
 * number sent. A reader that is slow, or stops, holds neither a connection nor a snapshot.
 */
export async function* exportCsv(
  kind: CsvKind,
  deps: CrmDeps,
  ctx: RequestContext,
  query: Static<typeof ExportOfCustomersQuery>,
): AsyncGenerator<string> {
  const delimiter = CSV_DELIMITERS[query.delimiter ?? 'semicolon'];
  const columns: readonly string[] = EXPORTED[kind];
  // The mark tells Excel that this is UTF-8.
  yield BOM + csvLine(columns, delimiter);
  let after = 0;
  for (;;) {
    const { customers, records } = await deps.db.read(ctx.scope, async (tx) => {
      const tenantId = ctx.scope.tenant_id;
      const filters = await customerFilters(tx, tenantId, query);
      if (query.customer_id !== undefined) filters.push(tx.sql`t.id = ${query.customer_id}`);
      const where = filters.reduce((all, one) => tx.sql`${all} and ${one}`);
      const customers = await tx.sql<CustomerRow[]>`
        select t.* from crm.customers t where ${where} and t.customer_number > ${after}
        order by t.customer_number limit ${BATCH}`;
      return { customers, records: await RECORDS[kind](tx, tenantId, customers) };
    });
    const lines = records.map((record) =>
      csvLine(
        columns.map((column) => String(record[column] ?? '')),
        delimiter,
      ),
    );
    if (lines.length > 0) yield lines.join('');
    if (customers.length < BATCH) return;
    after = customers.at(-1)!.customer_number;
  }
}

/** Notes in the audit trail that records are about to leave the platform; committed before the first byte. */
export async function auditExport(
  kind: CsvKind,
  deps: CrmDeps,
  ctx: RequestContext,
  query: Static<typeof ExportOfCustomersQuery>,
): Promise<void> {
  const { delimiter: _, ...filters } = query;
  await deps.db.tx(ctx.scope, (tx) =>
    emit(deps, tx, ctx, [
      {
        type: 'audit.recorded.v1',
        aggregate: { type: 'user', id: ctx.actor.id ?? 'system' },
        public: false,
        data: { action: `${kind}.exported`, detail: { format: 'csv', filters } },
      },
    ]),
  );
}
