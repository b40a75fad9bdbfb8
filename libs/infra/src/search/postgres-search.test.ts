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
  const find = `select * from search.find('tresor', 'tresor', '', null, null, 10, 0, 10)`;
  expect(await as('', '', find)).toHaveLength(0);
  expect(await as(randomUUID(), '', find)).toHaveLength(0);
  expect(await as(tenantId, randomUUID(), find)).toHaveLength(0);
  expect(await as(tenantId, customerId, find)).toHaveLength(1);
  expect(await as('', '', 'select * from search.documents')).toHaveLength(0);
  expect(await as(tenantId, randomUUID(), 'select * from search.documents')).toHaveLength(0);
  expect(await as(tenantId, customerId, 'select * from search.words')).toHaveLength(0);
  for (const call of [
    `select * from search.find($$'!code'$$, 'x', '', null, null, 10, 0, 10)`,
    `select search.occurring(array[$$'!code'$$]::tsquery[], null, null)`,
  ]) {
    await expect(as(tenantId, customerId, call)).rejects.toThrow('not searched for portal users');
    expect(await as(tenantId, '', call)).toHaveLength(1);
  }
  await sql.end();
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
