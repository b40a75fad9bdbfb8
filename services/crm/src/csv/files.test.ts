import { randomUUID } from 'node:crypto';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crmService } from '../app.ts';

let crm: TestService;
beforeAll(async () => {
  crm = await testService(crmService);
});
afterAll(() => crm.close());

const url = '/api/v1/customers';
/** A tenant of its own; files are sent as a browser sends them, without a charset. */
function tenant() {
  const tid = randomUUID();
  const as = { tid };
  return {
    tid,
    async send(body: string | Buffer, query = '', type = 'text/csv') {
      const token = await crm.tokens.issue({ tid, role: 'system_admin' });
      const answer = await crm.app.inject({
        method: 'POST',
        url: `${url}/import-csv${query}`,
        headers: { authorization: `Bearer ${token}`, 'content-type': type },
        payload: body,
      });
      return { status: answer.statusCode, body: JSON.parse(answer.body) };
    },
    create: async (body: object) => (await crm.call('POST', url, { as, body })).body.data,
    get: async (id: string) => (await crm.call('GET', `${url}/${id}?include=sites`, { as })).body.data,
    names: async () =>
      (await crm.call('GET', `${url}?limit=100&sort=customer_number`, { as })).body.data.map(
        (row: { name: string }) => row.name,
      ),
    choose: (choices: object[]) => crm.call('PATCH', `${url}/import-columns`, { as, body: { choices } }),
    choices: () => crm.call('GET', `${url}/import-columns`, { as }),
    events: async () => (await crm.outbox()).filter((event) => event.tenant_id === tid),
  };
}
const row = (report: { columns: { heading: string }[] }, heading: string) =>
  report.columns.find((column) => column.heading === heading);

describe('the heading of a file', () => {
  it.each([
    ['blank lines before it', '\r\nname;email\r\nA;a@a.example\r\n', ';'],
    ['many blank lines and spaces before it', '\n \n\r\n;;\nname;email\nA;a@a.example\n', ';'],
    ['a byte order mark and blank lines', '\uFEFF\r\n\r\nname,email\r\nA,a@a.example\r\n', ','],
    ['tabs', 'name\temail\tphone\nA\ta@a.example\t0871\n', '\t'],
    ['pipes', 'name|email\nA|a@a.example\n', '|'],
    ['sep=;', 'sep=;\r\nname;email\r\nA;a@a.example\r\n', ';'],
    ['a mark, sep=, and commas', '\uFEFFsep=,\r\nname,email\r\nA,a@a.example\r\n', ','],
    ['sep=^', '"sep=^"\r\nname^email\r\nA^a@a.example\r\n', '^'],
    ['a surplus cell', 'name;email;\r\nA;a@a.example;\r\n', ';'],
    ['many surplus cells, rows without them', 'name;email;;;;\r\nA;a@a.example\r\n', ';'],
    ['surplus cells before and between', ';name;;email\r\n;A;;a@a.example\r\n', ';'],
    ['a title over it', 'Kundenliste, Stand 1.3.2026\r\n\r\nname;email\r\nA;a@a.example\r\n', ';'],
    ['commas in its names', 'Firma, Name;E-Mail\r\nA;a@a.example\r\n', ';'],
    ['quotes around delimiters', '"name";"Vermerk, intern";"E-Mail"\r\nA;x;a@a.example\r\n', ';'],
    ['one column', 'name\nA\n', ','],
  ])('is found with %s', async (_what, file, delimiter) => {
    const t = tenant();
    if (file.startsWith('Firma, Name')) await t.choose([{ heading: 'Firma, Name', column: 'name' }]);
    const dry = await t.send(file, '?dry_run=true');
    expect(dry.status, JSON.stringify(dry.body)).toBe(200);
    expect(dry.body.data).toMatchObject({ rows: 1, created: 1, refused: 0, delimiter });
    expect((await t.send(file)).body.data).toMatchObject({ created: 1 });
    expect(await t.names()).toEqual(['A']);
  });

  it('without a word leaves no place for text: such a row is refused and named', async () => {
    const t = tenant();
    const { body } = await t.send('name;notes;\r\nA;x; y;\r\nB;x;y\r\nC;x;\r\n');
    expect(body.data.problems).toEqual([
      {
        line: 2,
        field: null,
        code: 'no_heading',
        message: 'has text in column 3, which has no heading',
        values: { column: 3 },
      },
      {
        line: 3,
        field: null,
        code: 'no_heading',
        message: 'has text in column 3, which has no heading',
        values: { column: 3 },
      },
    ]);
    expect(await t.names()).toEqual(['C']);
  });
});

describe('the encoding of a file', () => {
  const german = 'Firma;Ort\r\nMüller & Söhne GmbH;Gießen\r\nÄrztehaus Ödön;Überlingen\r\n';
  const names = ['Müller & Söhne GmbH', 'Ärztehaus Ödön'];
  const bytes = (map: Record<string, number>) =>
    Buffer.from([...german].map((c) => map[c] ?? c.charCodeAt(0)));
  const wide = (order: 'le' | 'be', mark: boolean) => {
    const le = Buffer.from(`${mark ? '\uFEFF' : ''}${german}`, 'utf16le');
    return order === 'le' ? le : le.swap16();
  };
  it.each([
    [
      'windows-1252 as the request says',
      Buffer.from(german, 'latin1'),
      'windows-1252',
      'charset',
      '; charset=windows-1252',
    ],
    [
      'ISO-8859-1 as the request says',
      Buffer.from(german, 'latin1'),
      'windows-1252',
      'charset',
      ';charset="ISO-8859-1"',
    ],
    ['windows-1252', Buffer.from(german, 'latin1'), 'windows-1252', 'guessed', ''],
    [
      'code page 850',
      bytes({ ü: 0x81, ö: 0x94, ß: 0xe1, Ä: 0x8e, Ö: 0x99, Ü: 0x9a, é: 0x82 }),
      'ibm850',
      'guessed',
      '',
    ],
    [
      'Macintosh',
      bytes({ ü: 0x9f, ö: 0x9a, ß: 0xa7, Ä: 0x80, Ö: 0x85, Ü: 0x86 }),
      'macintosh',
      'guessed',
      '',
    ],
    ['UTF-8', Buffer.from(german), 'utf-8', 'guessed', ''],
    ['UTF-8 with a mark', Buffer.from(`\uFEFF${german}`), 'utf-8', 'mark', ''],
    ['UTF-16 with a mark', wide('le', true), 'utf-16le', 'mark', ''],
    ['UTF-16 the other way round', wide('be', true), 'utf-16be', 'mark', ''],
    ['UTF-16 with a mark whatever the request says', wide('le', true), 'utf-16le', 'mark', '; charset=utf-8'],
    ['UTF-16 without a mark', wide('le', false), 'utf-16le', 'guessed', ''],
  ])('%s is read, and said', async (_what, file, encoding, encoding_from, parameter) => {
    const t = tenant();
    const dry = await t.send(file, '?dry_run=true', `text/csv${parameter}`);
    expect(dry.body.data).toMatchObject({ encoding, encoding_from, rows: 2, created: 2, refused: 0 });
    await t.send(file, '', `text/csv${parameter}`);
    expect(await t.names()).toEqual(names);
  });

  it('that nobody knows is refused by name', async () => {
    const answer = await tenant().send('name\nA\n', '', 'text/csv; charset=klingon');
    expect(answer.status).toBe(400);
    expect(answer.body.error.details[0].field).toBe('content-type');
  });
});

describe('an import into customers that are there', () => {
  it('never erases: an empty cell changes nothing, the preview shows old and new, a name alone is confirmed', async () => {
    const t = tenant();
    const known = await t.create({
      name: 'Bestand GmbH',
      phone: '0871 1',
      notes: 'wichtig',
      email: 'alt@bestand.example',
      website: 'https://bestand.example',
      tags: ['vip'],
    });
    const file =
      'Firma;Telefon;Notizen;E-Mail;Webseite;Schlagwörter;Status\r\nBestand GmbH;;gibt es schon;  ;;;\r\n';
    const dry = (await t.send(file, '?dry_run=true')).body.data;
    expect(dry).toMatchObject({
      rows: 1,
      taken: 0,
      updated: 0,
      unconfirmed: 1,
      refused: 0,
      changes_total: 1,
    });
    expect(dry.changes).toEqual([
      {
        line: 2,
        customer_id: known.id,
        customer_number: known.customer_number,
        name: 'Bestand GmbH',
        matched_by: 'name',
        to_confirm: true,
        fields: [{ field: 'notes', old: 'wichtig', new: 'gibt es schon' }],
      },
    ]);
    expect((await t.send(file)).body.data).toMatchObject({ taken: 0, unconfirmed: 1 });
    expect(await t.get(known.id)).toMatchObject({ notes: 'wichtig', version: 1 });
    expect((await t.send(file, '?confirm=3')).body.data).toMatchObject({ unconfirmed: 1 });

    const done = await t.send(file, '?confirm=2');
    expect(done.body.data).toMatchObject({ updated: 1, unconfirmed: 0 });
    expect(await t.get(known.id)).toMatchObject({
      phone: '0871 1',
      notes: 'gibt es schon',
      email: 'alt@bestand.example',
      website: 'https://bestand.example',
      tags: ['vip'],
      status: 'active',
      version: 2,
    });
    // What says nothing new needs nobody's word.
    expect((await t.send(file)).body.data).toMatchObject({ unchanged: 1, unconfirmed: 0 });
    expect((await t.send(file, '?confirm=everything')).body.error.details[0].field).toBe('confirm');
  });

  it('asks too where a number of ours stands beside another name', async () => {
    const t = tenant();
    const known = await t.create({ name: 'Unser Kunde', phone: '1' });
    const file = `Kundennummer;Firma;Telefon\n${known.customer_number};Ein anderer;2\n`;
    const dry = (await t.send(file, '?dry_run=true')).body.data;
    expect(dry).toMatchObject({ updated: 0, unconfirmed: 1 });
    expect(dry.changes[0].fields).toEqual([
      { field: 'name', old: 'Unser Kunde', new: 'Ein anderer' },
      { field: 'phone', old: '1', new: '2' },
    ]);
    expect((await t.send(file, '?confirm=all')).body.data).toMatchObject({ updated: 1 });
    const shown = `Kundennummer;Firma;Telefon\nK${known.customer_number};Ein anderer;3\n`;
    expect((await t.send(shown)).body.data).toMatchObject({ updated: 1, unconfirmed: 0 });
  });

  it('needs no name where a number says who it is', async () => {
    const t = tenant();
    const known = await t.create({ name: 'Nur Nummer' });
    const { body } = await t.send(`Kundennummer;Telefon\n${known.customer_number};5\nX-9;6\n`);
    expect(body.data).toMatchObject({ updated: 1, refused: 1 });
    expect(body.data.problems).toEqual([
      { line: 3, field: 'name', code: 'required', message: 'is required for a new customer' },
    ]);
    expect((await t.get(known.id)).phone).toBe('5');
  });
});

describe('headings of other systems', () => {
  const file = [
    'Kd.-Nr.;Firma;Straße;Hausnummer;PLZ;Ort;Land;Umsatz;Firma 2;Telefon',
    'D-4711;Anton AG;Hauptstr.;1a;84028;Landshut;Deutschland;12000;Zweigstelle;0871 5',
    '4712;Berta KG;Am Weg 2;;A-1010;Wien;Österreich;8;;',
  ].join('\r\n');

  it('are taken where they are known; numbers of their own are kept, addresses become sites', async () => {
    const t = tenant();
    const dry = await t.send(file, '?dry_run=true');
    expect(dry.status).toBe(200);
    expect(dry.body.data).toMatchObject({ rows: 2, created: 2, refused: 0 });
    expect(row(dry.body.data, 'Kd.-Nr.')).toMatchObject({ column: 'customer_number', by: 'heading' });
    expect(row(dry.body.data, 'Umsatz')).toEqual({
      heading: 'Umsatz',
      column: null,
      by: 'undecided',
      sample: '12000',
    });
    expect(row(dry.body.data, 'Firma 2')).toMatchObject({
      column: null,
      by: 'undecided',
      sample: 'Zweigstelle',
    });
    await t.send(file);
    const list = await crm.call('GET', `${url}?include=sites&sort=customer_number`, { as: { tid: t.tid } });
    expect(list.body.data).toMatchObject([
      {
        name: 'Anton AG',
        external_id: 'D-4711',
        source: 'csv',
        sites: [
          { name: 'Landshut', street: 'Hauptstr. 1a', postal_code: '84028', city: 'Landshut', country: 'DE' },
        ],
      },
      {
        name: 'Berta KG',
        external_id: '4712',
        sites: [{ street: 'Am Weg 2', postal_code: 'A-1010', city: 'Wien', country: 'AT' }],
      },
    ]);
    expect((await t.events()).map((event) => event.type).sort()).toEqual([
      'customer.created.v1',
      'customer.created.v1',
      'site.created.v1',
      'site.created.v1',
    ]);
    // Sent again it changes nothing, found by those numbers.
    expect((await t.send(file)).body.data).toMatchObject({ unchanged: 2, unconfirmed: 0 });
    const moved = file.replace('Am Weg 2', 'Ring 3');
    const change = (await t.send(moved, '?dry_run=true')).body.data.changes;
    expect(change).toMatchObject([
      {
        matched_by: 'external_id',
        to_confirm: false,
        fields: [{ field: 'street', old: 'Am Weg 2', new: 'Ring 3' }],
      },
    ]);
    await t.send(moved);
    expect((await t.get(list.body.data[1].id)).sites).toMatchObject([{ street: 'Ring 3', city: 'Wien' }]);
  });

  it('are mapped or left out by choice, which is remembered for the tenant alone, and can be forgotten', async () => {
    const t = tenant();
    const unknown = 'Bezeichnung;Umsatz;Hinweis\nAnton AG;12000;nett\n';
    const dry = await t.send(unknown, '?dry_run=true');
    expect(dry.status).toBe(200);
    expect(dry.body.data).toMatchObject({ rows: 1, taken: 0, refused: 1 });
    expect(dry.body.data.problems).toEqual([
      { line: 1, field: 'header', code: 'no_name_column', message: 'there is no column "name"' },
    ]);
    expect(dry.body.data.columns.map((c: { by: string }) => c.by)).toEqual(Array(3).fill('undecided'));
    expect((await t.send(unknown)).body.error.details[0].field).toBe('header');

    const chosen = await t.choose([
      { heading: 'Bezeichnung', column: 'name' },
      { heading: 'HINWEIS', column: 'notes' },
      { heading: 'Umsatz', column: 'ignore' },
    ]);
    expect(chosen.status, chosen.text).toBe(200);
    const again = (await t.send(unknown)).body.data;
    expect(again).toMatchObject({ created: 1 });
    expect(again.columns.map((c: { column: string; by: string }) => [c.column, c.by])).toEqual([
      ['name', 'choice'],
      [null, 'choice'],
      ['notes', 'choice'],
    ]);
    expect((await t.choices()).body.data.choices).toEqual([
      { heading: 'Bezeichnung', column: 'name' },
      { heading: 'HINWEIS', column: 'notes' },
      { heading: 'Umsatz', column: 'ignore' },
    ]);
    expect((await t.events()).map((event) => event.data.action)).toContain('customers.import_columns_chosen');
    expect((await tenant().choices()).body.data.choices).toEqual([]);

    // A choice goes before what a heading says by itself.
    await t.choose([
      { heading: 'Bezeichnung', column: 'ask' },
      { heading: 'Kundennummer', column: 'external_id' },
    ]);
    expect((await t.send('Kundennummer;Firma\n10001;Berta\n')).body.data).toMatchObject({ created: 1 });
    expect((await t.choices()).body.data.choices.map((c: { heading: string }) => c.heading)).toEqual([
      'HINWEIS',
      'Kundennummer',
      'Umsatz',
    ]);
    const wrong = await t.choose([{ heading: 'X', column: 'nonsense' }]);
    expect(wrong.body.error.details[0].field).toBe('choices[0].column');
    const technician = await crm.call('PATCH', `${url}/import-columns`, {
      as: { tid: t.tid, role: 'technician_l1' },
      body: { choices: [{ heading: 'X', column: 'name' }] },
    });
    expect(technician.status).toBe(403);
  });

  it("do not mistake another system's number for the id of a third system", async () => {
    const t = tenant();
    await crm.call('POST', `${url}/import`, {
      as: { tid: t.tid },
      body: { source: 'zammad', customers: [{ external_id: '12', name: 'Aus dem alten System' }] },
    });
    expect((await t.send('Kundennummer;Firma\n12;Anton\n')).body.data).toMatchObject({ created: 1 });
    expect(await t.names()).toEqual(['Aus dem alten System', 'Anton']);
  });
});
