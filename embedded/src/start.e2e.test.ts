import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { CHILD_ENV } from '@psa/test-kit/child-env';
import { freePort } from '@psa/test-kit/free-port';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { postmasterBelow } from './postmaster.test-helper.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const PASSWORD = 'four quiet herons';
const STAFF = ['admin@demo.example', 'technician@demo.example'];
const CUSTOMERS = ['customer@demo.example', 'other@demo.example'];

interface Run {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  output(): string;
}

describe('npm start', () => {
  let dir: TempDir;
  let port: number;
  let url: string;
  const runs: Run[] = [];

  beforeAll(async () => {
    dir = await tempDir('embedded');
    port = await freePort();
    url = `http://127.0.0.1:${port}`;
  });
  afterEach(async () => {
    for (const { child, exited } of runs.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
      await exited;
    }
  });
  afterAll(() => dir.remove());

  const start = (env: Record<string, string> = {}): Run => {
    const child = spawn(process.execPath, [MAIN], {
      env: {
        ...CHILD_ENV,
        PORT: String(port),
        PSA_DATA_DIR: `${dir.path}/data`,
        PSA_DEMO_PASSWORD: PASSWORD,
        RATE_ANONYMOUS_PER_MINUTE: '10000',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        text += chunk;
      });
    }
    const exited = once(child, 'exit').then(([code]) => code as number | null);
    const run = { child, exited, output: () => text };
    runs.push(run);
    return run;
  };
  /** The greeting comes line by line after "ready on"; "Stop: Ctrl-C" ends it but for a hint or two. */
  const ready = async (run: Run) => {
    await until(
      () => run.output().includes('Stop: Ctrl-C') || run.child.exitCode !== null,
      120_000,
      `the platform to be ready: ${run.output()}`,
    );
    expect(run.output()).toContain(`PSA-Platform ready on ${url}\n`);
  };
  // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of many shapes.
  const api = async (method: string, path: string, token: string | null, body?: unknown): Promise<any> => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, ...((await response.json()) as object) };
  };
  const signIn = async (email: string, password = PASSWORD): Promise<string> => {
    const { data } = await api('POST', '/auth/login', null, { email, password });
    return data.access_token;
  };

  it('starts with demo data, keeps what it acknowledged through kill -9, and starts again', async () => {
    const first = start();
    await ready(first);
    for (const email of [...STAFF, ...CUSTOMERS]) expect(first.output()).toContain(email);
    const readiness = await fetch(`${url}/ready`);
    expect(readiness.status, await readiness.text()).toBe(200);

    const tokens = new Map<string, string>();
    for (const email of [...STAFF, ...CUSTOMERS]) tokens.set(email, await signIn(email));
    const all = await api('GET', '/tickets?limit=100&count=exact', tokens.get('technician@demo.example')!);
    expect(all.meta.total).toBeGreaterThanOrEqual(55);
    const owners = new Set<string>();
    for (const email of CUSTOMERS) {
      const own = await api('GET', '/tickets?limit=100&count=exact', tokens.get(email)!);
      expect(own.meta.total).toBeGreaterThan(3);
      expect(own.meta.total).toBeLessThan(all.meta.total);
      const ids = new Set<string>(own.data.map((ticket: { customer_id: string }) => ticket.customer_id));
      expect(ids.size).toBe(1);
      for (const id of ids) owners.add(id);
    }
    expect(owners.size).toBe(2);

    const made = await api('POST', '/tickets', tokens.get('customer@demo.example')!, {
      title: 'Der Beamer im Saal bleibt dunkel',
      description: 'Seit heute Morgen, die Lampe ist neu.',
    });
    expect(made.status).toBe(201);
    first.child.kill('SIGKILL');
    await first.exited;

    const second = start();
    await ready(second);
    expect(second.output()).not.toContain('Making the demo data');
    const technician = await signIn('technician@demo.example');
    const found = await api('GET', `/tickets/${made.data.id}`, technician);
    expect(found.data.title).toBe('Der Beamer im Saal bleibt dunkel');
    const again = await api('GET', '/tickets?limit=1&count=exact', technician);
    expect(again.meta.total).toBe(all.meta.total + 1);

    const asked = Date.now();
    second.child.kill('SIGINT');
    expect(await second.exited).toBe(0);
    // The promise to people, not a measurement.
    expect(Date.now() - asked).toBeLessThan(5_000);
    expect(second.output()).toContain('The data stay in');
  });

  it('survives the death of the database', async () => {
    const run = start();
    await ready(run);
    const token = await signIn('technician@demo.example');
    process.kill(await postmasterBelow(run.child.pid!, `${dir.path}/data/postgres`), 'SIGKILL');
    // Until it is back each answer is 503, and then everything works again without a restart.
    await until(async () => {
      const answers = [
        await api('GET', '/tickets?limit=1', token),
        await api('POST', '/auth/login', null, { email: STAFF[0], password: PASSWORD }),
      ];
      for (const { status } of answers) expect([200, 503]).toContain(status);
      return answers.every(({ status }) => status === 200);
    }, 60_000);
    const made = await api('POST', '/tickets', await signIn('customer@demo.example'), {
      title: 'Nach dem Absturz',
      description: 'Geht wieder.',
    });
    expect(made.status).toBe(201);
    expect(run.child.exitCode).toBeNull();
  });

  it('gives the demo accounts the password that is asked for, and keeps it', async () => {
    const changed = start({ PSA_DEMO_PASSWORD: 'another one now' });
    await ready(changed);
    await signIn('other@demo.example', 'another one now');
    expect((await api('POST', '/auth/login', null, { email: STAFF[0], password: PASSWORD })).status).toBe(
      401,
    );
    changed.child.kill('SIGTERM');
    expect(await changed.exited).toBe(0);

    const kept = start({ PSA_DEMO_PASSWORD: '' });
    await ready(kept);
    expect(kept.output()).toContain('password another one now');
    await signIn('customer@demo.example', 'another one now');
    expect((await stat(`${dir.path}/data/secrets.json`)).mode & 0o777).toBe(0o600);
  });

  it('starts empty when asked to, with a link that makes the first administrator once', async () => {
    const env = { PSA_DEMO: '0', PSA_DATA_DIR: `${dir.path}/empty` };
    const run = start(env);
    await ready(run);
    const token = /\/setup\?token=(\S+)/.exec(run.output())?.[1];
    const setup = {
      token: decodeURIComponent(token!),
      tenant_name: 'Muster IT',
      name: 'Erika Muster',
      email: 'erika@muster.example',
      password: 'seven brown kettles',
    };
    const post = () =>
      fetch(`${url}/api/v1/auth/setup`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(setup),
      });
    expect((await post()).status).toBe(201);
    expect((await post()).status).toBe(409);
    const admin = await signIn(setup.email, setup.password);
    expect((await api('GET', '/tickets?count=exact', admin)).meta.total).toBe(0);
    run.child.kill('SIGINT');
    expect(await run.exited).toBe(0);

    // Later starts put no demo people among real ones.
    const later = start({ PSA_DATA_DIR: env.PSA_DATA_DIR });
    await ready(later);
    expect(later.output()).not.toContain('demo.example');
    expect(later.output()).not.toContain('/setup?token');
  });

  it('says what is wrong and what to do', async () => {
    const failing = async (env: Record<string, string>) => {
      const run = start(env);
      expect(await run.exited).not.toBe(0);
      return run.output();
    };
    expect(await failing({ PORT: 'abc' })).toContain('PORT is "abc". PORT must be a number from 1 to 65535');
    expect(await failing({ PSA_DEMO: 'no' })).toContain('PSA_DEMO must be 0');

    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    expect(await failing({})).toContain(`Port ${port} is in use by another program`);
    other.close();
    await once(other, 'close');

    const run = start();
    await ready(run);
    const elsewhere = await freePort();
    const message = await failing({ PORT: String(elsewhere) });
    expect(message).toContain('is running on these data already');
    expect(message).toContain(`process ${run.child.pid}`);
    run.child.kill('SIGINT');
    await run.exited;

    await writeFile(`${dir.path}/data/postgres/PG_VERSION`, '14\n');
    const foreign = await failing({});
    expect(foreign).toContain('their database is PostgreSQL 14, this release has 15');
    expect(foreign).not.toContain('at startPostgres');

    await writeFile(`${dir.path}/data/secrets.json`, '{"role_pass');
    expect(await failing({})).toContain('put it back from a backup');
  });
});
