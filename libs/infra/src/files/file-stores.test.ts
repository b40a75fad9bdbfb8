import { readdir } from 'node:fs/promises';
import { fileStoreContract } from '@psa/test-kit/file-store.contract';
import { tcpLine } from '@psa/test-kit/tcp-line';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../postgres-server.ts';
import { DiskFileStore } from './disk-file-store.ts';
import { PostgresFileStore } from './postgres-file-store.ts';

let dir: TempDir;
let server: PostgresServer;
let sql: Sql;

beforeAll(async () => {
  dir = await tempDir('files');
  server = await startPostgres({ dataDir: `${dir.path}/pg`, durable: false });
  sql = postgres(server.superuserUrl(), { onnotice: () => {} });
});
afterAll(async () => {
  await sql.end();
  await server.stop();
  await dir.remove();
});

fileStoreContract('disk', {
  async open() {
    const store = new DiskFileStore({ folder: `${dir.path}/files` });
    await store.prepare();
    return store;
  },
  async leftovers() {
    const entries = await readdir(`${dir.path}/files`, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).length;
  },
});

fileStoreContract('PostgreSQL', {
  async open() {
    const store = new PostgresFileStore({ sql, schema: 'tickets', table: 'attachments' });
    await Promise.all([store.prepare(), store.prepare()]);
    return store;
  },
  async leftovers() {
    const [row] = await sql`
      SELECT (SELECT count(*) FROM tickets.attachments) + (SELECT count(*) FROM tickets.attachments_chunks) AS n`;
    return Number(row!.n);
  },
});

it('PostgreSQL: removes what a killed upload left behind a day ago, and nothing else', async () => {
  const store = new PostgresFileStore({ url: server.superuserUrl(), schema: 'swept' });
  await store.prepare();
  await sql`
    INSERT INTO swept.files_chunks (tenant_id, upload, number, data, stored_at)
    VALUES ('t', gen_random_uuid(), 0, 'old', now() - interval '25 hours'), ('t', gen_random_uuid(), 0, 'new', now())`;
  await store.prepare();
  const rows = await sql`SELECT convert_from(data, 'UTF8') AS data FROM swept.files_chunks`;
  expect(rows).toEqual([{ data: 'new' }]);
  await store.close();
});

it('PostgreSQL: gives up a connection that has fallen silent', { timeout: 10_000 }, async () => {
  const line = await tcpLine(server.port);
  const url = new URL(server.superuserUrl());
  url.port = String(line.port);
  const store = new PostgresFileStore({ url: url.href, schema: 'silent', silenceMs: 400 });
  await store.ping();
  line.strand();
  await expect(store.ping()).rejects.toThrow('silent');
  await store.ping();
  await store.close();
  await line.close();
});
