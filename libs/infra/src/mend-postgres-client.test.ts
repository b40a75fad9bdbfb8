import { execFile } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { CHILD_ENV } from '@psa/test-kit/child-env';
import { tcpLine } from '@psa/test-kit/tcp-line';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
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

it('queries and answers are compiled once, not again and again', async () => {
  const script = `
    import { Query } from '${pathToFileURL(join(copy, 'src/query.js')).href}';
    import Result from '${pathToFileURL(join(copy, 'src/result.js')).href}';
    const strings = Object.assign(['select 1'], { raw: ['select 1'] });
    const one = () => {
      const query = new Query(strings, [], { debug: false }, () => {});
      const answer = new Result();
      answer.count = 1;
      query.resolve(answer);
    };
    for (let turn = 0; turn < 20; turn++) {
      for (let i = 0; i < 5_000; i++) one();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--trace-opt', '--input-type=module', '--eval', script],
    { env: CHILD_ENV, maxBuffer: 64 * 1024 * 1024 },
  );
  expect(stdout).toMatch(/completed compiling .*Query/);
  // Not one, or the code that calls them goes the same way.
  expect(stdout.split('\n').filter((line) => /aborted .*<JSFunction (Query|Result|one) /.test(line))).toEqual(
    [],
  );
});

it('an answer shows its rows and nothing else', async () => {
  const sql = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
  const rows = await sql`SELECT 1 AS one UNION ALL SELECT 2`;
  expect([rows.count, rows.command, rows.columns?.map(({ name }) => name)]).toEqual([2, 'SELECT', ['one']]);
  expect(Object.keys(rows)).toEqual(['0', '1']);
  const mapped = rows.map((row) => row.one);
  expect(mapped).toStrictEqual([1, 2]);
  await sql.end();
});

/** Ends the backend of a session from outside, as a failover or an administrator would. */
async function terminate(pid: number): Promise<void> {
  const admin = postgres(server.superuserUrl(), { max: 1 });
  await admin`SELECT pg_terminate_backend(${pid}, 5000)`;
  await admin.end();
}

it('a row’s values come as they are, whatever stands beside them', async () => {
  const sql = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
  const texts = [
    '',
    'plain',
    'Müller & Söhne',
    '日本語',
    '🔧',
    'é\u0301',
    '\u0080\u00ff',
    'a'.repeat(70_000),
    'ß'.repeat(40_000),
  ];
  for (const beside of texts) {
    for (const text of texts) {
      const [row] = await sql`
        SELECT ${text} AS text, 42 AS n, NULL::text AS nothing, ${beside} AS beside, true AS yes,
          ARRAY[${text}::text, ${beside}::text, 'x'] AS list, ARRAY[1, 2]::int[] AS numbers,
          jsonb_build_object('t', ${text}::text) AS object, '2026-03-02T09:00:00Z'::timestamptz AS at`;
      expect(row).toEqual({
        ...{ text, n: 42, nothing: null, beside, yes: true, list: [text, beside, 'x'], numbers: [1, 2] },
        ...{ object: { t: text }, at: new Date('2026-03-02T09:00:00Z') },
      });
    }
    expect(await sql`SELECT ${beside} AS a, 1 AS b`.values()).toEqual([[beside, 1]]);
    const [raw] = (await sql`SELECT ${beside} AS a`.raw()) as unknown as Buffer[][];
    expect(raw![0]!.toString('utf8')).toBe(beside);
  }
  await sql.end();
});

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
  await sql.end();
});

it('a query that comes between the error of a connection and its end fails, too', async () => {
  const line = await tcpLine(server.port);
  const { username, password } = new URL(server.superuserUrl());
  const sql = postgres({ host: '127.0.0.1', port: line.port, max: 1, username, password });
  await sql`SELECT 1`;
  const second = sql.unsafe('SELECT pg_sleep(60)').catch(() => sql`SELECT 2 AS n`);
  await until(async () => {
    const admin = postgres(server.superuserUrl(), { max: 1 });
    const sleepers = await admin`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
    await admin.end();
    return sleepers.length > 0;
  });
  line.reset();
  await expect(second).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
  expect(await sql`SELECT 3 AS n`).toEqual([{ n: 3 }]);
  await sql.end();
  await line.close();
});

it('what waits for its turn in a transaction or on a reserved connection fails when that is cut', async () => {
  const sql = postgres(server.superuserUrl(), { max: 2 });
  const settled: Promise<PromiseSettledResult<unknown>[]>[] = [];
  const transaction = sql.begin(async (tx) => {
    const [row] = await tx<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
    settled.push(Promise.allSettled([tx`SELECT pg_sleep(${60})`, tx`SELECT 1`]));
    await terminate(row!.pid);
  });
  await expect(transaction).rejects.toThrow();
  const reserved = await sql.reserve();
  const [row] = await reserved<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
  settled.push(Promise.allSettled([reserved`SELECT pg_sleep(${60})`, reserved`SELECT 1`]));
  await terminate(row!.pid);
  for (const results of await Promise.all(settled))
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  // It has nothing to give back any more.
  await sql`SELECT 1`;
  reserved.release();
  expect(await Promise.all([sql`SELECT 4 AS n`, sql`SELECT 5 AS n`])).toEqual([[{ n: 4 }], [{ n: 5 }]]);
  await sql.end();
});

it('a query that cannot be built fails alone', async () => {
  const sql = postgres(server.superuserUrl(), { max: 1 });
  const wrong = () => sql`SELECT ${undefined as unknown as number}`;
  await expect(wrong()).rejects.toThrow('UNDEFINED_VALUE');
  const [slow, refused, next] = await Promise.allSettled([
    sql`SELECT 1 AS n, pg_sleep(0.1)`,
    wrong(),
    sql`SELECT 2 AS n`,
  ]);
  expect([slow.status, refused.status, next.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await sql`SELECT 3 AS n`).toEqual([{ n: 3 }]);
  await sql.end();
});

it('a transaction may be the last that a connection takes', async () => {
  const sql = postgres(server.superuserUrl(), { max: 1, ...{ max_pipeline: 10 } });
  await sql`SELECT 1`;
  for (const before of [9, 10, 11]) {
    const queries = Array.from({ length: before }, () => sql`SELECT 1`.execute());
    expect(await sql.begin((tx) => tx`SELECT 2 AS n`)).toEqual([{ n: 2 }]);
    await Promise.all(queries);
  }
  await sql.end();
});

it('a place in the pool whose socket could not be made is used again', async () => {
  let isRefused = true;
  const { host, port } = { host: '127.0.0.1', port: server.port };
  // Missing in its types.
  const socket = {
    socket: () => {
      if (isRefused) throw new Error('no socket');
      return connect({ host, port });
    },
  };
  const sql = postgres(server.superuserUrl(), { max: 1, ...socket });
  await expect(sql`SELECT 1`).rejects.toThrow('no socket');
  await expect(sql`SELECT 1`).rejects.toThrow('no socket');
  isRefused = false;
  expect(await sql`SELECT 2 AS n`).toEqual([{ n: 2 }]);
  await sql.end();
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

it('connections that only a burst needed end, though queries go on', async () => {
  const sql = postgres(server.superuserUrl(), {
    max: 8,
    idle_timeout: 1,
    connection: { application_name: 'burst' },
  });
  const open = async () => {
    const [row] = await sql<{ n: number }[]>`
      SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'burst'`;
    return row!.n;
  };
  await Promise.all(Array.from({ length: 8 }, () => sql`SELECT pg_sleep(0.3)`));
  expect(await open()).toBe(8);
  // Each look is a query: far more often than eight times in the second after which a connection may end.
  await until(async () => (await open()) === 1, 10_000, 'the others to end');
  await sql.end();
});
