import type { ErrorDetail } from '@psa/contracts/common';
import type { CsvColumn } from '@psa/contracts/csv';
import { foldText } from '@psa/domain/text';
import { undefuse } from '@psa/service-kit/csv-cells';
import { validationDetails } from '@psa/service-kit/errors';
import type { Validator } from '@psa/service-kit/validation';
import type { Heading } from './headings.ts';

/** What is wrong with a row, as with a field of a request; `field` null: with the row as a whole. */
export interface Problem extends Readonly<Omit<ErrorDetail, 'field'>> {
  readonly line: number;
  readonly field: string | null;
}
/** What a row says, as text. An empty cell says nothing: it neither clears a field nor creates one. */
export type Given = Readonly<Partial<Record<CsvColumn, string>>>;

/** Reads one record by the heading; null for a blank line. */
export function givenOf(
  line: number,
  cells: readonly string[],
  headings: readonly Heading[],
): Given | Problem[] | null {
  if (cells.every((cell) => cell.trim() === '')) return null;
  const width = headings.findLastIndex((heading) => heading.by !== 'empty') + 1;
  const astray = cells.findIndex((cell, i) => cell.trim() !== '' && (headings[i]?.by ?? 'empty') === 'empty');
  if (cells.length < width || astray !== -1) {
    return [{ line, field: null, ...misplaced(cells.length, width, astray < headings.length ? astray : -1) }];
  }
  const problems: Problem[] = [];
  const given: Partial<Record<CsvColumn, string>> = {};
  for (const [i, { column }] of headings.entries()) {
    if (column === null) continue;
    const cell = undefuse(cells[i]!).trim();
    if (cell.includes('\uFFFD')) {
      const message = 'has characters that are not of the encoding';
      problems.push({ line, field: column, code: 'wrong_encoding', message });
    }
    if (cell !== '') given[column] = cell;
  }
  return problems.length > 0 ? problems : given;
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

/** What a validator has against values of a row; a copy is checked, because checking puts defaults in. */
export function complaints(validate: Validator, values: object, line: number): Problem[] {
  if (validate({ ...values })) return [];
  return validationDetails((validate.errors ?? []) as never, 'row').map(({ field, ...detail }) => ({
    ...detail,
    line,
    field: field.replace(/\[\d+\]$/, ''),
  }));
}

/** The texts of some columns, those that are there. */
export const picked = <C extends CsvColumn>(given: Given, columns: readonly C[]): { [K in C]?: string } =>
  Object.fromEntries(
    columns.flatMap((column) => (given[column] === undefined ? [] : [[column, given[column]]])),
  ) as { [K in C]?: string };

/** The name of a person: as one, or of its parts. */
export function nameOfPerson(given: Given): string | undefined {
  const parts = [given.first_name, given.last_name].filter((part) => part !== undefined);
  return given.name ?? (parts.length === 0 ? undefined : parts.join(' '));
}

/** What a row says of a place. */
export interface Address {
  street?: string;
  postal_code?: string;
  city?: string;
  country?: string;
}

/** The address of a row; a house number of its own is part of the street, a country is a code. */
export function addressOf(given: Given): Address {
  const street = [given.street, given.house_number].filter((part) => part !== undefined).join(' ');
  const { country } = given;
  return {
    ...(street === '' ? {} : { street }),
    ...picked(given, ['postal_code', 'city']),
    ...(country === undefined ? {} : { country: COUNTRIES.get(foldText(country)) ?? country }),
  };
}

/** A country alone is no place. */
export const isPlace = ({ street, postal_code, city }: Address) =>
  street !== undefined || postal_code !== undefined || city !== undefined;

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
  ['usa', 'US'],
] as const) {
  COUNTRIES.set(mark, code);
}

/** Yes and no as systems and spreadsheets write them; the German Excel makes `WAHR` of `true`. */
const YES = new Set(['yes', 'y', 'true', 'ja', 'j', 'wahr', '1', 'x']);
const NO = new Set(['no', 'n', 'false', 'nein', 'falsch', '0']);
/** True, false, or null for what is neither. */
export function yesOrNo(text: string): boolean | null {
  const word = foldText(text);
  return YES.has(word) ? true : NO.has(word) ? false : null;
}
