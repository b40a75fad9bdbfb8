import { randomUUID } from 'node:crypto';
import { type TestDatabase, testDatabase } from '@psa/test-kit/database';
import { searchContract, searchDocument } from '@psa/test-kit/search.contract';
import { tcpLine } from '@psa/test-kit/tcp-line';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PostgresSearch } from './postgres-search.ts';

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.drop());

searchContract('PostgreSQL', {
  open: async () => {
    const index = new PostgresSearch({ url: db.urlFor('search') });
    await index.prepare();
    return index;
  },
});

it('says so when the migrations have not run', async () => {
  const index = new PostgresSearch({ url: db.adminUrl, schema: 'nowhere' });
  await expect(index.prepare()).rejects.toThrow('run the migrations of services/search');
  await index.close();
});

const top = (query: string) =>
  `select * from search.ranked($$${query}$$, null, 'x', array['x:A']::tsquery[], array['x:B']::tsquery[], '', 'x', null,
    null, null, null, null, null, false, now(), 10, 0, 10)`;

it('gives nothing to a connection that names no tenant, and no internal text to a portal user', async () => {
  const [tenantId, customerId] = [randomUUID(), randomUUID()];
  const index = new PostgresSearch({ url: db.urlFor('search') });
  await index.put([searchDocument(tenantId, { title: 'Tresor', internal: 'Code', customer_id: customerId })]);
  await index.close();
  const sql = postgres(db.urlFor('search'), { max: 1, onnotice: () => {} });
  const as = (tenant: string, customer: string, query: string) =>
    sql.begin(async (tx) => {
      await tx`select set_config('psa.tenant_id', ${tenant}, true), set_config('psa.customer_id', ${customer}, true)`;
      return tx.unsafe(query);
    });
  const find = top('tresor');
  const total = async (tenant: string, customer: string) => (await as(tenant, customer, find))[0]!.total;
  expect(await total('', '')).toBe(0);
  expect(await total(randomUUID(), '')).toBe(0);
  expect(await total(tenantId, randomUUID())).toBe(0);
  expect(await total(tenantId, customerId)).toBe(1);
  expect(await as('', '', 'select * from search.documents')).toHaveLength(0);
  expect(await as(tenantId, randomUUID(), 'select * from search.documents')).toHaveLength(0);
  expect(await as(tenantId, customerId, 'select * from search.words')).toHaveLength(0);
  for (const call of [
    top(`'!code'`),
    `select * from search.matches($$'!code'$$, '', 'ticket', null, null, 10, false)`,
    `select search.occurring(array[$$'!code'$$]::tsquery[], null, null, null)`,
  ]) {
    await expect(as(tenantId, customerId, call)).rejects.toThrow('not searched for portal users');
    expect(await as(tenantId, '', call)).toHaveLength(1);
  }
  await sql.end();
});

it('finds each document once and the newer first, whenever it was changed', async () => {
  const tenant_id = randomUUID();
  const index = new PostgresSearch({ url: db.urlFor('search') });
  const changed = [
    '0999-05-05T00:00:00.000Z',
    '1970-01-01T00:00:00.000Z',
    '1999-12-31T23:59:59.999Z',
    '2000-01-01T00:00:00.000Z',
    '2026-06-30T23:59:59.999Z',
    '2026-07-01T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
  ];
  await index.put(
    changed.map((updated_at) =>
      searchDocument(tenant_id, { title: 'Zeitreise', body: 'Gestern und morgen', updated_at }),
    ),
  );
  for (const text of ['zeitreise', '"zeitreise"', 'gestern zei', 'zeit', '"gestern und morgen" zeitr']) {
    const { hits, total } = await index.query({ tenant_id, customer_id: null, text, limit: 20, offset: 0 });
    expect(total, text).toBe(changed.length);
    expect(
      hits.map((hit) => hit.updated_at),
      text,
    ).toEqual(changed.toReversed());
  }
  await index.close();
});

it('gives up a connection that has fallen silent, to the primary or the replica', {
  timeout: 15_000,
}, async () => {
  const line = await tcpLine(Number(new URL(db.urlFor('search')).port));
  const url = new URL(db.urlFor('search'));
  url.port = String(line.port);
  const index = new PostgresSearch({ url: url.href, readUrl: url.href, silenceMs: 400, max: 1 });
  const asked = { tenant_id: randomUUID(), customer_id: null, limit: 20, offset: 0 };
  const find = () => index.query({ ...asked, text: 'nichts' });
  await index.ping();
  await find();
  line.strand();
  await expect(index.ping()).rejects.toThrow('silent');
  // The replica's is silent as well, and is left within its patience; both serve again.
  await find();
  await find();
  await index.ping();
  await index.close();
  await line.close();
});
