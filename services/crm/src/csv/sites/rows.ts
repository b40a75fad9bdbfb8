import { CreateSiteRequest } from '@psa/contracts/crm';
import { isTimeZone } from '@psa/contracts/time-zones';
import { validatorFor } from '@psa/service-kit/validation';
import Type from 'typebox';
import { longIds } from '../customers/rows.ts';
import { type OfCustomer, ofCustomerOf } from '../of-customer.ts';
import { type Address, addressOf, complaints, type Given, isPlace, type Problem, picked } from '../values.ts';
import { nameOfPlace } from './repository.ts';

/** What a row says of a site. A field whose cell is empty, or that has no column, is absent. */
export interface SiteValues extends Address {
  time_zone?: string;
}
/** A row that fits. */
export interface SiteLine {
  readonly line: number;
  readonly of: OfCustomer;
  /** What the site is called: by the file, or else by its address. */
  readonly name: string;
  /** The file says the name. */
  readonly named: boolean;
  readonly values: SiteValues;
}

// The same rules as POST /sites.
const { name, street, postal_code, city, country, time_zone } = CreateSiteRequest.properties;
const valid = validatorFor(Type.Object({ name, street, postal_code, city, country, time_zone }), 'body');

/** Checks what a row says of a site. */
export function siteLine(line: number, given: Given): SiteLine | Problem[] {
  const address = addressOf(given);
  const values: SiteValues = { ...address, ...picked(given, ['time_zone']) };
  const called = given.name ?? (isPlace(address) ? nameOfPlace(address) : undefined);
  const problems = [
    ...complaints(valid, { ...values, ...(called === undefined ? {} : { name: called }) }, line),
    ...longIds(given, ['customer_number'], line),
    ...(values.time_zone === undefined || isTimeZone(values.time_zone)
      ? []
      : [{ line, field: 'time_zone', code: 'wrong_form' as const, message: 'is no IANA time zone' }]),
  ];
  if (problems.length > 0) return problems;
  return { line, of: ofCustomerOf(given), name: called!, named: given.name !== undefined, values };
}
