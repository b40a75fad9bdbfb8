import type { messages } from '../i18n/customer-messages.ts';

type T = ReturnType<typeof messages.useT>;

const WORDS = [
  ...(['name', 'status', 'email', 'phone', 'website', 'notes', 'tags'] as const),
  ...(['postal_code', 'city', 'country'] as const),
];
/** What a column of a file can be, in the order in which it is offered. */
export const IMPORT_COLUMNS = [
  ...(['name', 'customer_number', 'external_id', 'status', 'email', 'phone', 'website', 'tags'] as const),
  ...(['notes', 'street', 'house_number', 'postal_code', 'city', 'country'] as const),
];

/** A column of the file as the reader knows it. */
export function columnText(column: string | null, t: T): string {
  if (column === null) return '–';
  const known = WORDS.find((name) => name === column);
  if (known) return t(known);
  if (column === 'street' || column === 'house_number') return t(`import.${column}`);
  if (column === 'header') return t('import.header');
  if (column === 'external_id') return t('import.external_id');
  if (column === 'customer_number') return t('import.customer_number');
  return column;
}

/** What the import says of a file or a row, with the words for it; the parts in brackets go into them in turn. */
const KNOWN = [
  [/^(?:must not be empty|is required(?: for a new customer)?)$/, 'import.why.empty'],
  [/^must be one of: active, prospect, inactive$/, 'import.why.status'],
  [/^must be a valid email$/, 'import.why.email'],
  [/^must be a valid .+$/, 'import.why.form'],
  [/^must have at most (\d+) characters$/, 'import.why.long'],
  [/^is the same name as in line (\d+)$/, 'import.why.same_name'],
  [/^is the same customer as line (\d+)$/, 'import.why.same_customer'],
  [/and the row has an external id already$/, 'import.why.two_numbers'],
  [/^no customer has this number/, 'import.why.no_such_number'],
  [/^(\d+) customers have it/, 'import.why.ambiguous'],
  [/^has (\d+) cells where the header has (\d+)$/, 'import.why.cells'],
  [/^must be a web address/, 'import.why.website'],
  [/^has text in column (\d+), which has no heading$/, 'import.why.no_heading'],
  [/^there is no column "name"$/, 'import.why.no_name'],
  [/^there is no header line$|^is empty$/, 'import.why.no_header'],
  [/^has characters that are not of the encoding$/, 'import.why.encoding'],
  [/^is not text$/, 'import.why.not_text'],
] as const satisfies readonly (readonly [RegExp, string])[];

/** Why the import did not take something; what it says that is unknown here is shown as it came. */
export function whyRefused(message: string, t: T): string {
  for (const [pattern, key] of KNOWN) {
    const match = pattern.exec(message);
    if (match) return t(key, { a: match[1] ?? '', b: match[2] ?? '' });
  }
  return message;
}
