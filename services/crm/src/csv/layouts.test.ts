import { readFile } from 'node:fs/promises';
import { type TestService, testService } from '@psa/test-kit/service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crmService } from '../app.ts';
import { csvTenant } from './tenant.test-helper.ts';

let crm: TestService;
beforeAll(async () => {
  crm = await testService(crmService);
});
afterAll(() => crm.close());

const url = '/api/v1/customers';
const tenant = () => csvTenant(crm);
const row = (report: { columns: { heading: string }[] }, heading: string) =>
  report.columns.find((column) => column.heading === heading);

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
      occurrence: 1,
      column: null,
      by: 'undecided',
      proposal: null,
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
    expect(dry.body.data).toMatchObject({ rows: 1, taken: 0, refused: 1, system: null });
    expect(dry.body.data.problems).toEqual([
      { line: 1, field: 'header', code: 'no_name_column', message: 'there is no column "name"' },
    ]);
    expect(dry.body.data.columns.map((c: { by: string }) => c.by)).toEqual(Array(3).fill('undecided'));
    expect((await t.send(unknown)).body.error.details[0].field).toBe('header');

    const chosen = await t.choose('Bezeichnung;Umsatz;Hinweis', [
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
    const layout = {
      headings: ['Bezeichnung', 'Umsatz', 'Hinweis'],
      choices: [
        { heading: 'Bezeichnung', occurrence: 1, column: 'name' },
        { heading: 'Umsatz', occurrence: 1, column: 'ignore' },
        { heading: 'Hinweis', occurrence: 1, column: 'notes' },
      ],
    };
    expect((await t.choices()).body.data.layouts).toEqual([layout]);
    expect((await t.events()).map((event) => event.data.action)).toContain('customers.import_columns_chosen');
    expect((await tenant().choices()).body.data.layouts).toEqual([]);

    await t.choose('Bezeichnung;Umsatz;Hinweis', [{ heading: 'Bezeichnung', column: 'ask' }]);
    expect((await t.choices()).body.data.layouts[0].choices).toEqual(layout.choices.slice(1));
    const forgotten = await t.choose('Bezeichnung;Umsatz;Hinweis', [
      { heading: 'Umsatz', column: 'ask' },
      { heading: 'Hinweis', column: 'ask' },
    ]);
    expect(forgotten.body.data.layouts).toEqual([]);
  });

  it('go before what a heading says by itself', async () => {
    const t = tenant();
    await t.choose('Kundennummer;Firma', [{ heading: 'Kundennummer', column: 'external_id' }]);
    expect((await t.send('Kundennummer;Firma\n10001;Berta\n')).body.data).toMatchObject({ created: 1 });
    const list = await crm.call('GET', url, { as: { tid: t.tid } });
    expect(list.body.data).toMatchObject([{ external_id: '10001' }]);
  });

  it('are refused by name where they are none, and chosen by who may import', async () => {
    const t = tenant();
    const wrong = await t.choose('X', [{ heading: 'X', column: 'nonsense' }]);
    expect(wrong.body.error.details[0].field).toBe('choices[0].column');
    const other = await t.choose('X', [{ heading: 'X', column: 'position' }]);
    expect(other.body.error.details[0]).toMatchObject({ field: 'choices[0].column', code: 'unknown_value' });
    const absent = await t.choose('X', [{ heading: 'Y', column: 'name' }]);
    expect(absent.body.error.details[0]).toMatchObject({ field: 'choices[0].heading', code: 'not_found' });
    const technician = await crm.call('PATCH', `${url}/import-columns`, {
      as: { tid: t.tid, role: 'technician_l1' },
      body: { headings: ['X'], choices: [{ heading: 'X', column: 'name' }] },
    });
    expect(technician.status).toBe(403);
  });

  it('hold for their layout alone, in any order of its headings; in another they are proposed', async () => {
    const t = tenant();
    await t.choose('Firma;Nummer;Art', [
      { heading: 'Nummer', column: 'phone' },
      { heading: 'Art', column: 'ignore' },
    ]);
    const moved = (await t.send('ART;Firma;nummer\nx;Anton;0871 1\n', '?dry_run=true')).body.data;
    expect(moved.columns.map((c: { by: string }) => c.by)).toEqual(['choice', 'heading', 'choice']);
    const other = (await t.send('Firma;Nummer\nAnton;0871 1\n', '?dry_run=true')).body.data;
    expect(other.columns[1]).toMatchObject({
      heading: 'Nummer',
      by: 'undecided',
      column: null,
      proposal: 'phone',
    });
    // Nobody is asked twice about that one either.
    await t.choose('Firma;Nummer', [{ heading: 'Nummer', column: 'ignore' }]);
    crm.clock.advance({ minutes: 1 });
    const first = (await t.send('Firma;Nummer;Art\nAnton;0871 1;x\n', '?dry_run=true')).body.data;
    expect(first.columns[1]).toMatchObject({ by: 'choice', column: 'phone' });
  });

  it('of a release before, by heading alone, are proposed from the migration on', async () => {
    const t = tenant();
    await crm.db.admin`
      insert into crm.import_columns (tenant_id, heading_key, heading, choice, updated_at)
      values (${t.tid}, 'sparte', 'Sparte', 'tags', now()), (${t.tid}, 'umsatz', 'Umsatz', 'ignore', now())`;
    const migration = await readFile(
      new URL('../db/migrations/003_import_layouts.sql', import.meta.url),
      'utf8',
    );
    await crm.db.admin.unsafe(migration.slice(migration.indexOf('insert into')));
    const { columns } = (await t.send('Firma;Umsatz;Sparte\nAnton;1;Bau\n', '?dry_run=true')).body.data;
    expect(columns.map((c: { by: string; proposal: string }) => [c.by, c.proposal])).toEqual([
      ['heading', null],
      ['undecided', 'ignore'],
      ['undecided', 'tags'],
    ]);
  });

  it('tell two columns of one name apart', async () => {
    const t = tenant();
    const file = 'Firma;Info;Info\nAnton;eins;0871 2\n';
    const dry = (await t.send(file, '?dry_run=true')).body.data;
    expect(dry.columns.map((c: { occurrence: number }) => c.occurrence)).toEqual([1, 1, 2]);
    await t.choose('Firma;Info;Info', [
      { heading: 'Info', column: 'notes' },
      { heading: 'Info', occurrence: 2, column: 'phone' },
    ]);
    await t.send(file);
    const list = await crm.call('GET', url, { as: { tid: t.tid } });
    expect(list.body.data).toMatchObject([{ notes: 'eins', phone: '0871 2' }]);
  });

  it('chosen by two at once are all kept', async () => {
    const t = tenant();
    const names = Array.from({ length: 8 }, (_, i) => `Feld ${i}`);
    const headings = `Firma;${names.join(';')}`;
    const answers = await Promise.all(
      names.map((heading) => t.choose(headings, [{ heading, column: 'ignore' }])),
    );
    expect(answers.map((answer) => answer.status)).toEqual(Array(8).fill(200));
    expect((await t.choices()).body.data.layouts).toMatchObject([
      { choices: names.map((heading) => ({ heading, column: 'ignore' })) },
    ]);
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
