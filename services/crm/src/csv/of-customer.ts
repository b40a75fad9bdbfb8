import type { ErrorDetail } from '@psa/contracts/common';
import type { Tx } from '@psa/service-kit/database';
import type { CustomerRow } from '../db/schema.ts';
import { customersMeant } from './customers/repository.ts';
import type { ImportOptions } from './import.ts';
import { CSV_SOURCE, nameKeys, nameOf, ownNumber } from './match.ts';
import type { Given, Problem } from './values.ts';

/** Which customer a contact or site is of, as its row says it. */
export interface OfCustomer {
  /** Ours, or another system's. */
  readonly customer_number: string | null;
  readonly customer: string | null;
}
export const ofCustomerOf = (given: Given): OfCustomer => ({
  customer_number: given.customer_number ?? null,
  customer: given.customer ?? null,
});

/** A heading by which no row says whose it is is of no use, unless the caller says it for all. */
export const noCustomerColumn = (
  has: (...columns: ('customer_number' | 'customer')[]) => boolean,
  { customerId }: ImportOptions,
): ErrorDetail | null =>
  customerId !== null || has('customer_number', 'customer')
    ? null
    : { field: 'header', code: 'no_customer_column', message: 'there is no column that names the customer' };

/** Customers that rows name; locked where asked, because a customer that is deleted takes its contacts along. */
export const customersNamed = (
  tx: Tx,
  tenantId: string,
  rows: readonly { readonly of: OfCustomer }[],
  lock: boolean,
  { customerId }: ImportOptions,
): Promise<CustomerRow[]> =>
  customersMeant(
    tx,
    tenantId,
    {
      numbers: [...new Set(rows.flatMap(({ of }) => ownNumber(of.customer_number) ?? []))],
      externalIds: [...new Set(rows.flatMap(({ of }) => of.customer_number ?? []))],
      nameKeys: nameKeys(rows.map(({ of }) => of.customer)),
      ids: customerId === null ? [] : [customerId],
    },
    lock,
  );

type Refusal = Omit<Problem, 'line'>;
const refusal = (field: string, code: Problem['code'], message: string, values?: Problem['values']) => ({
  refuse: { field, code, message, ...(values ? { values } : {}) } satisfies Refusal,
});

/**
 * Finds the customer of a row: by our number, else by the number that another system's file of customers gave, else by a
 * name that exactly one customer has. A number and a name of two customers are refused.
 */
export function customerFinder(customers: readonly CustomerRow[], { customerId }: ImportOptions) {
  const byId = new Map(customers.map((customer) => [customer.id, customer]));
  const byNumber = new Map(customers.map((customer) => [customer.customer_number, customer]));
  const byExternalId = new Map(
    customers.flatMap((customer) =>
      customer.source === CSV_SOURCE && customer.external_id !== null
        ? [[customer.external_id, customer] as const]
        : [],
    ),
  );
  const byName = Map.groupBy(customers, (customer) => nameOf(customer.name));

  return ({ customer_number, customer: name }: OfCustomer): CustomerRow | { refuse: Refusal } => {
    if (customer_number === null && name === null) {
      const fixed = customerId === null ? undefined : byId.get(customerId);
      return fixed ?? refusal('customer', 'required', 'is required');
    }
    const named = name === null ? [] : (byName.get(nameOf(name)) ?? []);
    if (customer_number !== null) {
      const numbered = byNumber.get(ownNumber(customer_number) ?? -1) ?? byExternalId.get(customer_number);
      if (numbered) {
        return named.length === 0 || named.includes(numbered)
          ? numbered
          : refusal('customer', 'contradicts', 'is another customer than the one with this number');
      }
      if (name === null) return refusal('customer_number', 'not_found', 'names no customer');
    }
    if (named.length > 1) {
      const message = `${named.length} customers have it; give a customer number`;
      return refusal('customer', 'ambiguous', message, { count: named.length });
    }
    return named[0] ?? refusal('customer', 'not_found', 'names no customer');
  };
}
