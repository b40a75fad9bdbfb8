import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

// What a transaction sends at once: mends 11, 12, 15 and 17 of mend-postgres-client.mjs, on the installed client.
let dir: TempDir;
let server: PostgresServer;

beforeAll(async () => {
  dir = await tempDir('flights');
  server = await startPostgres({ dataDir: join(dir.path, 'pg'), durable: false });
});
afterAll(async () => {
  await server.stop();
  await dir.remove();
});

/** Starts a transaction without waiting for the answer to BEGIN. */
const eager = <T extends (tx: postgres.TransactionSql) => Promise<unknown>>(work: T): T =>
  Object.assign(work, { eager: true });

it('an eager transaction starts with its BEGIN, and runs nothing more when that fails', async () => {
  const sql = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
  await sql`CREATE TABLE begun (n int)`;
  const work = eager(async (tx) => {
    await tx`SELECT 1`;
    await tx`INSERT INTO begun VALUES (1)`;
  });
  const failing = sql.begin('nonsense', work);
  await expect(failing).rejects.toMatchObject({ code: '42601' });
  // The connection is as good as before, for transactions too.
  const numbers = await Promise.all(
    [2, 3, 4].map((n) =>
      sql.begin(async (tx) => (await tx`INSERT INTO begun VALUES (${n}) RETURNING n`)[0]!.n),
    ),
  );
  expect(numbers).toEqual([2, 3, 4]);
  expect((await sql`SELECT n FROM begun ORDER BY n`).map((row) => row.n)).toEqual([2, 3, 4]);
  await sql.end();
});

/** A socket that notes each write. */
function watched(port: number, written: Buffer[]): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = ((...args: unknown[]) => {
    written.push(Buffer.from(args[0] as Buffer));
    return write(...args);
  }) as typeof socket.write;
  return new Promise((resolve) => socket.once('connect', () => resolve(socket)));
}

/** A client of one connection, and what it writes. */
function watchedClient() {
  const written: Buffer[] = [];
  const { port } = new URL(server.superuserUrl());
  const socket = () => watched(Number(port), written);
  return { sql: postgres(server.superuserUrl(), { max: 1, socket } as never), written };
}

it('what an eager transaction sends before its first answer is one write to the socket', async () => {
  const { sql, written } = watchedClient();
  const text = 'x'.repeat(3_000);
  const asked = eager(async (tx) => Promise.all([tx`SELECT ${text}`, tx`SELECT ${text}`, tx`SELECT ${1}`]));
  const work = () => sql.begin(asked);
  // The first time, statements are prepared one by one.
  await work();
  written.length = 0;
  await work();
  // BEGIN and all that follows, then COMMIT.
  expect(written).toHaveLength(2);
  await sql.end();
});

it('what is under way goes out with COMMIT where nothing follows: one write to the socket in all', async () => {
  const { sql, written } = watchedClient();
  const work = () =>
    sql.begin(
      'read only',
      eager(async (tx) => {
        const asked = [tx`SELECT 1`.execute(), tx`SELECT ${2}::int AS n`.execute()];
        (tx as unknown as { commit(): void }).commit();
        await expect(tx`SELECT 3`).rejects.toMatchObject({ code: 'TRANSACTION_OVER' });
        return Promise.all(asked);
      }),
    );
  await expect(work()).rejects.toMatchObject({ code: 'TRANSACTION_OVER' });
  const quiet = () =>
    sql.begin(
      'read only',
      eager(async (tx) => {
        const asked = [tx`SELECT 1`.execute(), tx`SELECT ${2}::int AS n`.execute()];
        (tx as unknown as { commit(): void }).commit();
        return Promise.all(asked);
      }),
    );
  await quiet();
  written.length = 0;
  expect((await quiet())[1]).toEqual([{ n: 2 }]);
  expect(written).toHaveLength(1);
  // The connection serves others.
  expect(
    (await sql.begin(async (tx) => tx`SELECT pg_current_xact_id_if_assigned() AS id`))[0]!.id,
  ).toBeNull();
  await sql.end();
});

/** How often a client asks the server to say that it is ready: the message Sync. */
const syncs = (written: readonly Buffer[]) =>
  Buffer.concat(written).toString('latin1').split('S\0\0\0\x04').length - 1;

it('what a transaction sends at once is answered at once', async () => {
  const { sql, written } = watchedClient();
  const work = (size: number) =>
    sql.begin(
      eager(async (tx) => {
        const text = 'x'.repeat(size);
        const asked = [tx`SELECT ${1}::int AS n`, tx`SELECT ${text} AS t`, tx``, tx`SELECT ${2}::int AS m`];
        const answers = Promise.all(asked.map((one) => one.execute()));
        (tx as unknown as { commit(): void }).commit();
        return answers;
      }),
    );
  await work(1);
  await work(1);
  written.length = 0;
  expect(await work(3)).toEqual([[{ n: 1 }], [{ t: 'xxx' }], [], [{ m: 2 }]]);
  expect([written.length, syncs(written)]).toEqual([1, 1]);
  // What is too long for one write is answered in as many pieces.
  written.length = 0;
  expect((await work(20_000))[3]).toEqual([{ m: 2 }]);
  expect(syncs(written)).toBe(written.length);
  await sql.end();
});

it('what fails undoes all that came with it, COMMIT included, and the connection goes on', async () => {
  const sql = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
  await sql`CREATE TABLE flights (flight int, n int, PRIMARY KEY (flight, n) DEFERRABLE INITIALLY DEFERRED)`;
  await sql`CREATE TABLE once (n int PRIMARY KEY)`;
  await sql`INSERT INTO once VALUES (1)`;
  const fly = (flight: number, fails: number, how: 'with COMMIT' | 'then COMMIT' | 'savepoint') => {
    const seen: string[] = [];
    const note = (one: PromiseLike<unknown>) =>
      one.then(
        () => void seen.push('good'),
        (error: { code: string }) => void seen.push(error.code),
      );
    const work = eager(async (tx) => {
      const send = (on: postgres.TransactionSql) => {
        const asked = [0, 1, 2].map((n) =>
          n === fails
            ? on`INSERT INTO once VALUES (${1})`.execute()
            : on`INSERT INTO flights VALUES (${flight}, ${n})`.execute(),
        );
        for (const one of asked) void note(one);
        return asked;
      };
      if (how === 'savepoint') {
        await tx.savepoint(async (inner) => Promise.all(send(inner))).catch(() => {});
        await tx`INSERT INTO flights VALUES (${flight}, 9)`;
        return;
      }
      const asked = send(tx);
      if (how === 'with COMMIT') (tx as unknown as { commit(): void }).commit();
      else await Promise.all(asked);
      await Promise.allSettled(asked);
    });
    return {
      done: sql.begin(work).then(
        () => 'good',
        (error: { code: string }) => error.code,
      ),
      seen,
    };
  };
  // Twice: the first time on a connection, statements are prepared one by one.
  for (const round of [0, 1, 2]) {
    for (const [i, how] of (['with COMMIT', 'then COMMIT', 'savepoint'] as const).entries()) {
      for (const fails of [0, 1, 2, 3]) {
        const flight = round * 100 + i * 10 + fails;
        const { done, seen } = fly(flight, fails, how);
        const ended = await done;
        const rows = (await sql`SELECT n FROM flights WHERE flight = ${flight} ORDER BY n`).map(({ n }) => n);
        const text = `${how}, ${fails} fails, round ${round}`;
        expect(seen, text).toEqual(
          [0, 1, 2].map((n) => (n < fails ? 'good' : n === fails ? '23505' : '25P02')),
        );
        if (how === 'savepoint') expect(rows, text).toEqual(fails === 3 ? [0, 1, 2, 9] : [9]);
        else {
          expect(rows, text).toEqual(fails === 3 ? [0, 1, 2] : []);
          expect(ended, text).toBe(fails === 3 ? 'good' : '23505');
        }
      }
    }
  }
  // What COMMIT itself finds out fails there.
  const late = sql.begin(
    eager(async (tx) => {
      await tx`INSERT INTO flights VALUES (1000, 1)`;
      await tx`INSERT INTO flights VALUES (1000, 1)`;
    }),
  );
  await expect(late).rejects.toMatchObject({ code: '23505' });
  expect((await sql`SELECT count(*)::int AS n FROM flights WHERE flight = 1000`)[0]!.n).toBe(0);
  await sql.end();
});

it('nothing runs of what was sent with a BEGIN that fails', async () => {
  const sql = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
  await sql`CREATE TABLE never (n int)`;
  const work = eager(async (tx) => {
    const asked = [1, 2].map((n) => tx`INSERT INTO never VALUES (${n})`.execute());
    (tx as unknown as { commit(): void }).commit();
    await Promise.all(asked);
  });
  await sql.begin(work);
  for (let i = 0; i < 3; i++) {
    await expect(sql.begin('nonsense', work)).rejects.toMatchObject({ code: '42601' });
  }
  await sql.begin(work);
  expect((await sql`SELECT count(*)::int AS n FROM never`)[0]!.n).toBe(4);
  await sql.end();
});

it('transactions and single queries share a small pool for long, none waits for ever, none sees the other', async () => {
  const sql = postgres(server.superuserUrl(), { max: 3, onnotice: () => {} });
  await sql`CREATE TABLE shared (n int PRIMARY KEY, by text NOT NULL)`;
  let done = 0;
  const one = async (n: number) => {
    const kind = n % 4;
    if (kind === 0) expect((await sql`SELECT ${n}::int AS n`)[0]!.n).toBe(n);
    else if (kind === 3) {
      const failing = sql.begin(n % 8 === 3 ? 'nonsense' : 'read write', async (tx) => {
        await tx`INSERT INTO shared VALUES (${n}, 'failing')`;
        throw new Error('undone');
      });
      await expect(failing).rejects.toThrow();
    } else {
      const work = async (tx: postgres.TransactionSql) => {
        // Some wait for answers, some send it all, some of these with COMMIT.
        if (kind === 1) await tx`SELECT 1`;
        const first = tx`INSERT INTO shared VALUES (${n}, pg_backend_pid()::text)`.execute();
        if (kind === 2 && n % 3 === 0) {
          const last = tx`SELECT by = pg_backend_pid()::text AS mine FROM shared WHERE n = ${n}`.execute();
          (tx as unknown as { commit(): void }).commit();
          await first;
          return (await last)[0]!.mine;
        }
        const [seen] = await tx`SELECT by = pg_backend_pid()::text AS mine FROM shared WHERE n = ${n}`;
        await first;
        return seen!.mine;
      };
      expect(await sql.begin(n % 8 < 4 ? work : eager(work))).toBe(true);
    }
    done++;
  };
  await Promise.all(Array.from({ length: 2_000 }, (_, n) => one(n)));
  expect(done).toBe(2_000);
  expect(
    (await sql`SELECT count(*)::int AS n, count(*) FILTER (WHERE by = 'failing')::int AS bad FROM shared`)[0],
  ).toEqual({
    n: 1_000,
    bad: 0,
  });
  await sql.end();
});
