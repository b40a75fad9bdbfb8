import type { Customer } from '@psa/contracts/crm';
import { phoneForms } from '@psa/domain/phone';
import { searchText } from '@psa/domain/search-text';
import { sortKey } from '@psa/domain/text';
import { emailForms, websiteForms } from '@psa/service-kit/contact-forms';
import { toIso } from '@psa/service-kit/database';
import type { EventData } from '@psa/service-kit/outbox';
import type { CustomerRow } from '../db/schema.ts';
import { customerFor } from './policy.ts';

type Found = Pick<CustomerRow, 'name' | 'customer_number' | 'email' | 'external_id' | 'phone' | 'website'>;

/** What a customer sorts and is found by. */
export const customerKeys = (row: Found) => ({
  name_key: sortKey(row.name),
  search_text: searchText([
    row.name,
    ...emailForms(row.email ?? ''),
    row.customer_number,
    row.external_id,
    row.phone,
    ...phoneForms(row.phone ?? ''),
    ...websiteForms(row.website ?? ''),
  ]),
});

/** The customer as the API shows it to staff, or to its own people ({@link customerFor}). */
export function toCustomer(row: CustomerRow, portal: boolean): Customer {
  const customer: Customer = {
    id: row.id,
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
    created_at: toIso(row.created_at),
    updated_at: toIso(row.updated_at),
  };
  return customerFor(customer, portal);
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
