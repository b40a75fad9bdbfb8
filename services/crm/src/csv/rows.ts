import { type ErrorDetail, Line } from '@psa/contracts/common';
import { CreateCustomerRequest, CreateSiteRequest, type CUSTOMER_STATUSES } from '@psa/contracts/crm';
import { normalTags } from '@psa/contracts/tags';
import { foldText } from '@psa/domain/text';
import { validationDetails } from '@psa/service-kit/errors';
import { validatorFor } from '@psa/service-kit/validation';
import Type from 'typebox';
import { stored } from '../shared/stored.ts';
import { undefuse } from './cells.ts';
import type { Column, Heading } from './headings.ts';

const STATUS_WORDS: Readonly<Record<string, string>> = {
  aktiv: 'active',
  interessent: 'prospect',
  inaktiv: 'inactive',
};

/** What a row says of a customer. A field whose cell is empty, or that has no column, is absent. */
export interface CustomerValues {
  name?: string;
  status?: (typeof CUSTOMER_STATUSES)[number];
  email?: string | null;
  phone?: string | null;
  website?: string | null;
  notes?: string | null;
  tags?: string[];
}
/** What a row says of a place of the customer. */
export interface SiteValues {
  street?: string;
  postal_code?: string;
  city?: string;
  country?: string;
}
/** A row that fits. */
export interface CustomerLine {
  readonly line: number;
  /** As it was written: another system's own numbers need not be numbers. */
  readonly customer_number: string | null;
  readonly external_id: string | null;
  readonly values: CustomerValues;
  readonly site: SiteValues | null;
}
/** What is wrong with a row, as with a field of a request; `field` null: with the row as a whole. */
export interface Problem extends Readonly<Omit<ErrorDetail, 'field'>> {
  readonly line: number;
  readonly field: string | null;
}

// The same rules as POST /customers and /sites, and the external id as the import by JSON has it.
const validCustomer = validatorFor(CreateCustomerRequest, 'body');
const { street, postal_code, city, country } = CreateSiteRequest.properties;
const validSite = validatorFor(Type.Object({ street, postal_code, city, country }), 'body');
const validExternalId = validatorFor(Line(200, 0), 'body');

/** Countries by their codes and by their names in German and English. */
const COUNTRIES = new Map<string, string>();
for (const locale of ['en', 'de']) {
  const names = new Intl.DisplayNames([locale], { type: 'region', fallback: 'none' });
  for (const a of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') {
    for (const b of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') {
      const name = names.of(a + b);
      if (name !== undefined) COUNTRIES.set(foldText(name), a + b).set(foldText(a + b), a + b);
    }
  }
}
/** The marks of vehicles, which German address lists use for countries. */
for (const [mark, code] of [
  ['d', 'DE'],
  ['a', 'AT'],
  ['i', 'IT'],
  ['f', 'FR'],
  ['l', 'LU'],
  ['b', 'BE'],
  ['brd', 'DE'],
] as const) {
  COUNTRIES.set(mark, code);
}

/** Checks one record against the heading; null for a blank line. */
export function readRow(
  line: number,
  cells: readonly string[],
  headings: readonly Heading[],
): CustomerLine | Problem[] | null {
  if (cells.every((cell) => cell.trim() === '')) return null;
  const width = headings.findLastIndex((heading) => heading.by !== 'empty') + 1;
  const astray = cells.findIndex((cell, i) => cell.trim() !== '' && (headings[i]?.by ?? 'empty') === 'empty');
  if (cells.length < width || astray !== -1) {
    return [{ line, field: null, ...misplaced(cells.length, width, astray < headings.length ? astray : -1) }];
  }
  const problems: Problem[] = [];
  const given: Partial<Record<Column, string>> = {};
  for (const [i, { column }] of headings.entries()) {
    if (column === null) continue;
    const cell = undefuse(cells[i]!).trim();
    if (cell.includes('\uFFFD')) {
      problems.push({
        line,
        field: column,
        code: 'wrong_encoding',
        message: 'has characters that are not of the encoding',
      });
    }
    // An empty cell says nothing: it neither clears a field nor creates one.
    if (cell !== '') given[column] = cell;
  }
  if (problems.length > 0) return problems;

  const values = customerValues(given);
  const identified = given.customer_number !== undefined || given.external_id !== undefined;
  const complain = (errors: unknown) => {
    for (const { field, ...detail } of validationDetails((errors ?? []) as never, 'row')) {
      problems.push({ ...detail, line, field: field.replace(/\[\d+\]$/, '') });
    }
  };
  // Who is known by a number needs no name here; a new customer without one is refused when that shows.
  // Copies, because checking puts defaults in, and what a file does not say it must not change.
  if (!validCustomer({ ...(identified ? { name: 'x' } : {}), ...values })) complain(validCustomer.errors);
  const site = siteValues(given);
  if (site && !validSite({ ...site })) complain(validSite.errors);
  for (const field of ['external_id', 'customer_number'] as const) {
    if (given[field] !== undefined && !validExternalId(given[field])) {
      problems.push({
        line,
        field,
        code: 'too_long',
        message: 'must have at most 200 characters on one line',
        values: { most: 200 },
      });
    }
  }
  if (problems.length > 0) return problems;
  return {
    line,
    customer_number: given.customer_number ?? null,
    external_id: given.external_id ?? null,
    values: stored(values),
    site,
  };
}

/** A row that does not fit its header; `astray`: the column, from 0, that holds text and has no heading. */
function misplaced(cells: number, header: number, astray: number): Omit<ErrorDetail, 'field'> {
  const column = astray + 1;
  return astray === -1
    ? {
        code: 'wrong_width',
        message: `has ${cells} cells where the header has ${header}`,
        values: { cells, header },
      }
    : {
        code: 'no_heading',
        message: `has text in column ${column}, which has no heading`,
        values: { column },
      };
}

function customerValues(given: Partial<Record<Column, string>>): CustomerValues {
  const values: CustomerValues = {};
  for (const column of ['name', 'email', 'phone', 'website', 'notes'] as const) {
    if (given[column] !== undefined) values[column] = given[column];
  }
  if (given.status !== undefined) {
    const word = given.status.toLowerCase();
    values.status = (STATUS_WORDS[word] ?? word) as NonNullable<CustomerValues['status']>;
  }
  if (given.tags !== undefined) {
    values.tags = normalTags(given.tags.split(/[,;|]/).filter((tag) => tag.trim() !== ''));
  }
  return values;
}

function siteValues(given: Partial<Record<Column, string>>): SiteValues | null {
  const { street, house_number, postal_code, city, country } = given;
  const whole = [street, house_number].filter((part) => part !== undefined).join(' ');
  const site: SiteValues = {
    ...(whole === '' ? {} : { street: whole }),
    ...(postal_code === undefined ? {} : { postal_code }),
    ...(city === undefined ? {} : { city }),
    ...(country === undefined ? {} : { country: COUNTRIES.get(foldText(country)) ?? country }),
  };
  // A country alone is no place.
  return site.street === undefined && site.postal_code === undefined && site.city === undefined ? null : site;
}
