import { randomUUID } from 'node:crypto';
import { type TestService, testService } from '@psa/test-kit/service';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crmService } from '../app.ts';

let crm: TestService;
beforeAll(async () => {
  crm = await testService(crmService);
});
afterAll(() => crm.close());

const url = '/api/v1/customers';
/** A tenant of its own with what a test needs of it. */
function tenant() {
  const tid = randomUUID();
  return {
    tid,
    async send(body: string | Buffer, query = '', as = {}) {
      const token = await crm.tokens.issue({ tid, role: 'system_admin', ...as });
      const answer = await crm.app.inject({
        method: 'POST',
        url: `${url}/import-csv${query}`,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv; charset=utf-8' },
        payload: body,
      });
      return { status: answer.statusCode, body: JSON.parse(answer.body) };
    },
    async rows() {
      const rows = await crm.db.admin`
        select name, status, email, phone, tags, notes, external_id, customer_number, version from crm.customers
        where tenant_id = ${tid} and deleted_at is null order by customer_number`;
      return [...rows];
    },
    events: async () => (await crm.outbox()).filter((event) => event.tenant_id === tid),
  };
}

describe('the import of a CSV file', () => {
  it('takes the good rows and lists every bad one with line, field and reason', async () => {
    const t = tenant();
    const file = [
      'Firma;E-Mail;Status;Schlagwörter;Externe ID',
      'Müller GmbH;info@mueller.example;aktiv;"VIP, Nord";M1',
      ';leer@x.example;;;',
      'Falsche Mail;keine-mail;;;',
      'Falscher Status;;kaputt;;',
      'Zu wenig;a@b.example',
      'Zu viel;;;;;;mehr',
      '',
      ';;;;',
      'Kaputt "Zitat";;;;',
      'Doppelt;;;;D1',
      'Doppelt zwei;;;;D1',
      '"Mehr\nzeilig";;;;',
      'Gut;;Interessent;;',
    ].join('\r\n');
    const dry = await t.send(file, '?dry_run=true');
    expect(dry.status).toBe(200);
    expect(await t.rows()).toEqual([]);
    expect(await t.events()).toEqual([]);
    const real = await t.send(`\uFEFF${file}`);
    expect(real.body.data).toEqual({ ...dry.body.data, dry_run: false, encoding_from: 'mark' });
    expect(real.body.data).toMatchObject({
      rows: 11,
      taken: 3,
      created: 3,
      updated: 0,
      unchanged: 0,
      refused: 8,
    });
    const said = real.body.data.problems.map((p: { line: number; field: string | null }) => [
      p.line,
      p.field,
    ]);
    expect(said).toEqual([
      [3, 'name'],
      [4, 'email'],
      [5, 'status'],
      [6, null],
      [7, null],
      [10, null],
      [12, null],
      [13, 'name'],
    ]);
    expect((await t.rows()).map((row) => [row.name, row.status, row.tags, row.external_id])).toEqual([
      ['Müller GmbH', 'active', ['vip', 'nord'], 'M1'],
      ['Doppelt', 'active', [], 'D1'],
      ['Gut', 'prospect', [], null],
    ]);
    expect((await t.events()).map((event) => event.type)).toEqual(Array(3).fill('customer.created.v1'));
  });

  it('changes what it knows, by external id and by name, and a second time nothing', async () => {
    const t = tenant();
    await t.send('name,external_id,phone\nAlpha,A,1\nBeta,,2\n');
    const file = 'name,external_id,phone\nAlpha neu,A,1\nBETA,B,\nGamma,,3\n';
    // Line 3 is found by its name alone.
    const answer = await t.send(file, '?confirm=3');
    expect(answer.body.data).toMatchObject({ created: 1, updated: 2, unchanged: 0, refused: 0 });
    expect((await t.rows()).map((row) => [row.name, row.external_id, row.phone, row.version])).toEqual([
      ['Alpha neu', 'A', '1', 2],
      ['BETA', 'B', '2', 2],
      ['Gamma', null, '3', 1],
    ]);
    const before = (await t.events()).length;
    const again = await t.send(file);
    expect(again.body.data).toMatchObject({ created: 0, updated: 0, unchanged: 3 });
    expect((await t.events()).length).toBe(before);
    const search = await crm.call('GET', `${url}?search=alpha%20neu`, { as: { tid: t.tid } });
    expect(search.body.data).toHaveLength(1);
  });

  it('refuses what it cannot tell apart', async () => {
    const t = tenant();
    const as = { tid: t.tid };
    for (const name of ['Zwilling', 'Zwilling']) await crm.call('POST', url, { as, body: { name } });
    const answer = await t.send(
      'name,customer_number,external_id\nZwilling,,\nX,99,E\nZwilling,10001,\nNeu,,\nneu ,,\n',
    );
    expect(answer.body.data.problems.map((p: { line: number; field: string }) => [p.line, p.field])).toEqual([
      [2, 'name'],
      [3, 'customer_number'],
      [6, 'name'],
    ]);
    expect(answer.body.data).toMatchObject({ unchanged: 1, created: 1 });
  });

  it('is done once when the same file is sent by two at once', async () => {
    const t = tenant();
    const file = `name\n${Array.from({ length: 300 }, (_, i) => `Firma ${i}`).join('\n')}\n`;
    const answers = await Promise.all([t.send(file), t.send(file), t.send(file)]);
    for (const answer of answers) expect([200, 409]).toContain(answer.status);
    expect(
      answers.filter((answer) => answer.status === 200 && answer.body.data.created === 300),
    ).toHaveLength(1);
    expect(await t.rows()).toHaveLength(300);
  });

  it.each([
    ['nothing', '', 400, 'body'],
    ['blank lines', '\n\n', 400, 'body'],
    ['another header', 'foo;bar\n1;2\n', 400, 'header'],
    ['a broken header', '"name;x\nA;1\n', 400, 'header'],
    ['a binary file', Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 0, 0]), 400, 'body'],
    ['more than 10 MB', Buffer.alloc(10 * 1024 * 1024 + 1, 'a'), 413, 'body'],
    ['more than 50,000 rows', `name\n${'a\n'.repeat(50_001)}`, 413, 'body'],
  ])('refuses %s', async (_name, body, status, field) => {
    const t = tenant();
    const answer = await t.send(body);
    expect(answer.status).toBe(status);
    expect(answer.body.error.details[0].field).toBe(field);
    expect(await t.rows()).toEqual([]);
  });

  it('refuses rows that are not UTF-8, other content types, and callers without the permission', async () => {
    const t = tenant();
    const latin1 = await t.send(Buffer.from('name\nMüller\nMaier\n', 'latin1'));
    expect(latin1.body.data).toMatchObject({ created: 1, refused: 1 });
    expect(latin1.body.data.problems).toEqual([
      {
        line: 2,
        field: 'name',
        code: 'wrong_encoding',
        message: 'has characters that are not of the encoding',
      },
    ]);
    const json = await crm.call('POST', `${url}/import-csv`, { body: {} });
    expect(json.status).toBe(415);
    expect((await t.send('name\nX\n', '', { role: 'technician_l1' })).status).toBe(403);
    expect((await t.send('name\nX\n', '?dry_run=maybe')).body.error.details[0].field).toBe('dry_run');
  });

  it('never fails on any text, and accounts for every row', async () => {
    const t = tenant();
    const bit = fc.constantFrom(
      'a',
      'ü',
      '"',
      ';',
      '\n',
      '\r\n',
      '=1',
      '\0',
      '\u0007',
      'x@y.example',
      ' ',
      '\uFFFD',
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: bit, maxLength: 80 }), async (text) => {
        const answer = await t.send(`name;email;tags\n${text}`);
        expect([200, 400]).toContain(answer.status);
        if (answer.status === 400) return;
        const { rows, taken, refused, unconfirmed, created, updated, unchanged, problems } = answer.body.data;
        expect(taken + refused + unconfirmed).toBe(rows);
        expect(created + updated + unchanged).toBe(taken);
        expect(new Set(problems.map((p: { line: number }) => p.line)).size).toBe(refused);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the export as CSV', () => {
  const get = (tid: string, query = '', as = {}) =>
    crm.call('GET', `${url}/export.csv${query}`, { as: { tid, ...as } });

  it('disarms formulas, says so in the audit trail, and can be imported again unchanged', async () => {
    const t = tenant();
    const as = { tid: t.tid };
    await crm.call('POST', url, {
      as,
      body: { name: '=cmd|calc', phone: '+49 170', notes: 'a;"b"\nc', tags: ['x', 'y'] },
    });
    await crm.call('POST', url, { as, body: { name: "'-Apostroph", email: 'a@b.example' } });
    const answer = await get(t.tid);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(answer.headers['content-disposition']).toContain("filename*=UTF-8''customers.csv");
    expect(answer.text).toBe(
      [
        '\uFEFFcustomer_number;external_id;name;status;email;phone;website;tags;notes',
        `10001;;'=cmd|calc;active;;'+49 170;;"x, y";"a;""b""\nc"`,
        `10002;;''-Apostroph;active;a@b.example;;;;`,
        '',
      ].join('\r\n'),
    );
    expect((await t.events()).at(-1)).toMatchObject({
      type: 'audit.recorded.v1',
      public: false,
      data: { action: 'customers.exported', detail: { format: 'csv' } },
    });
    const back = await t.send(answer.text);
    expect(back.body.data).toMatchObject({ rows: 2, unchanged: 2, refused: 0 });
    const comma = await t.send((await get(t.tid, '?delimiter=comma')).text);
    expect(comma.body.data).toMatchObject({ rows: 2, unchanged: 2 });
  });

  it('has every customer once over many batches, filtered, and of the own tenant', async () => {
    const t = tenant();
    await crm.db.admin`
      insert into crm.customers (tenant_id, id, customer_number, name, name_key, status, search_text, created_at, updated_at)
      select ${t.tid}, gen_random_uuid(), n, 'Firma ' || n, 'firma ' || n,
        case when n % 2 = 0 then 'active' else 'inactive' end, 'firma ' || n, now(), now()
      from generate_series(1, 1234) n`;
    const numbers = (text: string) =>
      text
        .trim()
        .split('\r\n')
        .slice(1)
        .map((line) => Number(line.split(';')[0]));
    expect(numbers((await get(t.tid)).text)).toEqual(Array.from({ length: 1234 }, (_, i) => i + 1));
    expect(numbers((await get(t.tid, '?status=inactive&search=firma')).text)).toHaveLength(617);
    expect(numbers((await get(randomUUID())).text)).toEqual([]);
    expect((await get(t.tid, '', { role: 'technician_l1' })).status).toBe(403);
  });
});
