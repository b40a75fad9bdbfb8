import type { Tx } from '@psa/service-kit/database';
import type { CustomerRow } from '../db/schema.ts';
import type { CustomerLine } from './columns.ts';
import { nameKeysOf } from './plan.ts';

/** Customers that rows of a file could mean: by number, external id or folded name; locked where asked. */
export async function matchingCustomers(
  tx: Tx,
  tenantId: string,
  rows: readonly CustomerLine[],
  lock: boolean,
): Promise<CustomerRow[]> {
  const numbers = rows.flatMap((row) => (row.customer_number === null ? [] : [row.customer_number]));
  const externalIds = rows.flatMap((row) => (row.external_id === null ? [] : [row.external_id]));
  const s = tx.sql;
  // Locked in one order, as everybody who locks several customers does.
  const found = await s<CustomerRow[]>`
    select * from crm.customers
    where tenant_id = ${tenantId} and deleted_at is null and (customer_number = any(${numbers}::integer[])
      or external_id = any(${externalIds}::text[]) or name_key = any(${nameKeysOf(rows)}::text[]))
    order by id ${lock ? s`for no key update` : s``}`;
  return [...found];
}

/** Writes changed customers, locked before, in one statement. */
export async function updateCustomers(
  tx: Tx,
  rows: readonly CustomerRow[],
  now: Date,
): Promise<CustomerRow[]> {
  if (rows.length === 0) return [];
  const updated = await tx.sql<CustomerRow[]>`
    update crm.customers c set
      name = n.name, name_key = n.name_key, search_text = n.search_text, status = n.status, email = n.email,
      phone = n.phone, website = n.website, notes = n.notes, tags = n.tags, source = n.source,
      external_id = n.external_id, version = c.version + 1, updated_at = ${now.toISOString()}
    from jsonb_populate_recordset(null::crm.customers, ${JSON.stringify(rows)}::jsonb) n
    where c.tenant_id = n.tenant_id and c.id = n.id
    returning c.*`;
  return [...updated];
}
