import type { Tx } from '@psa/service-kit/database';
import type { CustomerRow } from '../../db/schema.ts';
import { nameKeys, ownNumber } from '../match.ts';
import { sitesOfCustomers } from '../sites/repository.ts';
import type { Known } from './plan.ts';
import type { CustomerLine } from './rows.ts';

/** By what customers may be meant. */
interface Meant {
  readonly numbers: readonly number[];
  readonly externalIds: readonly string[];
  readonly nameKeys: readonly string[];
  readonly ids?: readonly string[];
}

/** Customers that may be meant; locked where asked, in one order, as everybody who locks several customers does. */
export async function customersMeant(
  tx: Tx,
  tenantId: string,
  { numbers, externalIds, nameKeys, ids = [] }: Meant,
  lock: boolean,
): Promise<CustomerRow[]> {
  const s = tx.sql;
  const rows = await s<CustomerRow[]>`
    select * from crm.customers
    where tenant_id = ${tenantId} and deleted_at is null and (customer_number = any(${[...numbers]}::integer[])
      or external_id = any(${[...externalIds]}::text[]) or name_key = any(${[...nameKeys]}::text[])
      or id = any(${[...ids]}::uuid[]))
    order by id ${lock ? s`for no key update` : s``}`;
  return [...rows];
}

/** Customers that rows of a file could mean, with their sites where rows have an address. */
export async function matchingCustomers(
  tx: Tx,
  tenantId: string,
  rows: readonly CustomerLine[],
  lock: boolean,
): Promise<Known> {
  const customers = await customersMeant(
    tx,
    tenantId,
    {
      numbers: rows.flatMap((row) => ownNumber(row.customer_number) ?? []),
      // Another system's number is an external id here.
      externalIds: rows.flatMap((row) => [row.external_id ?? [], row.customer_number ?? []].flat()),
      nameKeys: nameKeys(rows.map((row) => row.values.name)),
    },
    lock,
  );
  if (!rows.some((row) => row.site)) return { customers, sites: [] };
  const sites = await sitesOfCustomers(
    tx,
    tenantId,
    customers.map((row) => row.id),
    false,
  );
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
