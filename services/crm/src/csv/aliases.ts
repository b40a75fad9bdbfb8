import type { CSV_COLUMNS, CsvKind } from '@psa/contracts/csv';

/** What else a column may be called, compared without case, accents, spaces and punctuation. */
type Aliases<K extends CsvKind> = Record<(typeof CSV_COLUMNS)[K][number], readonly string[]>;

const CUSTOMER_NUMBER = [
  ...['Kundennummer', 'Kunden-Nr', 'Kundennr', 'Kd.-Nr.', 'KdNummer', 'Kunde Nr', 'Debitor'],
  ...['Debitornummer', 'Debitorennummer', 'Debitor-Nr', 'Debitorenkonto', 'Kundenkonto', 'Kunden-ID'],
  ...['Customer no', 'Customer id', 'Account number', 'Account no'],
];
const COMPANY = [
  ...['Kunde', 'Kundenname', 'Firma', 'Firmenname', 'Unternehmen', 'Organisation', 'Firma 1'],
  ...['Customer', 'Customer name', 'Company', 'Company name', 'Organization', 'Account name'],
  ...['Client', 'Client name'],
];
const EXTERNAL_ID = ['Externe ID', 'Externe Nummer', 'External number', 'Fremdschlüssel', 'Ext ID'];
const FIRST_NAME = ['Vorname', 'First name', 'Firstname', 'Given name'];
const LAST_NAME = ['Nachname', 'Familienname', 'Zuname', 'Last name', 'Lastname', 'Surname', 'Family name'];
const EMAIL = [
  ...['E-Mail-Adresse', 'Mail', 'Mailadresse', 'E-mail address', 'E-Mail 1', 'E-Mail geschäftlich'],
];
const PHONE = [
  ...['Telefon', 'Telefonnummer', 'Tel', 'Tel.-Nr.', 'Fon', 'Rufnummer', 'Telefon 1'],
  ...['Telefon geschäftlich', 'Phone number', 'Telephone', 'Business phone'],
];
const NOTES = [
  ...['Notiz', 'Notizen', 'Bemerkung', 'Bemerkungen', 'Anmerkung', 'Anmerkungen', 'Kommentar', 'Note'],
  ...['Comment', 'Comments', 'Remarks'],
];
const ADDRESS = {
  street: [
    ...['Straße', 'Str', 'Straße und Hausnummer', 'Straße Hausnummer', 'Straße Nr', 'Anschrift', 'Adresse'],
    ...['Straße 1', 'Street address', 'Address', 'Address 1', 'Address line 1'],
  ],
  house_number: ['Hausnummer', 'Haus-Nr', 'Hausnr', 'House no'],
  postal_code: ['PLZ', 'Postleitzahl', 'Zip', 'Zip code', 'Postcode'],
  city: ['Ort', 'Stadt', 'Wohnort', 'Ortschaft', 'Town'],
  country: ['Land', 'Ländercode', 'Länderkennzeichen', 'Staat', 'Country code', 'Country/Region'],
};

export const ALIASES: { readonly [K in CsvKind]: Aliases<K> } = {
  customers: {
    ...ADDRESS,
    customer_number: [...CUSTOMER_NUMBER, 'Number'],
    external_id: EXTERNAL_ID,
    name: [...COMPANY, 'Name 1'],
    first_name: FIRST_NAME,
    last_name: LAST_NAME,
    status: ['Zustand', 'Kundenstatus'],
    email: EMAIL,
    phone: PHONE,
    website: ['Webseite', 'Website', 'Internetseite', 'Internet', 'Web', 'WWW', 'Homepage', 'URL', 'Domain'],
    tags: ['Tag', 'Schlagwort', 'Schlagworte', 'Schlagwörter', 'Stichwort', 'Stichworte', 'Labels'],
    notes: NOTES,
  },
  contacts: {
    customer_number: CUSTOMER_NUMBER,
    customer: COMPANY,
    external_id: [...EXTERNAL_ID, 'Contact id', 'Kontakt-ID'],
    name: [
      'Ansprechpartner',
      'Ansprechpartnerin',
      'Kontakt',
      'Person',
      'Full name',
      'Contact',
      'Contact name',
    ],
    first_name: FIRST_NAME,
    last_name: LAST_NAME,
    email: EMAIL,
    phone: [...PHONE, 'Durchwahl'],
    mobile: ['Mobil', 'Mobiltelefon', 'Mobilnummer', 'Handy', 'Mobile phone', 'Cell', 'Cell phone'],
    position: ['Funktion', 'Rolle', 'Stellung', 'Job title', 'Role', 'Berufsbezeichnung'],
    is_primary: [
      'Hauptansprechpartner',
      'Hauptkontakt',
      'Primär',
      'Primary',
      'Primary contact',
      'Main contact',
    ],
    site: ['Standort', 'Niederlassung', 'Filiale', 'Location', 'Site name', 'Location name'],
    notes: NOTES,
  },
  sites: {
    ...ADDRESS,
    customer_number: CUSTOMER_NUMBER,
    customer: COMPANY,
    name: [
      'Standort',
      'Standortname',
      'Niederlassung',
      'Filiale',
      'Bezeichnung',
      'Site',
      'Location',
      'Location name',
    ],
    time_zone: ['Zeitzone', 'Timezone'],
  },
};
