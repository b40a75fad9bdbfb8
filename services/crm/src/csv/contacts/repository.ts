import { emailForms } from '@psa/service-kit/contact-forms';
import type { Tx } from '@psa/service-kit/database';
import type { ContactRow, NewContactRow } from '../../db/schema.ts';
import type { ImportOptions } from '../import.ts';
import { nameKeys } from '../match.ts';
import { customersNamed } from '../of-customer.ts';
import { sitesOfCustomers } from '../sites/repository.ts';
import type { KnownContacts } from './plan.ts';
import type { ContactLine } from './rows.ts';

/** Customers that rows name, and those of their contacts and sites that rows could mean; locked where asked. */
export async function matchingContacts(
  tx: Tx,
  tenantId: string,
  rows: readonly ContactLine[],
  lock: boolean,
  options: ImportOptions,
): Promise<KnownContacts> {
  const s = tx.sql;
  // The customers first, as everybody who touches several rows of one does: no deadlocks.
  const customers = await customersNamed(tx, tenantId, rows, lock, options);
  const ids = customers.map((customer) => customer.id);
  const emails = [...new Set(rows.flatMap(({ values }) => emailForms(values.email ?? '')))];
  const externalIds = rows.flatMap((row) => row.external_id ?? []);
  const contacts = await s<ContactRow[]>`
    select * from crm.contacts
    where tenant_id = ${tenantId} and deleted_at is null and (external_id = any(${externalIds}::text[])
      or customer_id = any(${ids}::uuid[]) and (lower(email) = any(${emails}::text[])
        or name_key = any(${nameKeys(rows.map((row) => row.values.name))}::text[])))
    order by id ${lock ? s`for no key update` : s``}`;
  const sites = rows.some((row) => row.site !== null) ? await sitesOfCustomers(tx, tenantId, ids, lock) : [];
  return { customers, contacts: [...contacts], sites };
}

/** Inserts contacts in one statement; those whose source and external id are there already are left out. */
export async function insertManyContacts(tx: Tx, rows: readonly NewContactRow[]): Promise<ContactRow[]> {
  if (rows.length === 0) return [];
  const inserted = await tx.sql<ContactRow[]>`
    insert into crm.contacts (tenant_id, id, customer_id, site_id, name, name_key, email, phone, position, is_primary,
      notes, source, external_id, search_text, created_at, updated_at)
    select tenant_id, id, customer_id, site_id, name, name_key, email, phone, position, is_primary,
      notes, source, external_id, search_text, created_at, updated_at
    from jsonb_populate_recordset(null::crm.contacts, ${JSON.stringify(rows)}::jsonb)
    on conflict (tenant_id, source, external_id) where external_id is not null and deleted_at is null do nothing
    returning *`;
  return [...inserted];
}

/** Writes changed contacts, locked before, in one statement. */
export async function updateManyContacts(
  tx: Tx,
  rows: readonly ContactRow[],
  now: Date,
): Promise<ContactRow[]> {
  if (rows.length === 0) return [];
  const updated = await tx.sql<ContactRow[]>`
    update crm.contacts t set
      name = n.name, name_key = n.name_key, search_text = n.search_text, site_id = n.site_id, email = n.email,
      phone = n.phone, position = n.position, is_primary = n.is_primary, user_id = n.user_id, notes = n.notes,
      source = n.source, external_id = n.external_id, version = t.version + 1, updated_at = ${now.toISOString()}
    from jsonb_populate_recordset(null::crm.contacts, ${JSON.stringify(rows)}::jsonb) n
    where t.tenant_id = n.tenant_id and t.id = n.id
    returning t.*`;
  return [...updated];
}

/** Takes the mark of the main contact from whoever of the customers has it; returns those. */
export async function demoteMain(
  tx: Tx,
  tenantId: string,
  customerIds: readonly string[],
  now: Date,
): Promise<ContactRow[]> {
  if (customerIds.length === 0) return [];
  const demoted = await tx.sql<ContactRow[]>`
    update crm.contacts set is_primary = false, version = version + 1, updated_at = ${now.toISOString()}
    where tenant_id = ${tenantId} and customer_id = any(${[...customerIds]}::uuid[]) and is_primary
      and deleted_at is null
    returning *`;
  return [...demoted];
}
