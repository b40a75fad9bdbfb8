import { CSV_COLUMNS } from '@psa/contracts/crm';
import { foldText } from '@psa/domain/text';

export type Column = (typeof CSV_COLUMNS)[number];

/** Columns that are the address of a site of the customer; the export, of customers alone, has the others. */
const OF_SITE: ReadonlySet<Column> = new Set(['street', 'house_number', 'postal_code', 'city', 'country']);
type OfCustomer = Exclude<Column, 'street' | 'house_number' | 'postal_code' | 'city' | 'country'>;
export const EXPORTED = CSV_COLUMNS.filter((column): column is OfCustomer => !OF_SITE.has(column));

/** What else a column may be called, compared without case, accents, spaces and punctuation. */
const ALIASES: Record<Column, readonly string[]> = {
  customer_number: [
    ...['Kundennummer', 'Kunden-Nr', 'Kundennr', 'Kd.-Nr.', 'KdNummer', 'Kunde Nr', 'Debitor'],
    ...['Debitornummer', 'Debitorennummer', 'Debitor-Nr', 'Debitorenkonto', 'Kundenkonto', 'Kunden-ID'],
    ...['Customer no', 'Customer id', 'Number', 'Account number', 'Account no'],
  ],
  external_id: ['Externe ID', 'Externe Nummer', 'External number', 'Fremdschlüssel', 'Ext ID'],
  name: [
    ...['Kunde', 'Kundenname', 'Firma', 'Firmenname', 'Unternehmen', 'Organisation', 'Name 1', 'Firma 1'],
    ...['Customer', 'Customer name', 'Company', 'Company name', 'Organization', 'Account name'],
  ],
  status: ['Zustand', 'Kundenstatus', 'State'],
  email: ['E-Mail-Adresse', 'Mail', 'Mailadresse', 'E-mail address', 'E-Mail 1', 'E-Mail geschäftlich'],
  phone: [
    ...[
      'Telefon',
      'Telefonnummer',
      'Tel',
      'Tel.-Nr.',
      'Fon',
      'Rufnummer',
      'Telefon 1',
      'Telefon geschäftlich',
    ],
    ...['Phone number', 'Telephone', 'Business phone'],
  ],
  website: ['Webseite', 'Website', 'Internetseite', 'Internet', 'Web', 'WWW', 'Homepage', 'URL', 'Domain'],
  tags: ['Tag', 'Schlagwort', 'Schlagworte', 'Schlagwörter', 'Stichwort', 'Stichworte', 'Labels'],
  notes: [
    ...['Notiz', 'Notizen', 'Bemerkung', 'Bemerkungen', 'Anmerkung', 'Anmerkungen', 'Kommentar', 'Note'],
    ...['Comment', 'Comments', 'Remarks'],
  ],
  street: [
    ...['Straße', 'Str', 'Straße und Hausnummer', 'Straße Hausnummer', 'Straße Nr', 'Anschrift', 'Adresse'],
    ...['Straße 1', 'Street address', 'Address', 'Address 1', 'Address line 1'],
  ],
  house_number: ['Hausnummer', 'Haus-Nr', 'Hausnr', 'House no'],
  postal_code: ['PLZ', 'Postleitzahl', 'Zip', 'Zip code', 'Postcode'],
  city: ['Ort', 'Stadt', 'Wohnort', 'Ortschaft', 'Town'],
  country: ['Land', 'Ländercode', 'Länderkennzeichen', 'Staat', 'Country code'],
};

/** Headings and choices are the same when only case, accents, spaces or punctuation differ. */
export const headingKey = (text: string) =>
  foldText(text).replace(/[^\p{L}\p{N}]/gu, '') || text.trim().toLowerCase();
const BY_NAME = new Map<string, Column>(
  CSV_COLUMNS.flatMap((column) =>
    [column, ...ALIASES[column]].map((name) => [headingKey(name), column] as const),
  ),
);

/** What was chosen for a heading: a column, or that it is left out. */
export type Choice = Column | 'ignore';
/** Choices by {@link headingKey}. */
export type Choices = ReadonlyMap<string, Choice>;

/** One cell of the heading and what becomes of the cells below it. */
export interface Heading {
  /** As it stands in the file, without space around it; empty for a surplus cell. */
  readonly heading: string;
  /** Null: its cells are not taken. */
  readonly column: Column | null;
  /** Why: the heading says so, somebody chose it, or nobody has chosen yet. */
  readonly by: 'heading' | 'choice' | 'undecided' | 'empty';
}

/** True for a heading that needs no choice. */
export const isKnownHeading = (choices: Choices) => (cell: string) => {
  const choice = choices.get(headingKey(cell));
  return choice === undefined ? BY_NAME.has(headingKey(cell)) : choice !== 'ignore';
};

/**
 * What each column of a file is. Choices go before names, so that a heading that means something else here can be
 * told so; the first of two headings for the same column is taken, and the other left for a choice.
 */
export function readHeading(cells: readonly string[], choices: Choices): Heading[] {
  const taken = new Set<Column>();
  const claim = (column: Column): Column | null => {
    if (taken.has(column)) return null;
    taken.add(column);
    return column;
  };
  const keys = cells.map(headingKey);
  const chosen = keys.map((key) => {
    const choice = key === '' ? undefined : choices.get(key);
    return choice === undefined || choice === 'ignore' ? choice : (claim(choice) ?? undefined);
  });
  return cells.map((cell, i): Heading => {
    const heading = cell.trim();
    if (keys[i] === '') return { heading, column: null, by: 'empty' };
    const choice = chosen[i];
    if (choice !== undefined) return { heading, column: choice === 'ignore' ? null : choice, by: 'choice' };
    const named = BY_NAME.get(keys[i]!);
    const column = named === undefined ? null : claim(named);
    return { heading, column, by: column === null ? 'undecided' : 'heading' };
  });
}
