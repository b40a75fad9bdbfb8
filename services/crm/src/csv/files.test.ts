import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crmService } from '../app.ts';
import { csvTenant } from './tenant.test-helper.ts';

let crm: TestService;
beforeAll(async () => {
  crm = await testService(crmService);
});
afterAll(() => crm.close());

const tenant = () => csvTenant(crm);

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
    ['a title of several cells', 'Kundenliste;Stand 1.3.2026\r\n\r\nname;email\r\nA;a@a.example\r\n', ';'],
    ['quotation marks apart', '"name"; "email"\r\n"A" ; "a@a.example"\r\n', ';'],
    ['a title over it', 'Kundenliste, Stand 1.3.2026\r\n\r\nname;email\r\nA;a@a.example\r\n', ';'],
    ['commas in its names', 'Firma, Name;E-Mail\r\nA;a@a.example\r\n', ';'],
    ['quotes around delimiters', '"name";"Vermerk, intern";"E-Mail"\r\nA;x;a@a.example\r\n', ';'],
    ['one column', 'name\nA\n', ','],
    ['carriage returns alone', 'name;email\rA;a@a.example\r', ';'],
    ['blank lines of carriage returns alone', '\r\rname;email\rA;a@a.example\r', ';'],
    ['line breaks in its names', '"name";"E-Mail\nAdresse"\r\nA;a@a.example\r\n', ';'],
  ])('is found with %s', async (_what, file, delimiter) => {
    const t = tenant();
    if (file.startsWith('Firma, Name'))
      await t.choose('Firma, Name;E-Mail', [{ heading: 'Firma, Name', column: 'name' }]);
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

describe('a file of nothing but blanks and what divides cells', () => {
  it.each([' ; ;\r\n;;\r\n', ',,\n', '|\t;\n'])('%j is empty', async (file) => {
    const answer = await tenant().send(file, '?dry_run=true');
    expect([answer.status, answer.body.error?.details[0].code]).toEqual([400, 'empty']);
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
    ['UTF-16 without a mark, called UTF-8', wide('be', false), 'utf-16be', 'guessed', ';charset=utf-8'],
    ['UTF-16 without a mark, the other way round', wide('be', false), 'utf-16be', 'guessed', ''],
    [
      'UTF-16 the other way round, as the request says',
      wide('be', false),
      'utf-16be',
      'charset',
      ';charset=utf-16be',
    ],
  ])('%s is read, and said', async (_what, file, encoding, encoding_from, parameter) => {
    const t = tenant();
    const dry = await t.send(file, '?dry_run=true', `text/csv${parameter}`);
    expect(dry.body.data).toMatchObject({ encoding, encoding_from, rows: 2, created: 2, refused: 0 });
    await t.send(file, '', `text/csv${parameter}`);
    expect(await t.names()).toEqual(names);
  });

  it('of two bytes a letter is told where some letters have their zero in the other place', async () => {
    const le = Buffer.from('Firma;Ort\r\nĀboliņš SIA;Rīga\r\n', 'utf16le');
    for (const file of [le, Buffer.from(le).swap16()]) {
      const t = tenant();
      expect((await t.send(file)).body.data).toMatchObject({ created: 1, refused: 0 });
      expect(await t.names()).toEqual(['Āboliņš SIA']);
    }
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
        id: known.id,
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
