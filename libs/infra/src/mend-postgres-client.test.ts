import { cp, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import type postgresClient from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mendPostgresClient } from './mend-postgres-client.mjs';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

let dir: TempDir;
let server: PostgresServer;
let postgres: typeof postgresClient;
let copy: string;

beforeAll(async () => {
  dir = await tempDir('client');
  copy = join(dir.path, 'postgres');
  const entry = createRequire(import.meta.url).resolve('postgres');
  await cp(join(dirname(entry), '..', '..'), copy, { recursive: true });
  mendPostgresClient(copy);
  const module = await import(pathToFileURL(join(copy, 'src/index.js')).href);
  postgres = module.default;
  server = await startPostgres({ dataDir: join(dir.path, 'pg'), durable: false });
});
afterAll(async () => {
  await server.stop();
  await dir.remove();
});

it('changes nothing the second time', () => {
  expect(mendPostgresClient(copy)).toBe(0);
});

it('refuses a version it was not made for, and a text it does not know', async () => {
  const other = join(dir.path, 'other');
  await cp(copy, other, { recursive: true });
  const path = join(other, 'src/connection.js');
  await writeFile(path, (await readFile(path, 'utf8')).replaceAll('nextWriteTimer', 'renamed'));
  expect(() => mendPostgresClient(other)).toThrow(/not as expected/);
  await writeFile(join(other, 'package.json'), '{"version":"3.5.0"}');
  expect(() => mendPostgresClient(other)).toThrow(/3\.5\.0/);
});

/** Ends the backend of a session from outside, as a failover or an administrator would. */
async function terminate(pid: number): Promise<void> {
  const admin = postgres(server.superuserUrl(), { max: 1 });
  await admin`SELECT pg_terminate_backend(${pid}, 5000)`;
  await admin.end();
}

it('a transaction that lost its connection fails and does not go on in the next session', async () => {
  const sql = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
  await sql`CREATE TABLE entries (text text)`;
  const seen: unknown[] = [];
  const transaction = sql.begin(async (tx) => {
    await tx`INSERT INTO entries VALUES ('first')`;
    const [row] = await tx<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
    await terminate(row!.pid);
    // The pool has its one connection again before the transaction goes on.
    await sql`SELECT 1`.catch(() => sql`SELECT 1`);
    await tx`INSERT INTO entries VALUES ('second')`.catch((error) => {
      seen.push(error);
      throw error;
    });
  });
  await expect(transaction).rejects.toMatchObject({
    code: expect.stringMatching(/57P01|CONNECTION_CLOSED|ECONNRESET/),
  });
  // The function of the transaction runs on after `begin` has failed.
  await expect.poll(() => seen.length).toBe(1);
  expect(await sql`SELECT text FROM entries`).toEqual([]);
  await sql.end();
});

it('a reserved connection that was lost fails its queries instead of ending the process', async () => {
  const sql = postgres(server.superuserUrl(), { max: 2 });
  const reserved = await sql.reserve();
  const [row] = await reserved<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
  await terminate(row!.pid);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await expect(reserved`SELECT 1`).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
  expect(await sql`SELECT 2 AS two`).toEqual([{ two: 2 }]);
  await sql.end({ timeout: 1 });
});

it('a pool whose connections are cut under load serves again', async () => {
  const sql = postgres(server.superuserUrl(), { max: 4 });
  for (let round = 0; round < 10; round++) {
    const load = Array.from({ length: 200 }, (_, n) => sql`SELECT ${n}::int AS n`.catch(() => null));
    const admin = postgres(server.superuserUrl(), { max: 1 });
    await admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`;
    await admin.end();
    await Promise.all(load);
  }
  const answers = await Promise.all(Array.from({ length: 20 }, () => sql`SELECT 1`.catch(() => null)));
  expect(answers).toHaveLength(20);
  expect(await sql`SELECT 3 AS three`).toEqual([{ three: 3 }]);
  // Without a limit of time `end` may wait for a connection that is gone already.
  await sql.end({ timeout: 1 });
});

it('a query fails where a load balancer takes the connection and has nobody behind it', async () => {
  let taken = 0;
  const balancer = createServer((socket) => {
    taken++;
    socket.on('error', () => {});
    socket.end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => balancer.once('listening', resolve));
  const { port } = balancer.address() as AddressInfo;
  const sql = postgres({ host: '127.0.0.1', port, max: 1, username: 'x', database: 'x' });
  await expect(sql`SELECT 1`).rejects.toMatchObject({
    code: expect.stringMatching(/CONNECTION_CLOSED|ECONNRESET|EPIPE/),
  });
  await expect(sql.begin((tx) => tx`SELECT 1`)).rejects.toThrow();
  expect(taken).toBeLessThan(5);
  await sql.end({ timeout: 0 });
  balancer.close();
});
