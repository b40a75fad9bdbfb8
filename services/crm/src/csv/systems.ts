import type { CSV_COLUMNS, CsvKind, CsvSystem } from '@psa/contracts/csv';
import { type Choice, headingKey } from './headings.ts';

/**
 * Exports of other systems, by their headings as published. Where a heading means here what its name says, the names
 * (aliases.ts) know it; this is about the others: those that mean something else in that system, and those that have
 * no place here, so that nobody is asked about them. Fields that people added there are asked about once.
 */
interface Layout<K extends CsvKind = CsvKind> {
  readonly system: CsvSystem;
  readonly kind: K;
  /** A file is of this system when it has all of these. */
  readonly signs: readonly string[];
  readonly columns: Readonly<Record<string, (typeof CSV_COLUMNS)[K][number]>>;
  readonly left_out: readonly string[];
}
const layout = <K extends CsvKind>(one: Layout<K>): Layout => one as unknown as Layout;

/** Of Lexware Office, `Ansprechpartner 1 Vorname` and so on. */
const person = (n: number) =>
  ['', ' Anrede', ' Vorname', ' Nachname', ' E-Mail', ' Telefon'].map(
    (what) => `Ansprechpartner ${n}${what}`,
  );
const LEXWARE_REST = [
  ...['Lieferantennummer', 'Anrede', 'Kontakt', 'Steuernummer', 'Umsatzsteuer ID', 'Adresszusatz 1'],
  ...['Adresszusatz 2', 'Straße 2', 'PLZ 2', 'Ort 2', 'Land 2', 'Telefon 2', 'E-Mail 2'],
];
const SEVDESK_REST = [
  ...['Anrede', 'Titel', 'Namenszusatz', 'Kategorie', 'IBAN', 'BIC', 'Umsatzsteuer-ID', 'Adress-Kategorie'],
  ...['Telefon-Kategorie', 'Fax', 'E-Mail-Kategorie', 'Webseiten-Kategorie', 'Geburtstag'],
  ...['Debitoren/Kreditoren-Nr.'],
];
const AUTOTASK_ORGANIZATION = [
  ...[
    'Address 2',
    'State',
    'Additional Address Information',
    'Alternate Phone 1',
    'Alternate Phone 2',
    'Fax',
  ],
  ...['Organization Owner', 'Parent Organization', 'Market Segment', 'Territory', 'Classification', 'Tax ID'],
  ...['Tax Region', 'Tax Exempt', 'SIC Code', 'Asset Value', 'Competitor', 'Stock Market', 'Stock Symbol'],
];
const CONNECTWISE_REST = [
  ...['Annual_Revenue', 'Billable_Flag', 'Billing_Terms_Desc', 'Billing_Terms_RecID', 'Company_Calendar'],
  ...['Company_Status_RecID', 'Company_Type_Desc', 'Company_Type_RecID', 'Contact_RecID', 'Currency_Desc'],
  ...['Company_RecID', 'Currency_ID', 'Currency_RecID', 'Date_Acquired', 'Date_Entered', 'Delete_Flag'],
  ...['Default_Contact_Email', 'Default_Contact_First_Name', 'Default_Contact_Last_Name', 'Delivery_Method'],
  ...['Due_Days', 'Last_Update', 'Lead_Flag', 'Lead_Source', 'Location', 'Market_Desc', 'Market_RecID'],
  ...['Nbr_Employees', 'Office_Calendar_RecID', 'Owner_Level_RecID', 'OwnershipType', 'Parent_Company_RecID'],
  ...['PhoneNbr_Fax', 'Remit_To_RecID', 'Revenue_Year', 'SIC_Code_ID', 'Tax_Code_Desc', 'Tax_Code_ID'],
  ...['Tax_Code_RecID', 'Time_Zone', 'Time_Zone_RecID', 'Unsubscribe_Flag', 'Updated_By', 'Vendor_Nbr'],
  ...['Address_Line2', 'State_ID', 'Account_Nbr'],
];
const ITFLOW_REST = [
  ...['Industry', 'Referral', 'State', 'Extension', 'Hourly Rate', 'Currency', 'Payment Terms', 'Tax ID'],
  ...['Abbreviation', 'Creation Date'],
];
const HUBSPOT_REST = [
  ...['Company owner', 'Create Date', 'Last Activity Date', 'Last Modified Date', 'Industry', 'State/Region'],
  ...['Street Address 2', 'Number of Employees', 'Annual Revenue', 'LinkedIn Company Page', 'Time Zone'],
  ...['Contact owner', 'Lead Status', 'Marketing contact status', 'Associated Company IDs'],
];

const LAYOUTS: readonly Layout[] = [
  // https://admin-docs.zammad.org/en/latest/manage/organizations/via-csv-import.html
  layout({
    system: 'zammad',
    kind: 'customers',
    signs: ['name', 'shared', 'domain', 'domain_assignment'],
    columns: { id: 'external_id', active: 'status', domain: 'website', note: 'notes' },
    left_out: [
      ...['shared', 'domain_assignment', 'members', 'secondary_members', 'vip', 'created_at', 'updated_at'],
      ...['created_by', 'updated_by', 'last_contact_at'],
    ],
  }),
  // https://admin-docs.zammad.org/en/latest/manage/users/via-csv-import.html
  layout({
    system: 'zammad',
    kind: 'contacts',
    signs: ['login', 'firstname', 'lastname', 'email'],
    columns: { id: 'external_id', organization: 'customer', note: 'notes' },
    left_out: [
      ...[
        'login',
        'web',
        'active',
        'roles',
        'fax',
        'department',
        'street',
        'zip',
        'city',
        'country',
        'address',
      ],
      ...['vip', 'verified', 'last_login', 'out_of_office', 'out_of_office_start_at', 'out_of_office_end_at'],
      ...['out_of_office_replacement', 'created_at', 'updated_at', 'created_by', 'updated_by'],
    ],
  }),
  // github.com/itflow-org/itflow, agent/post/client.php (export of clients), and post/client.php of before
  layout({
    system: 'itflow',
    kind: 'customers',
    signs: ['Client Name', 'Industry', 'Referral', 'Website'],
    columns: {
      'Client Name': 'name',
      'Location Phone': 'phone',
      'Location Address': 'street',
      'Postal Code': 'postal_code',
    },
    left_out: [
      ...ITFLOW_REST,
      ...[
        'Primary Location Name',
        'Location Name',
        'Primary Address',
        'Primary Contact Name',
        'Contact Name',
      ],
      ...['Title', 'Contact Phone', 'Contact Mobile', 'Contact Email'],
    ],
  }),
  layout({
    system: 'itflow',
    kind: 'contacts',
    signs: ['Client Name', 'Industry', 'Referral', 'Contact Email'],
    columns: {
      ...{
        'Client Name': 'customer',
        'Primary Contact Name': 'name',
        'Contact Name': 'name',
        Title: 'position',
      },
      ...{ 'Contact Phone': 'phone', 'Contact Mobile': 'mobile', 'Contact Email': 'email' },
    },
    left_out: [
      ...ITFLOW_REST,
      ...['Website', 'Primary Location Name', 'Location Name', 'Location Phone', 'Location Address', 'City'],
      ...['Postal Code', 'Country', 'Primary Address'],
    ],
  }),
  layout({
    system: 'itflow',
    kind: 'sites',
    signs: ['Client Name', 'Industry', 'Referral', 'Location Address'],
    columns: {
      ...{ 'Client Name': 'customer', 'Primary Location Name': 'name', 'Location Name': 'name' },
      ...{ 'Location Address': 'street', 'Postal Code': 'postal_code' },
    },
    left_out: [
      ...ITFLOW_REST,
      ...['Website', 'Location Phone', 'Primary Contact Name', 'Contact Name', 'Title', 'Contact Phone'],
      ...['Contact Mobile', 'Contact Email'],
    ],
  }),
  // Report "Company": github.com/rjanicek/connectwise-action-api, available-reports.md
  layout({
    system: 'connectwise',
    kind: 'customers',
    signs: ['Company_RecID', 'Company_ID', 'Company_Name'],
    columns: {
      ...{
        Company_ID: 'external_id',
        Company_Name: 'name',
        Company_Status_Desc: 'status',
        PhoneNbr: 'phone',
      },
      ...{
        Website_URL: 'website',
        Custom_Note: 'notes',
        Address_Line1: 'street',
        City: 'city',
        Zip: 'postal_code',
      },
    },
    left_out: CONNECTWISE_REST,
  }),
  layout({
    system: 'connectwise',
    kind: 'contacts',
    signs: ['Company_RecID', 'Company_ID', 'Company_Name', 'Default_Contact_Last_Name'],
    columns: {
      ...{ Company_ID: 'customer_number', Company_Name: 'customer' },
      ...{ Default_Contact_First_Name: 'first_name', Default_Contact_Last_Name: 'last_name' },
      ...{ Default_Contact_Email: 'email' },
    },
    left_out: [
      ...CONNECTWISE_REST.filter((name) => !name.startsWith('Default_Contact')),
      ...[
        'Company_Status_Desc',
        'PhoneNbr',
        'Website_URL',
        'Custom_Note',
        'Address_Line1',
        'City',
        'Zip',
        'Country',
      ],
    ],
  }),
  // https://autotask.net/help/content/4_admin/_UTILITIES_IMPORT/Companies_Import.htm ("Export in Import Template Format")
  layout({
    system: 'autotask',
    kind: 'customers',
    signs: ['Name', 'Number', 'Address 1', 'Zip Code', 'Additional Address Information'],
    columns: {
      ...{
        'Organization ID (updates only)': 'external_id',
        'Organization ID': 'external_id',
        Web: 'website',
      },
      ...{ Active: 'status' },
    },
    left_out: ['Number', 'Organization Type', ...AUTOTASK_ORGANIZATION],
  }),
  // …/_UTILITIES_IMPORT/Contacts_Import.htm
  layout({
    system: 'autotask',
    kind: 'contacts',
    signs: ['Organization ID', 'Organization Name', 'First Name', 'Last Name'],
    columns: {
      ...{ 'Organization ID': 'customer_number', 'Organization Name': 'customer', Title: 'position' },
      ...{
        'Contact ID (updates only)': 'external_id',
        'Contact ID': 'external_id',
        'Primary Contact': 'is_primary',
      },
      ...{ 'Email Address': 'email', 'Mobile Phone': 'mobile' },
    },
    left_out: [
      ...[
        'External ID',
        'Prefix',
        'Suffix',
        'Middle Name',
        'Middle Initial',
        'Extension',
        'Alternate Phone',
        'Fax',
      ],
      ...['Address 1', 'Address 2', 'City', 'State', 'Zip Code', 'Country', 'Additional Address Information'],
      ...['Active', 'Contact Group Name', 'New Email Address', 'Email Invoices', 'Organization Location'],
    ],
  }),
  // …/_UTILITIES_IMPORT/CompanyLocation_Import.htm
  layout({
    system: 'autotask',
    kind: 'sites',
    signs: ['Name', 'Organization', 'Primary Location', 'Address 1'],
    columns: { Name: 'name', Organization: 'customer', 'Organization ID': 'customer_number' },
    left_out: [
      ...['Primary Location', 'Address 2', 'State', 'Additional Address Information', 'Description', 'Phone'],
      ...['Alternate Phone 1', 'Alternate Phone 2', 'Fax', 'Active'],
    ],
  }),
  // https://support.lexoffice.de/de-form/articles/2112664 (columns of the contacts' import and export)
  layout({
    system: 'lexware',
    kind: 'customers',
    signs: ['Kundennummer', 'Firmenname', 'Straße 1', 'PLZ 1', 'Ort 1'],
    columns: {
      ...{
        Firmenname: 'name',
        'Straße 1': 'street',
        'PLZ 1': 'postal_code',
        'Ort 1': 'city',
        'Land 1': 'country',
      },
      ...{ 'Telefon 1': 'phone', 'E-Mail 1': 'email' },
    },
    left_out: [...LEXWARE_REST, ...person(1), ...person(2)],
  }),
  layout({
    system: 'lexware',
    kind: 'contacts',
    signs: ['Kundennummer', 'Firmenname', 'Ansprechpartner 1 Nachname'],
    columns: {
      ...{ Kundennummer: 'customer_number', Firmenname: 'customer' },
      ...{ 'Ansprechpartner 1 Vorname': 'first_name', 'Ansprechpartner 1 Nachname': 'last_name' },
      ...{ 'Ansprechpartner 1 E-Mail': 'email', 'Ansprechpartner 1 Telefon': 'phone' },
    },
    left_out: [
      ...LEXWARE_REST,
      ...['Vorname', 'Nachname', 'Straße 1', 'PLZ 1', 'Ort 1', 'Land 1', 'Telefon 1', 'E-Mail 1', 'Notiz'],
      ...['Ansprechpartner 1', 'Ansprechpartner 1 Anrede', ...person(2)],
    ],
  }),
  // The template of sevdesk's import of contacts (Einstellungen → System → Kontakte importieren)
  layout({
    system: 'sevdesk',
    kind: 'customers',
    signs: ['Kunden-Nr.', 'Organisation', 'Namenszusatz', 'Kategorie'],
    columns: { Organisation: 'name', Beschreibung: 'notes', Strasse: 'street' },
    left_out: [...SEVDESK_REST, 'Position', 'Mobil'],
  }),
  layout({
    system: 'sevdesk',
    kind: 'contacts',
    signs: ['Kunden-Nr.', 'Organisation', 'Namenszusatz', 'Kategorie'],
    columns: { Organisation: 'customer', Beschreibung: 'notes' },
    left_out: [...SEVDESK_REST, 'Strasse', 'PLZ', 'Ort', 'Land', 'Webseite', 'Tags'],
  }),
  // https://knowledge.hubspot.com (default properties of companies and contacts, by which exports are headed)
  layout({
    system: 'hubspot',
    kind: 'customers',
    signs: ['Record ID', 'Company name'],
    columns: {
      ...{ 'Record ID': 'external_id', 'Company Domain Name': 'website', 'Lifecycle Stage': 'status' },
      ...{ 'Postal Code': 'postal_code', Description: 'notes' },
    },
    left_out: [...HUBSPOT_REST, 'Website URL', 'About Us', 'Type'],
  }),
  layout({
    system: 'hubspot',
    kind: 'contacts',
    signs: ['Record ID', 'First Name', 'Last Name', 'Email'],
    columns: {
      ...{ 'Record ID': 'external_id', 'Associated Company': 'customer', 'Company Name': 'customer' },
      ...{ 'Mobile Phone Number': 'mobile' },
    },
    left_out: [
      ...HUBSPOT_REST,
      'Lifecycle Stage',
      'City',
      'Postal Code',
      'Country/Region',
      'Street Address',
      'Website URL',
    ],
  }),
];

const KNOWN = LAYOUTS.map(({ system, kind, signs, columns, left_out }) => ({
  name: system,
  kind,
  signs: signs.map(headingKey),
  columns: new Map<string, Choice>([
    ...left_out.map((name) => [headingKey(name), 'ignore'] as const),
    ...Object.entries(columns).map(([name, column]) => [headingKey(name), column] as const),
  ]),
}));

/** The system whose export has these headings, and what it means by them; null when it is none that is known. */
export function systemOf(kind: CsvKind, keys: ReadonlySet<string>) {
  return KNOWN.find((one) => one.kind === kind && one.signs.every((sign) => keys.has(sign))) ?? null;
}

/** True for a heading that some system's export of this kind has. */
export const isOfSystem = (kind: CsvKind, key: string): boolean =>
  KNOWN.some((one) => one.kind === kind && one.columns.has(key));
