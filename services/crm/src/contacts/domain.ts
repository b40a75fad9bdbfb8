import type { Contact } from '@psa/contracts/crm';
import { toIso } from '@psa/service-kit/database';
import type { EventData } from '@psa/service-kit/outbox';
import type { ContactRow } from '../db/schema.ts';
import { fold, searchText } from '../shared/search-text.ts';

/** What a contact sorts and is found by. */
export const contactKeys = (row: Pick<ContactRow, 'name' | 'email' | 'phone' | 'external_id'>) => ({
  name_key: fold(row.name),
  search_text: searchText([row.name, row.email, row.phone, row.external_id]),
});

/** The contact as the API shows it. A portal user does not see what the MSP notes about a person. */
export function toContact(row: ContactRow, portal: boolean): Contact {
  return {
    id: row.id,
    customer_id: row.customer_id,
    site_id: row.site_id,
    name: row.name,
    email: row.email,
    phone: row.phone,
    position: row.position,
    is_primary: row.is_primary,
    user_id: row.user_id,
    notes: portal ? null : row.notes,
    source: portal ? null : row.source,
    external_id: portal ? null : row.external_id,
    version: row.version,
    created_at: toIso(row.created_at),
    updated_at: toIso(row.updated_at),
  };
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
