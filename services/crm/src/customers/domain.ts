import type { Customer } from '@psa/contracts/crm';
import { toIso } from '@psa/service-kit/database';
import type { EventData } from '@psa/service-kit/outbox';
import type { CustomerRow } from '../db/schema.ts';
import { fold, searchText } from '../shared/search-text.ts';

/** Tags as they are stored: lower case, each once, in the order given. */
export const normaliseTags = (tags: readonly string[]): string[] => [
  ...new Set(tags.map((tag) => tag.normalize('NFC').trim().toLowerCase())),
];

type Found = Pick<CustomerRow, 'name' | 'customer_number' | 'email' | 'external_id'>;

/** What a customer sorts and is found by. */
export const customerKeys = (row: Found) => ({
  name_key: fold(row.name),
  search_text: searchText([row.name, row.email, row.customer_number, row.external_id]),
});

/** The customer as the API shows it. A portal user does not see what the MSP notes about its company. */
export function toCustomer(row: CustomerRow, portal: boolean): Customer {
  return {
    id: row.id,
    customer_number: row.customer_number,
    name: row.name,
    status: row.status,
    email: row.email,
    phone: row.phone,
    website: row.website,
    notes: portal ? null : row.notes,
    tags: portal ? [] : row.tags,
    preferred_technician_id: portal ? null : row.preferred_technician_id,
    sla_policy_id: portal ? null : row.sla_policy_id,
    source: portal ? null : row.source,
    external_id: portal ? null : row.external_id,
    version: row.version,
    created_at: toIso(row.created_at),
    updated_at: toIso(row.updated_at),
  };
}

/** The whole customer as its events tell it. */
export function customerFacts(row: CustomerRow): EventData<'customer.created.v1'> {
  return {
    customer_id: row.id,
    customer_number: row.customer_number,
    name: row.name,
    status: row.status,
    email: row.email,
    phone: row.phone,
    website: row.website,
    notes: row.notes,
    tags: row.tags,
    preferred_technician_id: row.preferred_technician_id,
    sla_policy_id: row.sla_policy_id,
    source: row.source,
    external_id: row.external_id,
    version: row.version,
  };
}

/** An event of a customer. */
export function customerEvent(
  type: 'customer.created.v1' | 'customer.updated.v1' | 'customer.deleted.v1',
  row: CustomerRow,
) {
  return {
    type,
    aggregate: { type: 'customer', id: row.id },
    customer_id: row.id,
    data: customerFacts(row),
  };
}
