import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@psa/test-kit/free-port';
import { settled } from '@psa/test-kit/platform';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session } from './api/credentials.ts';
import { generatedLog, logFile } from './import/log-file.test-helper.ts';
import { BIN, PASSWORD, psactlEnv, type RunningPlatform, startPlatform } from './platform.test-helper.ts';
import { COMMANDS } from './registry.ts';
import { selfSigned } from './self-signed.test-helper.ts';

const ADMIN = 'admin@test.example';
const TECHNICIAN = 'technician@demo.example';
const ROOT = join(import.meta.dirname, '../..');

let dir: TempDir;
let platform: RunningPlatform;
beforeAll(async () => {
  dir = await tempDir('psactl-commands-e2e');
  platform = await startPlatform();
  await platform.api('POST', '/api/v1/users', {
    email: TECHNICIAN,
    name: 'Tech',
    role: 'technician_l1',
    password: PASSWORD,
  });
});
afterAll(async () => {
  await platform?.stop();
  await dir.remove();
});

type Env = Record<string, string>;
/** Runs the program itself, off a terminal. */
async function psactl(argv: readonly string[], env: Env, stdin = '') {
  const child = spawn(join(BIN, 'psactl'), argv, { env, cwd: dir.path });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (out.stdout += chunk));
  child.stderr.on('data', (chunk) => (out.stderr += chunk));
  child.stdin.end(stdin);
  const [code] = await once(child, 'close');
  return { code: code as number, ...out };
}
/** Nobody is signed in, with a home of one's own. */
const nobody = (home: string): Env => ({
  PSA_URL: platform.url,
  ...psactlEnv(join(dir.path, home)),
});

describe.each<[string, () => Promise<Env>]>([
  ['PSA_EMAIL and PSA_PASSWORD', async () => platform.env],
  [
    'PSA_API_KEY',
    async () => {
      const { data } = await platform.api('POST', '/api/v1/api-keys', {
        name: 'cron',
        current_password: PASSWORD,
      });
      return { ...nobody('key'), PSA_API_KEY: data.key };
    },
  ],
  [
    'psactl login',
    async () => {
      const env = nobody('login');
      const ran = await psactl(['login', '--email', ADMIN, '--password-stdin'], env, `${PASSWORD}\n`);
      expect(ran).toMatchObject({ code: 0, stdout: `Signed in at ${platform.url} as ${ADMIN}.\n` });
      return env;
    },
  ],
])('with %s', (source, signIn) => {
  let env: Env;
  beforeAll(async () => {
    env = await signIn();
  });
  const json = async (...argv: string[]) => {
    const { code, stdout, stderr } = await psactl([...argv, '--json'], env);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout);
  };

  it('the status is whole', async () => {
    const status = await json('status');
    expect(status).toMatchObject({ psactl: 1, ok: true, url: platform.url, ready: true, notes: [] });
    expect(Object.keys(status.checks)).toEqual(
      expect.arrayContaining(['auth', 'crm', 'tickets', 'events', 'search']),
    );
    expect(status.tickets.unassigned).toBe(0);
    expect(status.events.total).toBeGreaterThan(0);
    expect((await psactl(['status'], env)).stdout).toMatch(/^PSA-Platform \S+ at http:\S+: ready, up /);
  });

  it('the platform is told how the backups are', async () => {
    const report = ['backup', 'metrics', '--from', '.', '--report'];
    const { data } = await json(...report);
    expect(data).toMatchObject({ reported: true, site: 'embedded' });
    const told = (await platform.api('GET', '/api/v1/backups')).data;
    expect(told).toMatchObject([{ site: 'embedded', at: data.at, findings: [{ kind: 'missing' }] }]);
    // Who is not signed in has the figures all the same, and is told.
    const other = await psactl(report, nobody('report'));
    expect([other.code, other.stdout]).toEqual([0, expect.stringContaining('psa_backup_findings')]);
    expect(other.stderr).toContain('The platform was not told');
    const wrong = await psactl(report, { ...nobody('report'), PSA_API_KEY: 'psa_wrong_key' });
    expect(wrong.code).toBe(12);
  });

  it('a user is created, listed and can sign in', async () => {
    const email = `ole-${source.length}@example.com`;
    const args = ['user', 'create', email, '--name', 'Ole Berg', '--role', 'dispatcher'];
    expect(await psactl([...args, '--dry-run'], env)).toMatchObject({
      code: 0,
      stdout: `Would create Ole Berg <${email}> as dispatcher, invited by mail.\n`,
    });
    const made = await psactl([...args, '--password-stdin'], env, 'sommer-regen-kiesel-42');
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining(`Created Ole Berg <${email}>`) });
    const { users } = await json('user', 'list', '--role', 'dispatcher');
    expect(users).toEqual(expect.arrayContaining([expect.objectContaining({ email, status: 'active' })]));
    const own = { ...nobody('ole'), PSA_EMAIL: email, PSA_PASSWORD: 'sommer-regen-kiesel-42' };
    expect(JSON.parse((await psactl(['status', '--json'], own)).stdout).tickets).not.toBeNull();
    expect(await psactl([...args, '--invite'], env)).toMatchObject({ code: 1, stdout: '' });
  });

  it('the audit log is proved and knows who did it', async () => {
    const count = async () =>
      (await platform.sql`select count(*)::int as n from auth.audit_log`)[0]!.n as number;
    await settled(platform.sql);
    const before = await count();
    const { entries, intact, head_hash } = await json('audit', 'verify');
    // The command signs in, and that is an entry itself: before it is counted or after.
    await settled(platform.sql);
    expect(intact).toBe(true);
    expect(before).toBeGreaterThan(0);
    expect(entries).toBeGreaterThanOrEqual(before);
    expect(entries).toBeLessThanOrEqual(await count());
    expect(head_hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('a dead letter is listed and handed over again, to its effect', async () => {
    const { sql } = platform;
    const name = `Lost ${source}`;
    const { data: customer } = await platform.api('POST', '/api/v1/customers', { name });
    await settled(sql);
    const document = () => sql`select title from search.documents where id = ${customer.id} and not removed`;
    expect(await document()).toHaveLength(1);
    // As if search had failed at it until the last retry.
    const { data: history } = await platform.api('GET', `/api/v1/events/history?aggregate_id=${customer.id}`);
    const { recorded_at, seq, ...event } = history[0];
    await sql`delete from search.documents where id = ${customer.id}`;
    await sql`delete from search.objects where id = ${customer.id}`;
    await sql`delete from search.inbox where event_id = ${event.id}`;
    const [own] = await sql`select tenant_id from crm.customers where id = ${customer.id}`;
    await sql`insert into bus.events (consumer, aggregate, event, failures, error, parked_at)
      values ('search.index', ${customer.id}, ${sql.json({ ...event, tenant_id: own!.tenant_id })}, 7, 'disk full', now())`;

    expect((await json('events', 'dlq', 'list')).dead_letters).toMatchObject([
      { consumer: 'search.index', event: { id: event.id, type: 'customer.created.v1' }, error: 'disk full' },
    ]);
    expect((await psactl(['events', 'dlq', 'list'], env)).stdout).toMatch(/disk full\n1 dead letter\n$/);
    const refused = await psactl(['events', 'dlq', 'replay', 'search.index'], env);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('Add --yes') });
    expect(await json('events', 'dlq', 'replay', 'search.index', '--yes')).toMatchObject({ replayed: 1 });
    await settled(sql);
    expect(await document()).toEqual([{ title: name }]);
    expect((await psactl(['events', 'dlq', 'list'], env)).stdout).toBe('No dead letters.\n');
  });
});

describe('a stored session', () => {
  const session = async (env: Env) => {
    const path = join(env.HOME!, '.config/psactl/credentials.json');
    const file = JSON.parse(await readFile(path, 'utf8')) as { sessions: Record<string, Session> };
    const save = (changed: Partial<Session>) => {
      file.sessions[platform.url] = { ...file.sessions[platform.url]!, ...changed };
      return writeFile(path, JSON.stringify(file));
    };
    return { path, save, ...file.sessions[platform.url]! };
  };
  const signedIn = async (home: string) => {
    const env = nobody(home);
    expect((await psactl(['login', '--email', ADMIN, '--password-stdin'], env, PASSWORD)).code).toBe(0);
    return env;
  };

  it('is for its owner alone and holds no password', async () => {
    const env = await signedIn('owner');
    const { path } = await session(env);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
    expect(await readFile(path, 'utf8')).not.toContain(PASSWORD);
  });

  it.each<[string, Partial<Session>]>([
    ['has expired', { expires_at: Date.now() - 1_000 }],
    ['is refused before its time', { access_token: 'eyJhbGciOiJSUzI1NiJ9.e30.AAAA' }],
  ])('is renewed when its token %s, and kept as safe', async (name, changed) => {
    const env = await signedIn(name.replaceAll(' ', '-'));
    const before = await session(env);
    await before.save(changed);
    expect((await psactl(['user', 'list'], env)).code).toBe(0);
    const after = await session(env);
    expect(after.refresh_token).not.toBe(before.refresh_token);
    expect(after.expires_at).toBeGreaterThan(Date.now());
    expect((await stat(after.path)).mode & 0o777).toBe(0o600);
    expect((await psactl(['audit', 'verify'], env)).code).toBe(0);
  });

  it('that the platform has ended says to sign in again', async () => {
    const env = await signedIn('ended');
    const { save } = await session(env);
    await save({ expires_at: 0, refresh_token: 'gone' });
    const ran = await psactl(['user', 'list'], env);
    expect(ran).toMatchObject({ code: 12, stdout: '' });
    expect(ran.stderr).toContain(`The session of ${ADMIN} has ended.`);
    expect(ran.stderr).toContain('fix: Run "psactl login"');
  });

  it('is ended by logout, here and there', async () => {
    const env = await signedIn('logout');
    const before = await session(env);
    expect((await psactl(['logout'], env)).stdout).toBe(`Signed out ${ADMIN} at ${platform.url}.\n`);
    expect((await psactl(['user', 'list'], env)).code).toBe(12);
    const { refresh_token } = before;
    await expect(platform.api('POST', '/api/v1/auth/refresh', { refresh_token })).rejects.toThrow(': 401 ');
  });
});

describe('what cannot be done', () => {
  it('is said in a sentence with the exit code of the help, also as JSON', async () => {
    const nothing = await freePort();
    const https = createServer(selfSigned('localhost'), (_, response) => void response.end('{}'));
    await new Promise<void>((done) => https.listen(0, '127.0.0.1', done));
    const untrusted = `https://127.0.0.1:${(https.address() as AddressInfo).port}`;
    const technician = { ...nobody('tech'), PSA_EMAIL: TECHNICIAN, PSA_PASSWORD: PASSWORD };
    const create = ['user', 'create', 'x@example.com', '--name', 'X', '--invite', '--role'];
    const cases: [argv: string[], env: Env, exit: number, code: string, stderr: RegExp][] = [
      [
        ['user', 'list'],
        { ...platform.env, PSA_URL: `http://127.0.0.1:${nothing}` },
        1,
        'UNREACHABLE',
        /does not answer\.\n {2}why: connect ECONNREFUSED.*\n {2}fix: Start the platform \("npm start"\)/,
      ],
      [
        ['status'],
        { ...nobody('x'), PSA_URL: `https://127.0.0.1:${platform.port}` },
        1,
        'NOT_TLS',
        /does not speak TLS\./,
      ],
      [['status'], { ...nobody('x'), PSA_URL: untrusted }, 1, 'UNTRUSTED_CERTIFICATE', /NODE_EXTRA_CA_CERTS/],
      [
        ['user', 'list'],
        { ...technician, PSA_PASSWORD: 'wrong' },
        12,
        'INVALID_CREDENTIALS',
        /Unable to sign in as technician@demo\.example: .*\n {2}why: .*\n {2}fix: Check /,
      ],
      [
        ['user', 'list'],
        { ...nobody('x'), PSA_API_KEY: 'psa_wrong' },
        12,
        'TOKEN_INVALID',
        /fix: Check PSA_API_KEY/,
      ],
      [
        ['user', 'list'],
        nobody('x'),
        12,
        'AUTHENTICATION_REQUIRED',
        /Nobody is signed in\.\n {2}fix: Run "psactl login"/,
      ],
      [
        ['audit', 'verify'],
        technician,
        12,
        'PERMISSION_DENIED',
        /fix: Sign in with an account whose role may do this/,
      ],
      [
        [...create, 'dispatcher'],
        technician,
        12,
        'PERMISSION_DENIED',
        /Unable to create the user x@example\.com/,
      ],
      [[...create, 'king'], platform.env, 1, 'VALIDATION_ERROR', /\n {2}role: /],
      [[...create, 'customer_user', '--customer', 'None'], platform.env, 10, 'NOT_FOUND', /there is none/],
      [
        ['import', 'tickets', 'x.csv', '--format', 'servicenow-log'],
        platform.env,
        10,
        'NOT_FOUND',
        /no such file/,
      ],
    ];
    try {
      for (const [argv, env, exit, code, message] of cases) {
        const text = await psactl(argv, env);
        expect({ argv, code: text.code, stdout: text.stdout }).toEqual({ argv, code: exit, stdout: '' });
        expect(text.stderr).toMatch(message);
        expect(text.stderr.match(/^psactl: Unable to .*\.$/gm), text.stderr).toHaveLength(1);
        expect(text.stderr).not.toMatch(/\n\s+at |node:internal/);
        const json = await psactl([...argv, '--json'], env);
        expect(json.code).toBe(exit);
        expect(JSON.parse(json.stdout)).toMatchObject({ psactl: 1, ok: false, exit, error: { code } });
      }
    } finally {
      https.close();
    }
  });

  it('costs one try at a wrong password, not several: five would lock the account', async () => {
    await psactl(['status'], { ...nobody('x'), PSA_EMAIL: ADMIN, PSA_PASSWORD: 'wrong' });
    const [row] = await platform.sql`select failed_logins from auth.users where email = ${ADMIN}`;
    expect(row!.failed_logins).toBe(1);
  });
});

describe('the program itself', () => {
  it('is what npx runs in the repository, on the Node of a bare machine', async () => {
    const path = (process.env.PATH ?? '').split(':').filter((part) => !part.includes('node_modules'));
    const { stdout } = await promisify(execFile)('npx', ['--no-install', 'psactl', 'status', '--json'], {
      cwd: ROOT,
      env: { ...nobody('npx'), PATH: path.join(':'), npm_config_update_notifier: 'false' },
    });
    expect(JSON.parse(stdout)).toMatchObject({ ready: true });
  });

  it('does what the examples in the help say, all of them, in a shell', { timeout: 300_000 }, async () => {
    await writeFile(join(dir.path, 'incident_event_log.csv'), logFile(generatedLog(8)));
    await platform.api('POST', '/api/v1/customers', { name: 'Muster GmbH' });
    const env = { ...platform.env, HOME: join(dir.path, 'examples') };
    // Those of a cluster are run where there is one.
    for (const { load } of COMMANDS.filter(({ on }) => on === 'platform')) {
      for (const { run } of (await load()).examples) {
        const options = { cwd: dir.path, env };
        const { stdout } = await promisify(execFile)('bash', ['-c', run], options).catch((error) => {
          throw new Error(`${run}\n${error.stdout}${error.stderr}`);
        });
        expect(stdout, run).not.toBe('');
        if (run.includes('--json')) expect(JSON.parse(stdout), run).toMatchObject({ psactl: 1, ok: true });
      }
    }
  });
});
