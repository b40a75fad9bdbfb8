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

it('says what stands where there is no heading, and what two numbers contradict', () => {
  expect(why('has text in column 3, which has no heading')).toBe(
    'In Spalte 3 steht Text, aber sie hat keine Überschrift.',
  );
  expect(why('no customer has this number, and the row has an external id already')).toBe(
    'Diese Kundennummer ist unbekannt, und die Zeile hat schon eine externe ID. Bitte wählen, was die Spalte ist.',
  );
  expect(why('is required for a new customer')).toBe('darf nicht leer sein');
});

it('shows as it came what it has no words for', () => {
  expect(why('belongs to another customer')).toBe('belongs to another customer');
  expect(columnText('rows[3]', messages.t)).toBe('rows[3]');
});

it('names columns as the file may', () => {
  expect(columnText('email', messages.t)).toBe('E-Mail');
  expect(columnText('customer_number', messages.t)).toBe('Kundennummer');
  expect(columnText('house_number', messages.t)).toBe('Hausnummer');
  expect(columnText(null, messages.t)).toBe('–');
});
