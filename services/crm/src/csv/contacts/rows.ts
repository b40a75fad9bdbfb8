import { CreateContactRequest } from '@psa/contracts/crm';
import { validatorFor } from '@psa/service-kit/validation';
import Type from 'typebox';
import { stored } from '../../shared/stored.ts';
import { longIds } from '../customers/rows.ts';
import { type OfCustomer, ofCustomerOf } from '../of-customer.ts';
import { complaints, type Given, nameOfPerson, type Problem, picked, yesOrNo } from '../values.ts';

/** What a row says of a contact. A field whose cell is empty, or that has no column, is absent. */
export interface ContactValues {
  name?: string;
  email?: string | null;
  phone?: string | null;
  position?: string | null;
  notes?: string | null;
  is_primary?: boolean;
}
/** A row that fits. */
export interface ContactLine {
  readonly line: number;
  readonly of: OfCustomer;
  readonly external_id: string | null;
  /** The name of the site where the person works. */
  readonly site: string | null;
  readonly values: ContactValues;
}

// The same rules as POST /contacts.
const { name, email, phone, position, notes } = CreateContactRequest.properties;
const valid = validatorFor(Type.Object({ name: Type.Optional(name), email, phone, position, notes }), 'body');

/** Checks what a row says of a contact. Who has no telephone of its own has a mobile one. */
export function contactLine(line: number, given: Given): ContactLine | Problem[] {
  const person = nameOfPerson(given);
  const reached = given.phone ?? given.mobile;
  const values: ContactValues = {
    ...(person === undefined ? {} : { name: person }),
    ...(reached === undefined ? {} : { phone: reached }),
    ...picked(given, ['email', 'position', 'notes']),
  };
  const main = given.is_primary === undefined ? undefined : yesOrNo(given.is_primary);
  const problems = [
    ...complaints(valid, values, line),
    ...longIds(given, ['external_id', 'customer_number'], line),
    ...(main === null
      ? [{ line, field: 'is_primary', code: 'unknown_value' as const, message: 'must be yes or no' }]
      : []),
  ];
  if (problems.length > 0) return problems;
  return {
    line,
    of: ofCustomerOf(given),
    external_id: given.external_id ?? null,
    site: given.site ?? null,
    values: stored({ ...values, ...(typeof main === 'boolean' ? { is_primary: main } : {}) }),
  };
}
