import type { Contact } from '@psa/contracts/crm';
import { phoneForms } from '@psa/domain/phone';
import { searchText } from '@psa/domain/search-text';
import { sortKey } from '@psa/domain/text';
import { emailForms } from '@psa/service-kit/contact-forms';
import { toIso } from '@psa/service-kit/database';
import type { EventData } from '@psa/service-kit/outbox';
import type { ContactRow } from '../db/schema.ts';
import { contactFor } from './policy.ts';

/** What a contact sorts and is found by. */
export const contactKeys = (row: Pick<ContactRow, 'name' | 'email' | 'phone' | 'external_id'>) => ({
  name_key: sortKey(row.name),
  search_text: searchText([
    row.name,
    ...emailForms(row.email ?? ''),
    row.phone,
    ...phoneForms(row.phone ?? ''),
    row.external_id,
  ]),
});

/** The contact as the API shows it to staff, or to its own company ({@link contactFor}). */
export function toContact(row: ContactRow, portal: boolean): Contact {
  const contact: Contact = {
    id: row.id,
    customer_id: row.customer_id,
    site_id: row.site_id,
    name: row.name,
    email: row.email,
    phone: row.phone,
    position: row.position,
    is_primary: row.is_primary,
    user_id: row.user_id,
    notes: row.notes,
    source: row.source,
    external_id: row.external_id,
    version: row.version,
    created_at: toIso(row.created_at),
    updated_at: toIso(row.updated_at),
  };
  return contactFor(contact, portal);
}

function contactFacts(row: ContactRow): EventData<'contact.created.v1'> {
  return {
    contact_id: row.id,
    customer_id: row.customer_id,
    site_id: row.site_id,
    name: row.name,
    email: row.email,
    phone: row.phone,
    position: row.position,
    is_primary: row.is_primary,
    user_id: row.user_id,
    notes: row.notes,
    source: row.source,
    external_id: row.external_id,
    version: row.version,
  };
}

/** An event of a contact. */
export function contactEvent(
  type: 'contact.created.v1' | 'contact.updated.v1' | 'contact.deleted.v1',
  row: ContactRow,
) {
  return {
    type,
    aggregate: { type: 'contact', id: row.id },
    customer_id: row.customer_id,
    data: contactFacts(row),
  };
}
