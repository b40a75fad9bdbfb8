import type { FieldIssue } from '@psa/app/api/error';
import { issueText } from '@psa/app/api/field-text';
import type { DetailCode } from '@psa/contracts/detail-codes';
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

/** The words for what the import says of a file or a row, by code (contracts/detail-codes). */
const WHY = {
  required: 'empty',
  empty: 'empty',
  unknown_value: 'status',
  wrong_form: 'form',
  too_long: 'long',
  same_name: 'same_name',
  same_customer: 'same_customer',
  two_numbers: 'two_numbers',
  wrong_width: 'cells',
  no_heading: 'no_heading',
  no_name_column: 'no_name',
  wrong_encoding: 'encoding',
  not_text: 'not_text',
} as const satisfies Partial<Record<DetailCode, string>>;
const FORMS: Readonly<Record<string, 'email' | 'website'>> = {
  'idn-email': 'email',
  'web-address': 'website',
};

/** Why the import did not take something; what has no words here has those of any field. */
export function whyRefused(issue: Omit<FieldIssue, 'field'>, t: T): string {
  const { code = '', values = {} } = issue;
  if (code === 'ambiguous' && values.count !== undefined)
    return t('import.why.ambiguous', { a: values.count });
  if (!Object.hasOwn(WHY, code)) return issueText({ field: '', code, values });
  const known = WHY[code as keyof typeof WHY];
  const words = known === 'form' ? (FORMS[String(values.form)] ?? known) : known;
  return t(`import.why.${words}`, {
    a: values.most ?? values.line ?? values.column ?? values.cells ?? '',
    b: values.header ?? '',
  });
}
