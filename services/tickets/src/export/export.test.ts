import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';

let desk: TestDesk;
const manager = { role: 'service_manager' };
const get = (query = '', as: TestDesk['boss'] = manager) =>
  desk.service.call('GET', `/api/v1/tickets/export.csv${query}`, { as });
const lines = async (query = '', as?: TestDesk['boss']) =>
  (await get(query, as)).text.split('\r\n').slice(0, -1);

beforeAll(async () => {
  desk = await testDesk({ now: '2026-03-02T09:00:00Z' });
  await desk.open({
    title: '=HYPERLINK("x")',
    priority: 'critical',
    assigned_to: desk.anna.sub,
    tags: ['vpn', 'wlan'],
  });
  await desk.open({ title: 'Drucker; "laut"', priority: 'high', category: '@Server' });
  await desk.open({ title: 'Fremd', priority: 'low', customer_id: desk.otherCustomer });
});
afterAll(() => desk.service.close());

describe('tickets as CSV', () => {
  it('have the filters of the list, headings and words in German or English, times of the asked zone', async () => {
    const answer = await get('?priority=critical,high&time_zone=Europe/Berlin');
    expect(answer.status, answer.text).toBe(200);
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(answer.headers['content-disposition']).toContain('filename="tickets.csv"');
    const [heading, first, second, ...rest] = answer.text.split('\r\n');
    expect(heading).toMatch(/^\uFEFFNummer;Betreff;Status;Priorität;Kunde;/);
    expect(first).toMatch(
      /^1;"'=HYPERLINK\(""x""\)";Zugewiesen;Kritisch;Bäckerei Korn;;Anna Berg;;;"vpn, wlan";2026-03-02 10:00;/,
    );
    expect(second).toMatch(/^2;"Drucker; ""laut""";Neu;Hoch;Bäckerei Korn;;;;'@Server;;/);
    expect(rest).toEqual(['']);
    const english = await lines('?language=en&delimiter=comma');
    expect(english[0]).toMatch(/^\uFEFFNumber,Subject,Status,Priority,Customer,/);
    expect(english[3]).toMatch(/^3,Fremd,New,Low,Kanzlei Recht,.*,2026-03-02 09:00,.*,no,0$/);
  });

  it('are a portal user’s own alone, without what staff note', async () => {
    expect(await lines('', desk.stranger)).toEqual([
      expect.not.stringContaining('Minuten'),
      expect.stringMatching(/^3;Fremd;/),
    ]);
    expect(await lines(`?customer_id=${desk.customer}`, desk.stranger)).toHaveLength(1);
    expect(await lines('', desk.user)).toHaveLength(1);
    expect(await lines('', desk.boss)).toHaveLength(3);
  });

  it('are told in the audit trail, and need their permission', async () => {
    await get('?status=open');
    const told = (await desk.service.outbox()).filter((event) => event.type === 'audit.recorded.v1');
    expect(told.at(-1)).toMatchObject({
      data: { action: 'tickets.exported', detail: { format: 'csv', filters: { status: 'open' } } },
    });
    expect((await get('', desk.anna)).status).toBe(403);
  });

  it('name what is wrong', async () => {
    for (const [query, field] of [
      ['status=lost', 'status'],
      ['time_zone=Europe/Bielefeld', 'time_zone'],
      ['language=fr', 'language'],
      ['page=2', 'page'],
    ]) {
      const answer = await get(`?${query}`);
      expect([query, answer.status, answer.body.error?.details[0].field]).toEqual([query, 400, field]);
    }
  });

  it('come in batches, none twice and none left out', async () => {
    const { db, tenantId } = desk.service;
    const company = randomUUID();
    await db.admin`insert into tickets.customers (tenant_id, customer_id, name, version)
      values (${tenantId}, ${company}, 'Viele GmbH', 1)`;
    await db.admin`insert into tickets.tickets (tenant_id, id, ticket_number, title, description, status, priority, customer_id, source, created_at, updated_at)
      select ${tenantId}, gen_random_uuid(), 10000 + n, 'Nr. ' || n, 'x', 'new', 'low', ${company}, 'import', now(), now()
      from generate_series(1, 1201) as n`;
    const rows = (await lines(`?customer_id=${company}`)).slice(1);
    expect(rows.map((row) => Number(row.split(';')[0]))).toEqual(
      Array.from({ length: 1201 }, (_, i) => 10_001 + i),
    );
  });
});
