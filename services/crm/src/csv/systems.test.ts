import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crmService } from '../app.ts';
import { csvTenant } from './tenant.test-helper.ts';

let crm: TestService;
beforeAll(async () => {
  crm = await testService(crmService);
});
afterAll(() => crm.close());

/** Files with the headings that systems publish (the sources stand in systems.ts) and with people made up here. */
const EXPORTS = [
  {
    system: 'zammad',
    file: [
      'id,name,shared,domain,domain_assignment,active,vip,note,members,Vertrag',
      '7,Anton AG,true,anton.example,false,true,false,"zwei Häuser",a@anton.example~~~b@anton.example,Gold',
      '9,Berta KG,true,,false,false,false,,,',
    ].join('\n'),
    asked: ['Vertrag'],
    first: { name: 'Anton AG', external_id: '7', website: 'https://anton.example', notes: 'zwei Häuser' },
    second: { name: 'Berta KG', status: 'inactive' },
  },
  {
    system: 'itflow',
    file: [
      'Client Name,Industry,Referral,Website,Primary Location Name,Location Phone,Location Address,City,State,Postal Code,Country,Primary Contact Name,Title,Contact Phone,Extension,Contact Mobile,Contact Email,Hourly Rate,Currency,Payment Terms,Tax ID,Abbreviation',
      'Anton AG,Bau,,anton.example,Zentrale,0871 5,Hauptstr. 1a,Landshut,BY,84028,Germany,Anna Anton,Chefin,0871 6,12,0170 1,anna@anton.example,95,EUR,30,,ANT',
      'Berta KG,,,,,,,,,,,Bert Berta,,,,0170 2,,,,,,',
    ].join('\n'),
    asked: [],
    first: {
      ...{ name: 'Anton AG', phone: '0871 5', website: 'https://anton.example' },
      sites: [{ street: 'Hauptstr. 1a', postal_code: '84028', city: 'Landshut', country: 'DE' }],
    },
    second: { name: 'Berta KG', email: null },
  },
  {
    system: 'connectwise',
    file: [
      'Company_RecID,Company_ID,Company_Name,Company_Status_Desc,Company_Type_Desc,PhoneNbr,PhoneNbr_Fax,Website_URL,Account_Nbr,Annual_Revenue,Default_Contact_First_Name,Default_Contact_Last_Name,Default_Contact_Email,Address_Line1,City,State_ID,Zip,Country,Lead_Flag,Last_Update,Userfield_1',
      '250,AntonAG,Anton AG,Active,Client,0871 5,,www.anton.example,4711,0,Anna,Anton,anna@anton.example,Hauptstr. 1a,Landshut,BY,84028,Germany,False,2026-01-02,A',
      '251,BertaKG,Berta KG,Inactive,Client,,,,,0,,,,,,,,,False,2026-01-02,',
    ].join('\r\n'),
    asked: ['Userfield_1'],
    first: {
      ...{ name: 'Anton AG', external_id: 'AntonAG', phone: '0871 5', website: 'https://www.anton.example' },
      sites: [{ street: 'Hauptstr. 1a', postal_code: '84028', city: 'Landshut', country: 'DE' }],
    },
    second: { name: 'Berta KG', status: 'inactive', external_id: 'BertaKG' },
  },
  {
    system: 'autotask',
    file: [
      'Organization ID (updates only),[required] Name,Number,Address 1,Address 2,City,State,Zip Code,Country,Additional Address Information,[required] Phone,Alternate Phone 1,Alternate Phone 2,Fax,Web,[required] Organization Type,Organization Owner,Territory,Active,UDF:Vertrag',
      '174,Anton AG,4711,Hauptstr. 1a,,Landshut,BY,84028,Germany,,0871 5,,,,anton.example,Customer,Muster,Süd,Yes,Gold',
      '175,Berta KG,,,,,,,,,0871 6,,,,,Customer,Muster,,No,',
    ].join('\r\n'),
    asked: ['UDF:Vertrag'],
    first: {
      ...{ name: 'Anton AG', external_id: '174', phone: '0871 5', website: 'https://anton.example' },
      sites: [{ street: 'Hauptstr. 1a', postal_code: '84028', city: 'Landshut', country: 'DE' }],
    },
    second: { name: 'Berta KG', status: 'inactive' },
  },
  {
    system: 'lexware',
    // As its export comes: windows-1252, semicolons.
    encoding: 'latin1',
    file: [
      'Kundennummer;Lieferantennummer;Firmenname;Anrede;Kontakt;Vorname;Nachname;Steuernummer;Umsatzsteuer ID;Adresszusatz 1;Straße 1;PLZ 1;Ort 1;Land 1;Adresszusatz 2;Straße 2;PLZ 2;Ort 2;Land 2;Telefon 1;Telefon 2;E-Mail 1;E-Mail 2;Ansprechpartner 1;Ansprechpartner 1 Anrede;Ansprechpartner 1 Vorname;Ansprechpartner 1 Nachname;Ansprechpartner 1 E-Mail;Ansprechpartner 1 Telefon;Ansprechpartner 2;Ansprechpartner 2 Anrede;Ansprechpartner 2 Vorname;Ansprechpartner 2 Nachname;Ansprechpartner 2 E-Mail;Ansprechpartner 2 Telefon',
      '20001;;Anton AG;;;;;;DE1;;Hauptstr. 1a;84028;Landshut;DE;;;;;;0871 5;;info@anton.example;;;Frau;Änne;Anton;anna@anton.example;0871 6;;;;;;',
      '20002;;;Herr;;Jörg;Müller;;;;;;;;;;;;;;;;;;;;;;;;;;;;',
    ].join('\r\n'),
    asked: [],
    first: {
      ...{ name: 'Anton AG', external_id: '20001', email: 'info@anton.example', phone: '0871 5' },
      sites: [{ street: 'Hauptstr. 1a', postal_code: '84028', city: 'Landshut', country: 'DE' }],
    },
    second: { name: 'Jörg Müller', external_id: '20002' },
  },
  {
    system: 'sevdesk',
    file: [
      '\uFEFFKunden-Nr.;Anrede;Titel;Nachname;Vorname;Organisation;Namenszusatz;Position;Kategorie;IBAN;BIC;Umsatzsteuer-ID;Strasse;PLZ;Ort;Land;Adress-Kategorie;Telefon;Telefon-Kategorie;Mobil;Fax;E-Mail;E-Mail-Kategorie;Webseite;Webseiten-Kategorie;Beschreibung;Geburtstag;Tags;Debitoren/Kreditoren-Nr.',
      '1001;Frau;;Anton;Anna;Anton AG;;Chefin;Kunde;;;;Hauptstr. 1a;84028;Landshut;Deutschland;Arbeit;0871 5;Arbeit;0170 1;;anna@anton.example;Arbeit;anton.example;Arbeit;zwei Häuser;;VIP;',
      '1002;Herr;;Müller;Jörg;;;;Kunde;;;;;;;;;;;;;;;;;;;;',
    ].join('\r\n'),
    asked: [],
    first: {
      ...{ name: 'Anton AG', external_id: '1001', phone: '0871 5', notes: 'zwei Häuser', tags: ['vip'] },
      sites: [{ street: 'Hauptstr. 1a', postal_code: '84028', city: 'Landshut', country: 'DE' }],
    },
    second: { name: 'Jörg Müller' },
  },
  {
    system: 'hubspot',
    file: [
      'Record ID,Company name,Company owner,Create Date,Phone Number,Last Activity Date,Street Address,City,State/Region,Postal Code,Country/Region,Industry,Company Domain Name,Lifecycle Stage,Vertrag',
      '9001,Anton AG,Max Muster,2026-01-02 09:30,0871 5,,Hauptstr. 1a,Landshut,BY,84028,Germany,CONSTRUCTION,anton.example,Customer,Gold',
      '9002,Berta KG,,2026-01-02 09:30,,,,,,,,,,Lead,',
    ].join('\n'),
    asked: ['Vertrag'],
    first: {
      ...{ name: 'Anton AG', external_id: '9001', phone: '0871 5', website: 'https://anton.example' },
      sites: [{ street: 'Hauptstr. 1a', postal_code: '84028', city: 'Landshut', country: 'DE' }],
    },
    second: { name: 'Berta KG', status: 'prospect' },
  },
] as const;

interface Column {
  readonly heading: string;
  readonly by: string;
}
const undecided = (report: { columns: Column[] }) =>
  report.columns.filter(({ by }) => by === 'undecided').map(({ heading }) => heading);
const bytes = (one: (typeof EXPORTS)[number], text: string) =>
  Buffer.from(text, 'encoding' in one ? one.encoding : 'utf8');

describe('an export of', () => {
  it.each(EXPORTS)('$system goes in; the second file of its layout without a question', async (one) => {
    const t = csvTenant(crm);
    const dry = (await t.send(bytes(one, one.file), '?dry_run=true')).body.data;
    expect(dry).toMatchObject({ system: one.system, rows: 2, created: 2, refused: 0, problems: [] });
    // Asked about is what people of that system added themselves, and nothing else.
    expect(undecided(dry)).toEqual(one.asked);
    const headings: string[] = dry.columns.map(({ heading }: Column) => heading);
    if (one.asked.length > 0) {
      const choices = one.asked.map((heading) => ({ heading, column: 'ignore' }));
      const body = { headings, choices };
      const chosen = await crm.call('PATCH', '/api/v1/customers/import-columns', { as: t.as, body });
      expect(chosen.status, chosen.text).toBe(200);
    }
    expect((await t.send(bytes(one, one.file))).body.data).toMatchObject({ created: 2 });
    const list = (await t.list()) as { id: string; name: string }[];
    const byName = async (name: string) => t.get(list.find((row) => row.name === name)!.id);
    expect(await byName(one.first.name)).toMatchObject(one.first);
    expect(await byName(one.second.name)).toMatchObject(one.second);

    // The next month's file: one more of the same layout.
    const later = bytes(one, one.file.replaceAll('Anton AG', 'Anton SE'));
    const second = (await t.send(later, '?dry_run=true')).body.data;
    expect(undecided(second)).toEqual([]);
    expect(second.refused).toBe(0);
    // Sent again as it was it changes nothing.
    const again = (await t.send(bytes(one, one.file))).body.data;
    expect(again).toMatchObject({ unchanged: 2, updated: 0, unconfirmed: 0 });
  });

  it('one of them has its people and places too', async () => {
    const t = csvTenant(crm);
    const of = (system: string) => EXPORTS.find((one) => one.system === system)!;
    const itflow = of('itflow');
    await t.send(itflow.file);
    const people = (await t.sendAs('contacts', itflow.file)).body.data;
    expect(people).toMatchObject({ system: 'itflow', created: 2, refused: 0 });
    expect(undecided(people)).toEqual([]);
    expect(await t.list('contacts')).toMatchObject([
      { name: 'Anna Anton', position: 'Chefin', phone: '0871 6', email: 'anna@anton.example' },
      { name: 'Bert Berta', phone: '0170 2' },
    ]);
    const places = (await t.sendAs('sites', itflow.file, '?dry_run=true')).body.data;
    expect(undecided(places)).toEqual([]);
    // The place came in with the customer, under the name of its city.
    expect(places).toMatchObject({ unconfirmed: 1, refused: 1 });
    expect(places.changes[0]).toMatchObject({
      matched_by: 'address',
      fields: [{ field: 'name', old: 'Landshut', new: 'Zentrale' }],
    });
  });

  it.each([
    ['lexware', { name: 'Änne Anton', phone: '0871 6' }],
    ['connectwise', { name: 'Anna Anton', email: 'anna@anton.example' }],
    ['sevdesk', { name: 'Anna Anton', position: 'Chefin' }],
  ] as const)('%s names people, found by the number of their company there', async (system, person) => {
    const t = csvTenant(crm);
    const one = EXPORTS.find((some) => some.system === system)!;
    await t.send(bytes(one, one.file));
    const done = (await t.sendAs('contacts', bytes(one, one.file))).body.data;
    expect(done).toMatchObject({ system });
    const contacts = (await t.list('contacts')) as { name: string }[];
    expect(contacts.find(({ name }) => name === person.name)).toMatchObject(person);
  });
});
