import { emailForms } from '@psa/service-kit/contact-forms';
import type { Tx } from '@psa/service-kit/database';
import { fetchList, type ListRequest, type ListResult, type ListSpec } from '@psa/service-kit/list';
import { and, asc, eq, inArray, isNull, ne, sql } from 'drizzle-orm';
import { type ContactRow, contacts, type NewContactRow } from '../db/schema.ts';
import { searchFilters } from '../shared/search.ts';
import { contactKeys } from './domain.ts';

export const CONTACT_LIST: Omit<ListSpec, 'fields'> = {
  sortable: {
    name: { sql: 't.name_key', type: 'text' },
    email: { sql: 't.email', type: 'text', nullable: true },
    created_at: { sql: 't.created_at', type: 'timestamptz' },
    updated_at: { sql: 't.updated_at', type: 'timestamptz' },
  },
  defaultSort: [['name', 'asc']],
  id: { sql: 't.id', type: 'uuid' },
  includes: ['customer', 'site'],
};

export interface ContactFilters {
  customer_id?: string;
  site_id?: string;
  is_primary?: boolean;
  search?: string;
}

const alive = (tenantId: string) => and(eq(contacts.tenant_id, tenantId), isNull(contacts.deleted_at));
/** What every change of many rows sets. */
const touched = (now: Date) => ({ updated_at: now.toISOString(), version: sql`${contacts.version} + 1` });

export async function listContacts(
  tx: Tx,
  tenantId: string,
  request: ListRequest,
  filters: ContactFilters,
): Promise<ListResult<ContactRow>> {
  const s = tx.sql;
  return fetchList<ContactRow>(tx, {
    select: s`t.*`,
    from: s`crm.contacts t`,
    where: [
      s`t.tenant_id = ${tenantId} and t.deleted_at is null`,
      ...(filters.customer_id === undefined ? [] : [s`t.customer_id = ${filters.customer_id}`]),
      ...(filters.site_id === undefined ? [] : [s`t.site_id = ${filters.site_id}`]),
      ...(filters.is_primary === undefined ? [] : [s`t.is_primary = ${filters.is_primary}`]),
      ...(await searchFilters(tx, 'contacts', filters.search)),
    ],
    request,
  });
}

/** The contacts of customers, by name. */
export const contactsOf = (
  tx: Tx,
  tenantId: string,
  customerIds: readonly string[],
): Promise<ContactRow[]> =>
  customerIds.length === 0
    ? Promise.resolve([])
    : tx.orm
        .select()
        .from(contacts)
        .where(and(alive(tenantId), inArray(contacts.customer_id, [...customerIds])))
        .orderBy(asc(contacts.name_key), asc(contacts.id));

export async function findContact(tx: Tx, tenantId: string, id: string): Promise<ContactRow | undefined> {
  const [row] = await tx.orm
    .select()
    .from(contacts)
    .where(and(alive(tenantId), eq(contacts.id, id)));
  return row;
}

export async function lockContact(tx: Tx, tenantId: string, id: string): Promise<ContactRow | undefined> {
  const [row] = await tx.orm
    .select()
    .from(contacts)
    .where(and(alive(tenantId), eq(contacts.id, id)))
    .for('no key update');
  return row;
}

export async function insertContacts(tx: Tx, rows: readonly NewContactRow[]): Promise<ContactRow[]> {
  if (rows.length === 0) return [];
  return tx.orm
    .insert(contacts)
    .values([...rows])
    .onConflictDoNothing({
      target: [contacts.tenant_id, contacts.source, contacts.external_id],
      where: sql`external_id is not null and deleted_at is null`,
    })
    .returning();
}

export async function updateContact(
  tx: Tx,
  row: ContactRow,
  changes: Partial<ContactRow>,
  now: Date,
): Promise<ContactRow> {
  const [updated] = await tx.orm
    .update(contacts)
    .set({
      ...changes,
      ...contactKeys({ ...row, ...changes }),
      version: row.version + 1,
      updated_at: now.toISOString(),
    })
    .where(and(eq(contacts.tenant_id, row.tenant_id), eq(contacts.id, row.id)))
    .returning();
  return updated!;
}

/** Takes the mark of the main contact from whoever of the customer has it, but `except`; returns those. */
export const demotePrimary = (
  tx: Tx,
  tenantId: string,
  customerId: string,
  except: string,
  now: Date,
): Promise<ContactRow[]> =>
  tx.orm
    .update(contacts)
    .set({ is_primary: false, ...touched(now) })
    .where(
      and(
        alive(tenantId),
        eq(contacts.customer_id, customerId),
        eq(contacts.is_primary, true),
        ne(contacts.id, except),
      ),
    )
    .returning();

/** Deletes all contacts of a customer; returns them. */
export const deleteContactsOf = (
  tx: Tx,
  tenantId: string,
  customerId: string,
  now: Date,
): Promise<ContactRow[]> =>
  tx.orm
    .update(contacts)
    .set({ deleted_at: now.toISOString(), ...touched(now) })
    .where(and(alive(tenantId), eq(contacts.customer_id, customerId)))
    .returning();

/** Contacts of a site that goes: they stay, without a site. */
export const leaveSite = (tx: Tx, tenantId: string, siteId: string, now: Date): Promise<ContactRow[]> =>
  tx.orm
    .update(contacts)
    .set({ site_id: null, ...touched(now) })
    .where(and(alive(tenantId), eq(contacts.site_id, siteId)))
    .returning();

/** Contacts of a source by their ids there. */
export const contactsByExternalIds = (
  tx: Tx,
  tenantId: string,
  source: string,
  ids: readonly string[],
): Promise<ContactRow[]> =>
  tx.orm
    .select()
    .from(contacts)
    .where(and(alive(tenantId), eq(contacts.source, source), inArray(contacts.external_id, [...ids])));

/** Contacts that a portal user is, or by its e-mail address would be; locked. */
export const contactsOfUser = (
  tx: Tx,
  tenantId: string,
  user: { user_id: string; email: string; customer_id: string | null },
): Promise<ContactRow[]> =>
  tx.orm
    .select()
    .from(contacts)
    .where(
      and(
        alive(tenantId),
        sql`(${contacts.user_id} = ${user.user_id} or (${contacts.customer_id} = ${user.customer_id}::uuid
          and lower(${contacts.email}) = any(${sql.param(emailForms(user.email.toLowerCase()))}::text[])))`,
      ),
    )
    .orderBy(asc(contacts.id))
    .for('no key update');
