import { setLanguage } from '@psa/ui/i18n/i18n';
import { beforeAll, expect, it } from 'vitest';
import { messages } from '../i18n/customer-messages.ts';
import { columnText, whyRefused } from './import-problem.ts';

beforeAll(() => setLanguage('de'));
const why = (message: string) => whyRefused(message, messages.t);

it('says in the language of the reader why a row was not taken', () => {
  expect(why('must not be empty')).toBe('darf nicht leer sein');
  expect(why('must be a valid email')).toBe('ist keine gültige E-Mail-Adresse');
  expect(why('must be a valid uri')).toBe('hat nicht die richtige Form');
  expect(why('must be one of: active, prospect, inactive')).toBe('muss Aktiv, Interessent oder Inaktiv sein');
  expect(why('is the same name as in line 2')).toBe('steht schon in Zeile 2');
  expect(why('has 4 cells where the header has 9')).toBe('Die Zeile hat 4 Felder, die Kopfzeile 9.');
});

it('names the column that is not known, with the signs it has', () => {
  expect(why('column 4 "Ort & <Land>" is none of: customer_number, name')).toBe(
    'Die Spalte 4 „Ort & <Land>“ ist nicht bekannt. Bitte entfernen oder umbenennen.',
  );
});

it('shows as it came what it has no words for', () => {
  expect(why('belongs to another customer')).toBe('belongs to another customer');
  expect(columnText('rows[3]', messages.t)).toBe('rows[3]');
});

it('names columns as the file may', () => {
  expect(columnText('email', messages.t)).toBe('E-Mail');
  expect(columnText('customer_number', messages.t)).toBe('Kundennummer');
  expect(columnText(null, messages.t)).toBe('–');
});
