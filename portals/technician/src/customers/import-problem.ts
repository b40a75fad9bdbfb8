import type { FieldIssue } from '@psa/app/api/error';
import { issueText } from '@psa/app/api/field-text';
import type { CsvColumn, CsvImportReport, CsvKind } from '@psa/app/api/types';
import type { DetailCode } from '@psa/contracts/detail-codes';
import type { messages } from '../i18n/customer-messages.ts';

type T = ReturnType<typeof messages.useT>;

/** What a column of a file can be, in the order in which it is offered. */
export const IMPORT_COLUMNS = {
  customers: [
    ...(['name', 'first_name', 'last_name', 'customer_number', 'external_id', 'status', 'email'] as const),
    ...(['phone', 'website', 'tags', 'notes', 'street', 'house_number', 'postal_code'] as const),
    ...(['city', 'country'] as const),
  ],
  contacts: [
    ...(['customer', 'customer_number', 'name', 'first_name', 'last_name', 'email', 'phone'] as const),
    ...(['mobile', 'position', 'is_primary', 'site', 'external_id', 'notes'] as const),
  ],
  sites: [
    ...(['customer', 'customer_number', 'name', 'street', 'house_number', 'postal_code', 'city'] as const),
    ...(['country', 'time_zone'] as const),
  ],
} as const satisfies Record<CsvKind, readonly CsvColumn[]>;

/** What each column is called. */
const NAMES = {
  name: 'name',
  status: 'status',
  email: 'email',
  phone: 'phone',
  website: 'website',
  notes: 'notes',
  tags: 'tags',
  postal_code: 'postal_code',
  city: 'city',
  country: 'country',
  time_zone: 'time_zone',
  position: 'position',
  site: 'site',
  street: 'import.street',
  house_number: 'import.house_number',
  external_id: 'import.external_id',
  customer_number: 'import.customer_number',
  customer: 'import.customer_name',
  first_name: 'import.first_name',
  last_name: 'import.last_name',
  mobile: 'import.mobile',
  is_primary: 'import.is_primary',
} as const satisfies Record<CsvColumn, string>;

/** Systems as they call themselves. */
export const SYSTEM_NAMES = {
  zammad: 'Zammad',
  itflow: 'ITFlow',
  connectwise: 'ConnectWise PSA',
  autotask: 'Autotask',
  lexware: 'Lexware Office',
  sevdesk: 'sevdesk',
  hubspot: 'HubSpot',
} as const satisfies Record<NonNullable<CsvImportReport['system']>, string>;

/** A column of the file as the reader knows it. */
export function columnText(column: string | null, t: T): string {
  if (column === null) return '–';
  if (column === 'header') return t('import.header');
  return Object.hasOwn(NAMES, column) ? t(NAMES[column as CsvColumn]) : column;
}

/** A value of a change as the reader knows it. */
export function valueText(field: string, value: string | null, t: T): string {
  if (value === null) return '–';
  if (field === 'is_primary') return t(value === 'true' ? 'import.yes' : 'import.no');
  const status = (['active', 'prospect', 'inactive'] as const).find((known) => known === value);
  return field === 'status' && status ? t(`status.${status}`) : value;
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
  same_entry: 'same_entry',
  duplicate: 'duplicate',
  not_found: 'not_found',
  contradicts: 'contradicts',
  no_customer_column: 'no_customer',
  two_numbers: 'two_numbers',
  wrong_width: 'cells',
  no_heading: 'no_heading',
  no_name_column: 'no_name',
  wrong_encoding: 'encoding',
  not_text: 'not_text',
} as const satisfies Partial<Record<DetailCode, string>>;
type Why = (typeof WHY)[keyof typeof WHY] | 'email' | 'website' | 'country' | 'time_zone' | 'yes_no';
const FORMS: Readonly<Record<string, 'email' | 'website'>> = {
  'idn-email': 'email',
  'web-address': 'website',
};

/** Why the import did not take something; what has no words here has those of any field. */
export function whyRefused(issue: Omit<FieldIssue, 'field'> & { field?: string | null }, t: T): string {
  const { field = null, code = '', values = {} } = issue;
  if (code === 'ambiguous' && values.count !== undefined)
    return t('import.why.ambiguous', { a: values.count });
  if (!Object.hasOwn(WHY, code)) return issueText({ field: '', code, values });
  const known = WHY[code as keyof typeof WHY];
  let words: Why = known;
  if (known === 'form') words = FORMS[String(values.form)] ?? known;
  // Some columns have values that people know by name.
  if (known === 'form' && (field === 'country' || field === 'time_zone')) words = field;
  if (known === 'status' && field === 'is_primary') words = 'yes_no';
  return t(`import.why.${words}`, {
    a: values.most ?? values.line ?? values.column ?? values.cells ?? '',
    b: values.header ?? '',
  });
}
