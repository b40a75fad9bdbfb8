import { randomUUID } from 'node:crypto';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from '@psa/infra/database/migrate';
import { provision } from '@psa/infra/database/provision';
import { freePort } from '@psa/infra/free-port';
import { type PostgresServer, startPostgres } from '@psa/infra/postgres-server';
import { type TcpLine, tcpLine } from '@psa/test-kit/tcp-line';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Scope } from './context.ts';
import { Database, type Tx } from './database.ts';
import { toAppError } from './errors.ts';
import { PrimaryWatch } from './primary-watch.ts';

/** A primary behind a line that can fail, and a replica that streams from it. */
const PASSWORD = 'of the role';
const fixtures = { service: 'kit_test', folder: new URL('./fixtures/', import.meta.url) };
const scope: Scope = { tenant_id: randomUUID(), customer_id: null };
let dir: TempDir;
let primary: PostgresServer;
let replica: PostgresServer;
let line: TcpLine;
let db: Database;

beforeAll(async () => {
  dir = await tempDir('replica');
  const [dataDir, copy] = [join(dir.path, 'primary'), join(dir.path, 'replica')];
  const options = { dataDir, port: await freePort(), password: 'super', durable: false } as const;
  primary = await startPostgres(options);
  const admin = postgres(primary.superuserUrl(), { max: 1, onnotice: () => {} });
  await provision(admin, [{ service: 'kit_test', password: PASSWORD }]);
  await migrate(admin, [fixtures]);
  await admin.end();
  // A replica begins as a copy of what the primary has at rest.
  await primary.stop();
  await cp(dataDir, copy, { recursive: true, preserveTimestamps: true });
  await writeFile(join(copy, 'standby.signal'), '');
  primary = await startPostgres(options);
  const source = `host=127.0.0.1 port=${primary.port} user=postgres password=super`;
  replica = await startPostgres({
    dataDir: copy,
    password: 'super',
    durable: false,
    settings: { primary_conninfo: source },
  });
  line = await tcpLine(primary.port);
});
afterAll(async () => {
  await line?.close();
  await Promise.all([replica?.stop(), primary?.stop()]);
  await dir.remove();
});
beforeEach(() => {
  line.set('open');
  const url = (port: number) =>
    `postgres://psa_kit_test:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`;
  db = new Database({ url: url(line.port), readUrl: url(replica.port), max: 4 });
});
afterEach(() => {
  line.set('open');
  return db.close();
});

const server = async (tx: Tx) => {
  const [row] = await tx.sql<{ replica: boolean }[]>`select pg_is_in_recovery() as replica`;
  return row!.replica ? 'replica' : 'primary';
};
const insert = (name: string) => async (tx: Tx) => {
  await tx.sql`insert into things (tenant_id, id, name, secret) values (${scope.tenant_id}, ${randomUUID()}, ${name}, false)`;
};
const names = async (tx: Tx) => (await tx.sql`select name from things`).map((row) => row.name as string);
const write = (name: string) => db.tx(scope, insert(name));
const writes = (name: string) =>
  write(name).then(
    () => true,
    () => false,
  );

it('reads from the primary while it is there', async () => {
  await write('seen at once');
  expect(await db.read(scope, server)).toBe('primary');
  expect(await db.read(scope, names)).toContain('seen at once');
});

describe.each(['closing', 'silent'] as const)('while the way to the primary is %s', (state) => {
  it('reads come from the replica, writes are refused with 503, and all is as before when it is back', async () => {
    const name = `before ${randomUUID()}`;
    await write(name);
    await until(async () => {
      const sql = postgres(replica.superuserUrl(), { max: 1 });
      const rows = await sql`select from kit_test.things where name = ${name}`.finally(() => sql.end());
      return rows.length === 1;
    });
    line.set(state);
    const reads = await Promise.all(Array.from({ length: 10 }, () => db.read(scope, names)));
    for (const read of reads) expect(read).toContain(name);
    expect(await db.read(scope, server)).toBe('replica');

    const refused = await write('lost').then(
      () => null,
      (error: unknown) => toAppError(error),
    );
    expect(refused).toMatchObject({ status: 503, code: 'DATABASE_ERROR', retryAfter: 2 });
    await expect(db.system(async (tx) => tx.sql`select 1`)).rejects.toThrow();
    await expect(db.ping()).rejects.toThrow();

    line.set('open');
    await until(() => writes(`back ${randomUUID()}`));
    expect(await db.read(scope, server)).toBe('primary');
    expect(await db.read(scope, names)).not.toContain('lost');
  });
});

it('does a write again whose connection was cut before its COMMIT, and does it once', async () => {
  await Promise.all(Array.from({ length: 4 }, (_, i) => write(`warm ${i}`)));
  line.cut();
  // Each of the idle connections is dead, and says so only when it is used.
  await Promise.all(Array.from({ length: 8 }, (_, i) => write(`after the cut ${i}`)));
  let turns = 0;
  await db.tx(scope, async (tx) => {
    turns++;
    await insert('cut in the middle')(tx);
    if (turns === 1) line.cut();
    await tx.sql`select 1`;
  });
  const found = await db.read(scope, names);
  expect(found.filter((name) => name.startsWith('after the cut'))).toHaveLength(8);
  expect([turns, found.filter((name) => name === 'cut in the middle').length]).toEqual([2, 1]);
});

it('never commits what it gave up', async () => {
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const result = db
    .tx(scope, async (tx) => {
      await insert('given up')(tx);
      begun.resolve();
      await goOn.promise;
    })
    .catch((error: unknown) => error);
  await begun.promise;
  // Others find that the primary is away, while this one's connection only hangs.
  line.set('silent');
  await expect(write('other')).rejects.toThrow();
  expect(await result).toBeInstanceOf(Error);
  line.set('open');
  goOn.resolve();
  await until(() => writes(`later ${randomUUID()}`));
  await sleep(200);
  expect(await db.read(scope, names)).not.toContain('given up');
});

it('writes fail, and reads too, where there is no replica', async () => {
  const url = `postgres://psa_kit_test:${encodeURIComponent(PASSWORD)}@127.0.0.1:${line.port}/postgres`;
  const alone = new Database({ url, max: 2 });
  await alone.tx(scope, insert('alone'));
  line.set('closing');
  await expect(alone.read(scope, names)).rejects.toThrow();
  line.set('open');
  await until(() =>
    alone.read(scope, names).then(
      (found) => found.includes('alone'),
      () => false,
    ),
  );
  await alone.close();
});

it('gives up connections that have fallen silent for good, and does what was lost on them again, once', async () => {
  const url = `postgres://psa_kit_test:${encodeURIComponent(PASSWORD)}@127.0.0.1:${line.port}/postgres`;
  const impatient = new Database({ url, max: 2, silenceMs: 400 });
  await impatient.tx(scope, insert('before the silence'));
  let turns = 0;
  await impatient.tx(scope, async (tx) => {
    turns++;
    await insert('in the silence')(tx);
    if (turns === 1) line.strand();
    await tx.sql`select 1`;
  });
  const found = await db.read(scope, names);
  expect([turns, found.filter((name) => name === 'in the silence').length]).toEqual([2, 1]);
  await impatient.close();
});

it('leaves a transaction alone that says nothing for longer, and gives it up when it is not answered then', async () => {
  const url = `postgres://psa_kit_test:${encodeURIComponent(PASSWORD)}@127.0.0.1:${line.port}/postgres`;
  const impatient = new Database({ url, max: 1, silenceMs: 400 });
  const turns: string[] = [];
  await impatient.tx(scope, async (tx) => {
    turns.push('begun');
    await sleep(900);
    await tx.sql`select 1`;
    turns.push('answered');
    if (turns.length === 2) line.strand();
    await tx.sql`select 1`;
  });
  expect(turns).toEqual(['begun', 'answered', 'begun', 'answered']);
  await impatient.close();
});

it('leaves connections to a server that is a replica now and goes on answering', async () => {
  // Opened to what is a replica, as connections are whose server gave its office away.
  line.redirect(replica.port);
  const url = `postgres://psa_kit_test:${encodeURIComponent(PASSWORD)}@127.0.0.1:${line.port}/postgres`;
  const stale = new Database({ url, max: 4 });
  await Promise.all(Array.from({ length: 4 }, () => stale.read(scope, names)));
  line.redirect(primary.port);
  await Promise.all(Array.from({ length: 8 }, (_, i) => stale.tx(scope, insert(`after the change ${i}`))));
  const found = await db.read(scope, names);
  expect(found.filter((name) => name.startsWith('after the change'))).toHaveLength(8);
  await stale.close();
});

it('takes a primary that goes on answering for none that is away, however long a new connection takes', async () => {
  const nobody = await tcpLine(primary.port);
  nobody.set('silent');
  const url = `postgres://psa_kit_test:${encodeURIComponent(PASSWORD)}@127.0.0.1:${line.port}/postgres`;
  const alone = new Database({ url, max: 2 });
  await alone.tx(scope, insert('on the first connection'));
  line.redirect(nobody.port);
  const busy = async (times: number) => {
    for (let i = 0; i < times; i++) await alone.tx(scope, async (tx) => tx.sql`select pg_sleep(0.05)`);
  };
  // One has the connection; who comes second asks for another, doubts, and asks in vain for one more.
  const all = Promise.all([busy(120), busy(1)]);
  const stranger = new PrimaryWatch(url, 500);
  expect(await stranger.doubt()).toBe(false);
  await all;
  line.redirect(primary.port);
  stranger.close();
  await alone.close();
  await nobody.close();
});

it('takes no lateness of its own for a primary that is away', async () => {
  const watch = new PrimaryWatch(primary.superuserUrl(), 1_000);
  const isThere = watch.doubt();
  // Longer than its patience: the primary's answers lie in the socket.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
  expect(await isThere).toBe(true);
  expect(watch.isAway).toBe(false);
  watch.close();
});
