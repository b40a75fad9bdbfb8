import { CSV_COLUMNS, CSV_KINDS } from '@psa/contracts/csv';
import { setLanguage } from '@psa/ui/i18n/i18n';
import { beforeAll, expect, it } from 'vitest';
import { messages } from '../i18n/customer-messages.ts';
import { columnText, IMPORT_COLUMNS, valueText, whyRefused } from './import-problem.ts';

beforeAll(() => setLanguage('de'));
const why = (code: string, values = {}) => whyRefused({ code, message: 'English', values }, messages.t);

it('says in the language of the reader why a row was not taken', () => {
  expect(why('empty')).toBe('darf nicht leer sein');
  expect(why('wrong_form', { form: 'idn-email' })).toBe('ist keine gültige E-Mail-Adresse');
  expect(why('wrong_form', { form: 'uri' })).toBe('hat nicht das richtige Format');
  expect(why('unknown_value')).toBe('muss Aktiv, Interessent oder Inaktiv sein');
  expect(why('same_name', { line: 2 })).toBe('steht schon in Zeile 2');
  expect(why('wrong_width', { cells: 4, header: 9 })).toBe('Die Zeile hat 4 Felder, die Kopfzeile 9.');
});

it('says what stands where there is no heading, and what two numbers contradict', () => {
  expect(why('no_heading', { column: 3 })).toBe('In Spalte 3 steht Text, aber sie hat keine Überschrift.');
  expect(why('two_numbers')).toBe(
    'Diese Kundennummer ist unbekannt, und die Zeile hat schon eine externe ID. Bitte auswählen, was die Spalte enthält.',
  );
  expect(why('required')).toBe('darf nicht leer sein');
});

it('says what it has no words for in those of any field, never in English', () => {
  expect(why('taken')).toBe('Das gibt es schon.');
  expect(why('of_a_newer_release')).toBe('Das wird so nicht angenommen.');
  expect(why('ambiguous', { count: 3 })).toBe(
    'Gibt es 3-mal. Bitte zusätzlich Nummer, externe ID oder E-Mail angeben.',
  );
  expect(columnText('rows[3]', messages.t)).toBe('rows[3]');
});

it('names columns as the file may', () => {
  expect(columnText('email', messages.t)).toBe('E-Mail');
  expect(columnText('customer_number', messages.t)).toBe('Kundennummer');
  expect(columnText('house_number', messages.t)).toBe('Hausnummer');
  expect(columnText(null, messages.t)).toBe('–');
});

it('knows what each column may hold, and names every column of every kind', () => {
  const of = (field: string, code: string) => whyRefused({ field, code, message: 'English' }, messages.t);
  expect(of('country', 'wrong_form')).toBe('ist kein Land');
  expect(of('time_zone', 'wrong_form')).toBe('ist keine Zeitzone, z. B. Europe/Berlin');
  expect(of('is_primary', 'unknown_value')).toBe('muss Ja oder Nein sein');
  expect(of('status', 'unknown_value')).toBe('muss Aktiv, Interessent oder Inaktiv sein');
  expect(of('customer', 'not_found')).toBe('gibt es nicht');
  expect(valueText('is_primary', 'true', messages.t)).toBe('Ja');
  expect(valueText('status', 'inactive', messages.t)).toBe('Inaktiv');
  expect(valueText('name', 'active', messages.t)).toBe('active');
  for (const column of Object.values(IMPORT_COLUMNS).flat()) {
    expect(columnText(column, messages.t), column).not.toBe(column);
  }
});

it('offers the columns that the platform knows, no more and no fewer', () => {
  for (const kind of CSV_KINDS)
    expect([...IMPORT_COLUMNS[kind]].sort()).toEqual([...CSV_COLUMNS[kind]].sort());
});
