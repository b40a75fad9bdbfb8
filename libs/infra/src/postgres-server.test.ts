import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closedTo, otherThanRoot } from './postgres-identity.ts';
import { serverProcesses } from './postgres-processes.ts';
import { type PostgresExit, type PostgresServer, startPostgres } from './postgres-server.ts';

const servers: PostgresServer[] = [];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'psa-pg-'));
});

afterAll(async () => {
  for (const server of servers) await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: Partial<Parameters<typeof startPostgres>[0]> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ dataDir: join(folder, 'data'), durable: false, ...options });
  servers.push(server);
  return server;
}

describe('whom it runs as', () => {
  it('is somebody whom the machine knows, and never root', () => {
    const known = 'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n';
    expect(otherThanRoot(known)).toEqual({ uid: 1, gid: 1, name: 'daemon' });
    expect(otherThanRoot('root:x:0:0:root:/root:/bin/sh\n')).toBeNull();
    expect(otherThanRoot('')).toBeNull();
  });

  it('names the folder that keeps this user out, as /root does with what is cloned into it', async () => {
    const inner = join(folder, 'closed', 'inner');
    await mkdir(inner, { recursive: true });
    await chmod(folder, 0o755);
    await chmod(join(folder, 'closed'), 0o700);
    const { uid, gid } = await stat(inner);
    expect(await closedTo({ uid: 4_242, gid: 4_242 }, inner)).toBe(join(folder, 'closed'));
    expect(await closedTo({ uid, gid }, inner)).toBeNull();
    await chmod(join(folder, 'closed'), 0o710);
    expect(await closedTo({ uid: 4_242, gid }, inner)).toBeNull();
  });

  it.runIf(process.getuid?.() === 0)(
    'root starts it twice on the same data in a closed folder where no user namespace can be made, as in a chroot',
    async () => {
      const data = join(folder, 'only-root', 'data');
      const root = join(folder, 'chroot');
      await mkdir(join(folder, 'only-root'), { mode: 0o700 });
      await mkdir(root);
      const script = `
        import postgres from 'postgres';
        import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, 'postgres-server.ts'))};
        for (const round of [1, 2]) {
          const server = await startPostgres({ dataDir: ${JSON.stringify(data)}, durable: false });
          const sql = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
          await sql\`create table if not exists rounds (n int)\`;
          await sql\`insert into rounds values (\${round})\`;
          console.log((await sql\`select count(*)::int as n from rounds\`)[0].n);
          await sql.end();
          await server.stop();
        }
        console.log(spawnSync('unshare', ['--user', 'true']).status === 0 ? 'a namespace' : 'no namespace');`;
      const inside = `import { spawnSync } from 'node:child_process';${script}`;
      const line =
        'mount --make-rprivate / && mount --rbind / "$1" && cd "$4" && exec chroot "$1" sh -c \'cd "$4" && exec "$2" --input-type=module -e "$3"\' sh "$@"';
      const { stdout } = await promisify(execFile)('unshare', [
        ...['-m', 'bash', '-c', line, 'bash', root, process.execPath, inside, import.meta.dirname],
      ]);
      expect(stdout.trim().split('\n')).toEqual(['1', '2', 'no namespace']);
    },
    60_000,
  );
});

describe('startPostgres', () => {
  it('keeps data over a stop and a restart, and refuses a wrong password', async () => {
    const first = await start({ password: 'a:b/c@ d' });
    const sql = postgres(first.superuserUrl(), { max: 1, onnotice: () => {} });
    await sql`CREATE TABLE notes (text text)`;
    await sql`INSERT INTO notes VALUES ('Grüße')`;
    await sql.end();
    const wrong = postgres(first.superuserUrl(), { max: 1, password: 'wrong' });
    await expect(wrong`SELECT 1`).rejects.toMatchObject({ code: '28P01' });
    await wrong.end();
    await expect(startPostgres({ dataDir: join(folder, 'data') })).rejects.toThrow(/is using it/);
    await first.stop();
    await first.stop();

    // The password is kept beside the data, so the second start need not name it.
    const second = await start();
    const again = postgres(second.superuserUrl(), { max: 1 });
    expect(await again`SELECT text FROM notes`).toEqual([{ text: 'Grüße' }]);
    const [locale] = await again`SELECT lower('ÄÖÜ') AS lower`;
    expect(locale).toEqual({ lower: 'äöü' });
    await again.end();
    await second.stop();
  });

  it('loads the extensions that search and constraints need', async () => {
    const server = await start();
    const sql = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
    for (const name of ['pg_trgm', 'unaccent', 'btree_gin', 'btree_gist']) {
      await sql`CREATE EXTENSION IF NOT EXISTS ${sql(name)}`;
    }
    const [row] =
      await sql`SELECT unaccent('Müller') AS plain, similarity('printer', 'pritner') > 0.2 AS near`;
    expect(row).toEqual({ plain: 'Muller', near: true });
    await sql.end();
    await server.stop();
  });

  it('comes back with its data when the postmaster is killed', async () => {
    const server = await start({ dataDir: join(folder, 'killed'), supervise: true, durable: true });
    const exits: PostgresExit[] = [];
    server.onExit((exit) => exits.push(exit));
    const sql = postgres(server.superuserUrl(), { max: 4 });
    await sql`CREATE TABLE numbers (n int)`;
    for (let round = 1; round <= 3; round++) {
      await sql`INSERT INTO numbers VALUES (${round})`;
      const before = server.pid;
      const back = new Promise<void>((resolve) => {
        const off = server.onRestart(() => {
          off();
          resolve();
        });
      });
      process.kill(before, 'SIGKILL');
      await back;
      expect(server.pid).not.toBe(before);
      // The pool notices the lost connections at its next use.
      await sql`SELECT 1`.catch(() => {});
      expect(await sql`SELECT count(*)::int AS n FROM numbers`).toEqual([{ n: round }]);
    }
    await sql.end();
    await server.stop();
    expect(exits.map((exit) => [exit.signal, exit.expected])).toEqual([
      ['SIGKILL', false],
      ['SIGKILL', false],
      ['SIGKILL', false],
      [null, true],
    ]);
  });

  it('gives up, and touches nothing there, when its data were moved away and others stand in their place', async () => {
    const [dataDir, moved] = [join(folder, 'lost/postgres'), join(folder, 'lost.old')];
    const first = await start({ dataDir, supervise: true });
    await rename(join(folder, 'lost'), moved);
    // As a restore puts it there: whole, and nobody's yet.
    await cp(moved, join(folder, 'lost'), { recursive: true });
    await rm(`${dataDir}.owner`);
    await rm(join(dataDir, 'postmaster.pid'));
    const pid = first.pid;
    const lost = new Promise<void>((resolve) => void first.onLost(resolve));
    // The server does this by itself when it next looks for its pid file, which takes a minute.
    process.kill(pid, 'SIGQUIT');
    await lost;
    expect(await serverProcesses(dataDir)).toEqual([]);
    const second = await start({ dataDir });
    await first.stop();
    const sql = postgres(second.superuserUrl(), { max: 1 });
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }]);
    await sql.end();
    expect(existsSync(`${dataDir}.owner`)).toBe(true);
    await second.stop();
    expect(existsSync(`${dataDir}.owner`)).toBe(false);
  });

  it('ends the server that a killed process left behind, then starts its own', async () => {
    const dataDir = join(folder, 'orphan');
    const script = `
      import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, 'postgres-server.ts'))};
      const server = await startPostgres({ dataDir: ${JSON.stringify(dataDir)}, durable: false });
      console.log(server.pid);
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const orphan = await new Promise<number>((resolve) =>
      owner.stdout.once('data', (it) => resolve(Number(it))),
    );
    const dead = new Promise((resolve) => owner.once('exit', resolve));
    owner.kill('SIGKILL');
    await dead;

    const server = await start({ dataDir });
    expect(server.pid).not.toBe(orphan);
    expect(await serverProcesses(dataDir)).not.toContain(orphan);
    await server.stop();
  });

  it('starts afresh where the first creation was killed midway, and leaves nothing else behind', async () => {
    const dataDir = join(folder, 'midway');
    const script = `
      import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, 'postgres-server.ts'))};
      void startPostgres({ dataDir: ${JSON.stringify(dataDir)}, durable: false });`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    const dead = new Promise((resolve) => owner.once('exit', resolve));
    while (!(await readdir(folder)).some((name) => name.startsWith('midway.init-'))) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    owner.kill('SIGKILL');
    await dead;

    const server = await start({ dataDir });
    const sql = postgres(server.superuserUrl(), { max: 1 });
    expect(await sql`SELECT 1 AS one`).toEqual([{ one: 1 }]);
    await sql.end();
    await server.stop();
    expect((await readdir(folder)).filter((name) => name.startsWith('midway'))).toEqual(['midway']);
  });
});
