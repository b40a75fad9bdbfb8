import { isDate } from '@psa/domain/dates';
import type { Ajv } from 'ajv';
import addFormatsModule from 'ajv-formats';
import { normaliseEmail, normaliseWebsite } from './contact-forms.ts';

const addFormats = addFormatsModule as unknown as (ajv: Ajv, options: { mode: 'full' }) => Ajv;

/** The longest text that a format looks at: no address, link or time is longer, and patterns take time by length. */
const LONGEST = 2_048;
const RFC_3339 = /^(\d{4})-\d\d-\d\d[Tt ]\d\d:\d\d:(\d\d)(?:\.\d{1,9})?(?:[Zz]|[+-](\d\d):?\d\d)$/;
/** PostgreSQL takes no offset of 16 hours or more; zones of this earth end at 14. */
const MOST_OFFSET_HOURS = 15;

/**
 * True for an instant that JavaScript and PostgreSQL both can hold and write back as RFC 3339: no leap second, an
 * offset below 16 hours, and in UTC a year from 1 to 9999.
 */
export function isInstant(text: string): boolean {
  const [, year, second, offset] = RFC_3339.exec(text) ?? [];
  if (year === undefined || year === '0000' || second! > '59') return false;
  if (offset !== undefined && Number(offset) > MOST_OFFSET_HOURS) return false;
  const at = new Date(Date.parse(text.toUpperCase().replace(' ', 'T')));
  return !Number.isNaN(at.getTime()) && at.getUTCFullYear() >= 1 && at.getUTCFullYear() <= 9999;
}

/**
 * Teaches a validator the formats of the contracts: those of JSON Schema, each bounded in length, of times those that
 * can be stored, and addresses as people write them, which the services then store in one form
 * (`@psa/service-kit/contact-forms`).
 */
export function withFormats(ajv: Ajv): Ajv {
  addFormats(ajv, { mode: 'full' });
  ajv.addFormat('idn-email', (text: string) => normaliseEmail(text) !== null);
  ajv.addFormat('web-address', (text: string) => normaliseWebsite(text) !== null);
  for (const [name, format] of Object.entries(ajv.formats)) {
    const test = testOf(format);
    if (test) ajv.addFormat(name, (text: string) => text.length <= LONGEST && test(text));
  }
  ajv.addFormat('date', isDate);
  const isDateTime = testOf(ajv.formats['date-time'])!;
  ajv.addFormat('date-time', (text: string) => isDateTime(text) && isInstant(text));
  return ajv;
}

/** How a format of Ajv judges a text; null for one that judges numbers. */
function testOf(format: unknown): ((text: string) => boolean) | null {
  if (format instanceof RegExp) return (text) => format.test(text);
  if (typeof format === 'function') return format as (text: string) => boolean;
  const { type, validate } = (format ?? {}) as { type?: string; validate?: unknown };
  return validate === undefined || type === 'number' ? null : testOf(validate);
}
