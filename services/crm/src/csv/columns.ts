import type { ErrorDetail } from '@psa/contracts/common';
import { CreateCustomerRequest, type CUSTOMER_STATUSES } from '@psa/contracts/crm';
import { invalid, validationDetails } from '@psa/service-kit/errors';
import { Ajv } from 'ajv';
import addFormatsModule from 'ajv-formats';
import { normaliseTags } from '../customers/domain.ts';
import { fold } from '../shared/search-text.ts';
import { undefuse } from './cells.ts';

/** The columns of a customer file; the export has all of them, an import any that include the name. */
export const COLUMNS = [
  'customer_number',
  'external_id',
  'name',
  'status',
  'email',
  'phone',
  'website',
  'tags',
  'notes',
] as const;
export type Column = (typeof COLUMNS)[number];

/** What else a column may be called, compared without case, accents, spaces and punctuation. */
const ALIASES: Record<Column, readonly string[]> = {
  customer_number: ['Kundennummer', 'Kunden-Nr', 'Kundennr', 'Customer no', 'Number'],
  external_id: ['Externe ID', 'Externe Nummer', 'External number', 'Fremdschlüssel'],
  name: ['Kunde', 'Kundenname', 'Firma', 'Firmenname', 'Customer', 'Customer name', 'Company'],
  status: ['Zustand'],
  email: ['E-Mail', 'E-Mail-Adresse', 'Mail', 'E-mail address'],
  phone: ['Telefon', 'Telefonnummer', 'Tel', 'Phone number'],
  website: ['Webseite', 'Internetseite', 'Web', 'Homepage', 'URL'],
  tags: ['Tag', 'Schlagwort', 'Schlagworte', 'Schlagwörter', 'Stichworte', 'Labels'],
  notes: ['Notiz', 'Notizen', 'Bemerkung', 'Bemerkungen', 'Note', 'Comment', 'Comments'],
};
const bare = (text: string) => fold(text).replace(/[^\p{L}\p{N}]/gu, '');
const BY_NAME = new Map<string, Column>(
  COLUMNS.flatMap((column) => [column, ...ALIASES[column]].map((name) => [bare(name), column] as const)),
);

const STATUS_WORDS: Readonly<Record<string, string>> = {
  aktiv: 'active',
  interessent: 'prospect',
  inaktiv: 'inactive',
};

/** The delimiter of a header line: whichever of `;` and `,` it has more of, outside quotation marks. */
export function detectDelimiter(header: string): ';' | ',' {
  const open = header.replace(/"(?:[^"]|"")*"/g, '');
  const count = (mark: string) => open.split(mark).length - 1;
  return count(';') >= count(',') && count(';') > 0 ? ';' : ',';
}

/**
 * The columns that a header names, in its order.
 * @throws 400 naming every column that is unknown, there twice, or missing
 */
export function readHeader(cells: readonly string[]): Column[] {
  const problems: ErrorDetail[] = [];
  const columns: Column[] = [];
  for (const [i, cell] of cells.entries()) {
    const column = BY_NAME.get(bare(cell));
    if (!column) {
      problems.push({
        field: 'header',
        message: `column ${i + 1} "${cell.slice(0, 80)}" is none of: ${COLUMNS.join(', ')}`,
      });
    } else if (columns.includes(column)) {
      problems.push({ field: 'header', message: `column ${i + 1} names ${column} a second time` });
    } else columns.push(column);
  }
  if (problems.length === 0 && !columns.includes('name')) {
    problems.push({ field: 'header', message: 'there is no column "name"' });
  }
  if (problems.length > 0) throw invalid(...problems);
  return columns;
}

/** What a row says of a customer; a column that the file lacks is absent, an empty cell is null. */
export interface CustomerValues {
  name: string;
  status?: (typeof CUSTOMER_STATUSES)[number];
  email?: string | null;
  phone?: string | null;
  website?: string | null;
  notes?: string | null;
  tags?: string[];
}
/** A row that fits. */
export interface CustomerLine {
  readonly line: number;
  readonly customer_number: number | null;
  readonly external_id: string | null;
  readonly values: CustomerValues;
}
export interface Problem {
  readonly line: number;
  readonly field: string | null;
  readonly message: string;
}

const ajv = new Ajv({ allErrors: true, strict: false, allowUnionTypes: true });
(addFormatsModule as unknown as (ajv: Ajv, options: { mode: 'full' }) => Ajv)(ajv, { mode: 'full' });
// The same rules as POST /customers, and the external id as the import by JSON has it.
const valid = ajv.compile(CreateCustomerRequest);
const validExternalId = ajv.compile({
  type: 'string',
  maxLength: 200,
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
});

/** Checks one record against the columns; null for a blank line. */
export function readRow(
  line: number,
  cells: readonly string[],
  columns: readonly Column[],
): CustomerLine | Problem[] | null {
  if (cells.every((cell) => cell.trim() === '')) return null;
  const extra = cells.slice(columns.length);
  if (cells.length < columns.length || extra.some((cell) => cell.trim() !== '')) {
    return [
      { line, field: null, message: `has ${cells.length} cells where the header has ${columns.length}` },
    ];
  }
  const problems: Problem[] = [];
  const given: Partial<Record<Column, string>> = {};
  for (const [i, column] of columns.entries()) {
    if (cells[i]!.includes('\uFFFD')) {
      problems.push({ line, field: column, message: 'has characters that are not UTF-8' });
    }
    given[column] = undefuse(cells[i]!).trim();
  }
  if (problems.length > 0) return problems;

  const values: CustomerValues = { name: given.name! };
  for (const column of ['email', 'phone', 'website', 'notes'] as const) {
    if (given[column] !== undefined) values[column] = given[column] === '' ? null : given[column];
  }
  if (given.status) {
    const word = given.status.toLowerCase();
    values.status = (STATUS_WORDS[word] ?? word) as CustomerValues['status'];
  }
  if (given.tags !== undefined) {
    values.tags = normaliseTags(given.tags.split(/[,;|]/).filter((tag) => tag.trim() !== ''));
  }
  if (!valid(values)) {
    for (const { field, message } of validationDetails((valid.errors ?? []) as never, 'row')) {
      problems.push({ line, field: field.replace(/\[\d+\]$/, ''), message });
    }
  }
  if (given.external_id && !validExternalId(given.external_id)) {
    problems.push({ line, field: 'external_id', message: 'must have at most 200 characters on one line' });
  }
  if (given.customer_number && !/^[1-9]\d{0,8}$/.test(given.customer_number)) {
    problems.push({ line, field: 'customer_number', message: 'must be a whole number' });
  }
  if (problems.length > 0) return problems;
  return {
    line,
    customer_number: given.customer_number ? Number(given.customer_number) : null,
    external_id: given.external_id || null,
    values,
  };
}
