import { Line } from '@psa/contracts/common';
import { CreateCustomerRequest, CreateSiteRequest, type CUSTOMER_STATUSES } from '@psa/contracts/crm';
import { normalTags } from '@psa/contracts/tags';
import { foldText } from '@psa/domain/text';
import { validatorFor } from '@psa/service-kit/validation';
import Type from 'typebox';
import { stored } from '../../shared/stored.ts';
import {
  type Address,
  addressOf,
  complaints,
  type Given,
  isPlace,
  nameOfPerson,
  type Problem,
  picked,
  yesOrNo,
} from '../values.ts';

type Status = (typeof CUSTOMER_STATUSES)[number];
/** States as other systems call them. */
const STATUS_WORDS: Readonly<Record<string, Status>> = {
  aktiv: 'active',
  kunde: 'active',
  customer: 'active',
  client: 'active',
  interessent: 'prospect',
  lead: 'prospect',
  opportunity: 'prospect',
  inaktiv: 'inactive',
  archived: 'inactive',
};

/** What a row says of a customer. A field whose cell is empty, or that has no column, is absent. */
export interface CustomerValues {
  name?: string;
  status?: Status;
  email?: string | null;
  phone?: string | null;
  website?: string | null;
  notes?: string | null;
  tags?: string[];
}
/** A row that fits. */
export interface CustomerLine {
  readonly line: number;
  /** As it was written: another system's own numbers need not be numbers. */
  readonly customer_number: string | null;
  readonly external_id: string | null;
  readonly values: CustomerValues;
  /** A place of the customer. */
  readonly site: Address | null;
}

// The same rules as POST /customers and /sites, and the external id as the import by JSON has it.
const validCustomer = validatorFor(CreateCustomerRequest, 'body');
const { street, postal_code, city, country } = CreateSiteRequest.properties;
const validSite = validatorFor(Type.Object({ street, postal_code, city, country }), 'body');
const validExternalId = validatorFor(Line(200, 0), 'body');

/** A number or id of another system that is too long to be kept. */
export function longIds(given: Given, fields: readonly ('external_id' | 'customer_number')[], line: number) {
  return fields.flatMap((field): Problem[] =>
    given[field] === undefined || validExternalId(given[field])
      ? []
      : [
          {
            line,
            field,
            code: 'too_long',
            message: 'must have at most 200 characters on one line',
            values: { most: 200 },
          },
        ],
  );
}

/** Checks what a row says of a customer. */
export function customerLine(line: number, given: Given): CustomerLine | Problem[] {
  const values = customerValues(given);
  const identified = given.customer_number !== undefined || given.external_id !== undefined;
  const address = addressOf(given);
  const site = isPlace(address) ? address : null;
  const problems = [
    // Who is known by a number needs no name here; a new customer without one is refused when that shows.
    ...complaints(validCustomer, { ...(identified ? { name: 'x' } : {}), ...values }, line),
    ...(site ? complaints(validSite, site, line) : []),
    ...longIds(given, ['external_id', 'customer_number'], line),
  ];
  if (problems.length > 0) return problems;
  return {
    line,
    customer_number: given.customer_number ?? null,
    external_id: given.external_id ?? null,
    values: stored(values),
    site,
  };
}

function customerValues(given: Given): CustomerValues {
  // A private person is a customer under its own name.
  const name = nameOfPerson(given);
  const values: CustomerValues = {
    ...(name === undefined ? {} : { name }),
    ...picked(given, ['email', 'phone', 'website', 'notes']),
  };
  if (given.status !== undefined) {
    const word = foldText(given.status);
    const active = yesOrNo(word);
    values.status =
      active === null ? (STATUS_WORDS[word] ?? (word as Status)) : active ? 'active' : 'inactive';
  }
  if (given.tags !== undefined) {
    values.tags = normalTags(given.tags.split(/[,;|]/).filter((tag) => tag.trim() !== ''));
  }
  return values;
}
