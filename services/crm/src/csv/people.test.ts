import { randomUUID } from 'node:crypto';
import { systemContext } from '@psa/service-kit/context';
import { type TestService, testService } from '@psa/test-kit/service';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crmService } from '../app.ts';
import { customerImporter } from './customers/apply.ts';
import { CHUNK } from './import.ts';
import { csvTenant } from './tenant.test-helper.ts';

let crm: TestService;
beforeAll(async () => {
  crm = await testService(crmService);
});
afterAll(() => crm.close());

const lines = (problems: { line: number; field: string | null; code: string }[]) =>
  problems.map(({ line, field, code }) => [line, field, code]);
const exported = (tid: string, kind: string, query = '', claims = {}) =>
  crm.call('GET', `/api/v1/${kind}/export.csv${query}`, { as: { tid, ...claims } });

describe('contacts from a file', () => {
  it('are taken under the customer that their row names; every bad row says why', async () => {
    const t = csvTenant(crm, 'contacts');
    const anton = await t.create({ name: 'Anton AG' });
    for (const name of ['Zwilling', 'Zwilling']) await t.create({ name });
    await crm.call('POST', '/api/v1/sites', { as: t.as, body: { customer_id: anton.id, name: 'Werk 2' } });
    const file = [
      'Kundennummer;Firma;Vorname;Nachname;E-Mail;Telefon;Mobil;Funktion;Hauptansprechpartner;Standort;Umsatz',
      `K${anton.customer_number};;Anna;Anton;ANNA@müller.example;;0170 1;Chefin;ja;werk 2;1`,
      ';anton ag;Bert;Berta;bert@anton.example;0871 2;0170 2;;nein;;',
      ';Zwilling;Zoe;Zwei;;;;;;;',
      ';Niemand;Nora;Nie;;;;;;;',
      `${anton.customer_number};Zwilling;Karl;Krumm;;;;;;;`,
      ';;Ohne;Kunde;;;;;;;',
      ';Anton AG;;;info@anton.example;;;;;;',
      ';Anton AG;Fritz;Falsch;keine-mail;;;;;;',
      ';Anton AG;Otto;Ort;;;;;;Werk 9;',
      ';Anton AG;Max;Main;;;;;ja;;',
      ';Anton AG;Vera;Vielleicht;;;;;vielleicht;;',
      ';Anton AG;Bert;Berta;bert@anton.example;;;;;;',
      'K99999;;Gerd;Gone;;;;;;;',
    ].join('\r\n');
    const dry = (await t.send(file, '?dry_run=true')).body.data;
    expect(lines(dry.problems)).toEqual([
      [4, 'customer', 'ambiguous'],
      [5, 'customer', 'not_found'],
      [6, 'customer', 'contradicts'],
      [7, 'customer', 'required'],
      [8, 'name', 'required'],
      [9, 'email', 'wrong_form'],
      [10, 'site', 'not_found'],
      [11, 'is_primary', 'duplicate'],
      [12, 'is_primary', 'unknown_value'],
      [13, null, 'same_entry'],
      [14, 'customer_number', 'not_found'],
    ]);
    expect(await t.list()).toEqual([]);
    const done = (await t.send(file)).body.data;
    expect(done).toEqual({ ...dry, dry_run: false });
    expect(done).toMatchObject({ rows: 13, created: 2, refused: 11 });
    const { contacts, sites } = await t.get(anton.id);
    expect(contacts).toMatchObject([
      {
        ...{ name: 'Anna Anton', email: 'anna@müller.example', phone: '0170 1', position: 'Chefin' },
        ...{ is_primary: true, site_id: sites[0].id },
      },
      { name: 'Bert Berta', email: 'bert@anton.example', phone: '0871 2', is_primary: false, site_id: null },
    ]);
    expect((await t.events()).filter(({ type }) => type === 'contact.created.v1')).toHaveLength(2);
    expect((await t.send(file)).body.data).toMatchObject({ created: 0, unchanged: 2, updated: 0 });
    const found = await crm.call('GET', '/api/v1/contacts?search=anna@xn--mller-kva.example', { as: t.as });
    expect(found.body.data).toMatchObject([{ name: 'Anna Anton' }]);
  });

  it('change who is there: an empty cell nothing, a doubt only when it is confirmed', async () => {
    const t = csvTenant(crm, 'contacts');
    const { id, customer_number } = await t.create({ name: 'Anton AG' });
    const add = (body: object) =>
      crm.call('POST', '/api/v1/contacts', { as: t.as, body: { customer_id: id, ...body } });
    await add({
      name: 'Anna Anton',
      email: 'anna@anton.example',
      phone: '1',
      notes: 'wichtig',
      is_primary: true,
    });
    await add({ name: 'Bert Berta', phone: '2' });
    await add({ name: 'Carla Cis', email: 'post@anton.example' });
    await add({ name: 'Dora Dis', email: 'post@anton.example' });
    const file = [
      'Kundennummer,name,email,phone,notes,is_primary',
      `${customer_number},anna anton,Anna@Anton.example,11,,`,
      `${customer_number},Bert Berta,,22,,yes`,
      `${customer_number},Emil Es,anna@anton.example,5,,`,
      `${customer_number},Frida Fis,post@anton.example,6,,`,
    ].join('\n');
    const dry = (await t.send(file, '?dry_run=true')).body.data;
    // Line 4 is the contact of line 2 under another name; the mailbox of line 5 is nobody's alone.
    expect(lines(dry.problems)).toEqual([[4, null, 'same_entry']]);
    expect(dry).toMatchObject({ created: 1, updated: 1, unconfirmed: 1 });
    expect(dry.changes).toMatchObject([
      {
        ...{ line: 3, name: 'Bert Berta', matched_by: 'name', to_confirm: true },
        fields: [
          { field: 'phone', old: '2', new: '22' },
          { field: 'is_primary', old: 'false', new: 'true' },
        ],
      },
      {
        ...{ line: 2, matched_by: 'email', to_confirm: false },
        fields: [
          { field: 'name', old: 'Anna Anton', new: 'anna anton' },
          { field: 'phone', old: '1', new: '11' },
        ],
      },
    ]);
    expect((await t.send(file, '?confirm=3')).body.data).toMatchObject({ created: 1, updated: 2 });
    const { contacts } = await t.get(id);
    expect(contacts).toMatchObject([
      { name: 'anna anton', phone: '11', notes: 'wichtig', is_primary: false },
      { name: 'Bert Berta', phone: '22', is_primary: true },
      { name: 'Carla Cis' },
      { name: 'Dora Dis' },
      { name: 'Frida Fis', email: 'post@anton.example' },
    ]);
    expect((await t.events()).filter(({ type }) => type === 'contact.updated.v1')).toHaveLength(2);
    const married = (
      await t.send(`Kundennummer,name,email\n${customer_number},Anna Berg,anna@anton.example\n`)
    ).body;
    expect(married.data).toMatchObject({ unconfirmed: 1, updated: 0 });
  });

  it('pass the mark of the main contact on within one file and over many', async () => {
    const t = csvTenant(crm, 'contacts');
    const { id } = await t.create({ name: 'Anton AG' });
    const people = (main: number, from = 0) =>
      [
        'customer,external_id,name,is_primary',
        ...Array.from(
          { length: 1200 },
          (_, i) => `Anton AG,P${from + i},Person ${from + i},${i === main ? 'yes' : 'no'}`,
        ),
      ].join('\n');
    expect((await t.send(people(3))).body.data).toMatchObject({ created: 1200, refused: 0 });
    // The old one stands before the new one, and after it, in another chunk.
    for (const main of [1100, 3]) {
      expect((await t.send(people(main))).body.data).toMatchObject({ updated: 2, refused: 0 });
      const primary = await crm.call('GET', `/api/v1/contacts?customer_id=${id}&is_primary=true`, {
        as: t.as,
      });
      expect(primary.body.data).toMatchObject([{ external_id: `P${main}` }]);
    }
  });

  it('belong to one customer where the caller says so, and to nobody without a word', async () => {
    const t = csvTenant(crm, 'contacts');
    const { id } = await t.create({ name: 'Anton AG' });
    const file =
      'Name,Title,Department,Email,Phone,Ext,Mobile,Location\nAnna Anton,Chefin,,a@anton.example,,,0170 1,\n';
    const alone = await t.send(file, '?dry_run=true');
    expect(alone.body.data.problems).toMatchObject([
      { line: 1, field: 'header', code: 'no_customer_column' },
    ]);
    expect((await t.send(file)).body.error.details[0].field).toBe('header');
    expect((await t.send(file, `?customer_id=${id}`)).body.data).toMatchObject({ created: 1 });
    const { id: other } = await csvTenant(crm).create({ name: 'Fremd' });
    expect((await t.send(file, `?customer_id=${other}`)).body.data).toMatchObject({ created: 0, refused: 1 });
  });

  it('go out and come in again unchanged, are noted in the audit trail, and stay in their tenant', async () => {
    const t = csvTenant(crm, 'contacts');
    const { id } = await t.create({ name: 'Anton; AG' });
    const site = await crm.call('POST', '/api/v1/sites', {
      as: t.as,
      body: { customer_id: id, name: 'Werk' },
    });
    const add = (body: object) =>
      crm.call('POST', '/api/v1/contacts', { as: t.as, body: { customer_id: id, ...body } });
    await add({ name: '=cmd', email: 'info@müller.example', is_primary: true, site_id: site.body.data.id });
    await add({ name: 'Bert', phone: '+49 871 2', notes: 'a\nb' });
    const { text, status } = await exported(t.tid, 'contacts');
    expect(status).toBe(200);
    expect(text).toBe(
      [
        '\uFEFFcustomer_number;customer;external_id;name;email;phone;position;is_primary;site;notes',
        `10001;"Anton; AG";;'=cmd;info@müller.example;;;yes;Werk;`,
        `10001;"Anton; AG";;Bert;;'+49 871 2;;no;;"a\nb"`,
        '',
      ].join('\r\n'),
    );
    expect((await t.events()).at(-1)).toMatchObject({
      type: 'audit.recorded.v1',
      data: { action: 'contacts.exported', detail: { format: 'csv' } },
    });
    expect((await t.send(text)).body.data).toMatchObject({ rows: 2, unchanged: 2, unconfirmed: 0 });
    expect((await exported(csvTenant(crm).tid, 'contacts')).text.split('\r\n')).toHaveLength(2);
    expect((await exported(t.tid, 'contacts', '', { role: 'technician_l1' })).status).toBe(403);
    expect((await t.send('name\nX\n', '', 'text/csv', { role: 'technician_l1' })).status).toBe(403);
  });
});

describe('sites from a file', () => {
  it('are taken, changed by their name, renamed by their address when confirmed; go out and in again', async () => {
    const t = csvTenant(crm, 'sites');
    const { id, customer_number } = await t.create({ name: 'Anton AG' });
    const file = [
      'Firma|Standort|Straße|Hausnummer|PLZ|Ort|Land|Zeitzone',
      'Anton AG|Zentrale|Hauptstr.|1a|84028|Landshut|Deutschland|Europe/Berlin',
      'Anton AG||Am Weg|2|1010|Wien|Österreich|',
      'Anton AG|zentrale|||||| ',
      'Anton AG|Mond|||||XX1|',
      'Anton AG|Mars|||||DE|Mars/Olympus',
      'Niemand|Werk||||||',
      'Anton AG|||||||',
    ].join('\n');
    const done = (await t.send(file)).body.data;
    expect(done).toMatchObject({ created: 2, refused: 5, delimiter: '|' });
    expect(lines(done.problems)).toEqual([
      [4, null, 'same_entry'],
      [5, 'country', 'wrong_form'],
      [6, 'time_zone', 'wrong_form'],
      [7, 'customer', 'not_found'],
      [8, 'name', 'required'],
    ]);
    const { sites } = await t.get(id);
    expect(sites).toMatchObject([
      { name: 'Wien', street: 'Am Weg 2', postal_code: '1010', country: 'AT' },
      { name: 'Zentrale', street: 'Hauptstr. 1a', country: 'DE', time_zone: 'Europe/Berlin' },
    ]);
    expect((await t.events()).map(({ type }) => type).filter((type) => type.startsWith('site.'))).toEqual([
      'site.created.v1',
      'site.created.v1',
    ]);
    expect((await t.send(file)).body.data).toMatchObject({ unchanged: 2, updated: 0, unconfirmed: 0 });

    const changed = `Kundennummer;name;street;postal_code\n${customer_number};Zentrale;Neue Str. 5;\n${customer_number};Büro Wien;am weg 2;1010\n`;
    const dry = (await t.send(changed, '?dry_run=true')).body.data;
    expect(dry).toMatchObject({ updated: 1, unconfirmed: 1 });
    expect(dry.changes).toMatchObject([
      { matched_by: 'address', to_confirm: true, name: 'Wien' },
      { matched_by: 'name', to_confirm: false, fields: [{ field: 'street', new: 'Neue Str. 5' }] },
    ]);
    expect((await t.send(changed, '?confirm=3')).body.data).toMatchObject({ updated: 2 });
    const { text } = await exported(t.tid, 'sites');
    expect(text.split('\r\n').slice(1, 3).sort()).toEqual([
      `${customer_number};Anton AG;Büro Wien;am weg 2;1010;Wien;AT;`,
      `${customer_number};Anton AG;Zentrale;Neue Str. 5;84028;Landshut;DE;Europe/Berlin`,
    ]);
    expect((await t.send(text)).body.data).toMatchObject({ unchanged: 2, unconfirmed: 0, refused: 0 });
    expect((await exported(t.tid, 'sites', `?customer_id=${id}`)).text).toBe(text);
  });
});

it.each(['contacts', 'sites'] as const)(
  'any text as a file of %s is accounted for row by row',
  async (kind) => {
    const t = csvTenant(crm, kind);
    await t.create({ name: 'a' });
    const bit = fc.constantFrom(
      'a',
      'ü',
      '"',
      ';',
      '\n',
      '\r\n',
      '=1',
      '\0',
      'x@y.example',
      ' ',
      '\uFFFD',
      '10001',
      'ja',
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: bit, maxLength: 60 }), async (text) => {
        const answer = await t.send(`Kundennummer;Firma;name;email;is_primary;Ort\n${text}`);
        expect([200, 400]).toContain(answer.status);
        if (answer.status === 400) return;
        const { rows, taken, refused, unconfirmed, created, updated, unchanged, problems } = answer.body.data;
        expect(taken + refused + unconfirmed).toBe(rows);
        expect(created + updated + unchanged).toBe(taken);
        expect(new Set(problems.map((p: { line: number }) => p.line)).size).toBe(refused);
      }),
      { numRuns: 40 },
    );
  },
);

describe('a large file', () => {
  it('of customers with addresses does not look for each among all, on an empty platform either', async () => {
    const fresh = await testService(crmService);
    try {
      const rows = 2_000;
      const scope = { tenant_id: randomUUID(), customer_id: null };
      const ctx = systemContext(scope.tenant_id, randomUUID());
      const lines = Array.from({ length: rows }, (_, i) => {
        const given = { name: `Firma ${i}`, street: `Weg ${i}`, city: 'Landshut' };
        const line = customerImporter.lineOf(i + 2, given);
        if (Array.isArray(line)) throw new Error(JSON.stringify(line));
        return line;
      });
      const options = { dryRun: false, charset: null, confirmed: () => false, customerId: null };
      const decided = await fresh.deps.db.read(scope, (tx) =>
        customerImporter.plan(tx, scope.tenant_id, lines, false, options),
      );
      const numbers = await customerImporter.prepare(fresh.deps, scope.tenant_id, decided);
      const [read] = await fresh.deps.db.tx(scope, async (tx) => {
        expect(await customerImporter.apply(fresh.deps, tx, ctx, decided, numbers)).toHaveLength(rows);
        return tx.sql<{ n: number }[]>`
          select (seq_tup_read + idx_tup_fetch)::int as n from pg_stat_xact_user_tables
          where relid = 'crm.customers'::regclass`;
      });
      // Of the first rows alone each is looked for among all; with one plan for all checks every row is: 2,000,000.
      expect(read!.n).toBeLessThan((CHUNK * CHUNK) / 2 + 10 * rows);
    } finally {
      await fresh.close();
    }
  });

  it('of 2,000 contacts comes in, and a second time changes nothing', async () => {
    const t = csvTenant(crm, 'contacts');
    await t.create({ name: 'Anton AG' });
    await t.create({ name: 'Berta KG' });
    const file = [
      'customer_number,external_id,name,email,phone',
      ...Array.from(
        { length: 2_000 },
        (_, i) => `${10_001 + (i % 2)},E${i},Person ${i},person${i}@firma.example,0871 ${i}`,
      ),
    ].join('\n');
    expect((await t.send(file)).body.data).toMatchObject({ rows: 2_000, created: 2_000 });
    expect((await t.send(file)).body.data).toMatchObject({ unchanged: 2_000, updated: 0 });
  });

  it('is done once when it is sent by two at once', async () => {
    const t = csvTenant(crm, 'contacts');
    await t.create({ name: 'Anton AG' });
    const file = `customer,name\n${Array.from({ length: 300 }, (_, i) => `Anton AG,Person ${i}`).join('\n')}\n`;
    const answers = await Promise.all([t.send(file), t.send(file), t.send(file)]);
    for (const answer of answers) expect([200, 409]).toContain(answer.status);
    expect(answers.filter(({ body }) => body.data?.created === 300)).toHaveLength(1);
    expect(
      await crm.db.admin`select count(*)::int as n from crm.contacts where tenant_id = ${t.tid}`,
    ).toMatchObject([{ n: 300 }]);
  });
});
