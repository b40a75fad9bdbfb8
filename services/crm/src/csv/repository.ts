import type { Tx } from '@psa/service-kit/database';
import type { CustomerRow, SiteRow } from '../db/schema.ts';
import { type Known, nameKeysOf, ownNumber } from './plan.ts';
import type { CustomerLine } from './rows.ts';

/**
 * Customers that rows of a file could mean (by number, external id or folded name) with their sites; locked where
 * asked.
 */
export async function matchingCustomers(
  tx: Tx,
  tenantId: string,
  rows: readonly CustomerLine[],
  lock: boolean,
): Promise<Known> {
  const numbers = rows.flatMap((row) => ownNumber(row.customer_number) ?? []);
  // Another system's number is an external id here.
  const externalIds = rows.flatMap((row) => [row.external_id ?? [], row.customer_number ?? []].flat());
  const s = tx.sql;
  // Locked in one order, as everybody who locks several customers does.
  const customers = await s<CustomerRow[]>`
    select * from crm.customers
    where tenant_id = ${tenantId} and deleted_at is null and (customer_number = any(${numbers}::integer[])
      or external_id = any(${externalIds}::text[]) or name_key = any(${nameKeysOf(rows)}::text[]))
    order by id ${lock ? s`for no key update` : s``}`;
  if (!rows.some((row) => row.site)) return { customers, sites: [] };
  const sites = await s<SiteRow[]>`
    select * from crm.sites
    where tenant_id = ${tenantId} and customer_id = any(${customers.map((row) => row.id)}::uuid[])
      and deleted_at is null order by id`;
  return { customers, sites };
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
