import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICE_NAMES } from '@psa/contracts/services';
import { freePort } from '@psa/test-kit/free-port';
import { startRedis } from '@psa/test-kit/redis';
import { ServerProcess } from '@psa/test-kit/server-process';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN, type ServiceProcesses, serviceProcesses } from './service-processes.test-helper.ts';

const SCRIPT = new URL('../../scripts/release.ts', import.meta.url).pathname;
let dir: TempDir;
let folder: string;
let rig: ServiceProcesses;

/** Makes a release and unpacks it; returns its folder, far from any node_modules. */
function release(version: string, ...args: string[]): string {
  const to = join(dir.path, version);
  mkdirSync(to);
  execFileSync(process.execPath, [SCRIPT, '--version', version, '--output', dir.path, ...args]);
  execFileSync('tar', ['--zstd', '-xf', join(dir.path, `psa-platform-${version}.tar.zst`), '-C', to]);
  return to;
}

beforeAll(async () => {
  dir = await tempDir('release');
  folder = release('9.8.7');
  rig = await serviceProcesses({
    release: folder,
    env: {
      PORTAL_TECHNICIAN: join(folder, 'portals/technician'),
      PORTAL_CUSTOMER: join(folder, 'portals/customer'),
    },
  });
});
afterAll(async () => {
  await rig?.stop();
  await dir.remove();
});

it('runs without anything beside it: six services, migrations, the first administrator, portals', async () => {
  await rig.start(...SERVICE_NAMES, 'gateway');
  await rig.makeFirstTenant();
  const gateway = rig.urlOf('gateway');
  const login = await fetch(`${gateway}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: ADMIN.email, password: ADMIN.password }),
  });
  expect(login.status).toBe(200);
  const { data } = (await login.json()) as { data: { access_token: string } };
  const customers = await fetch(`${gateway}/api/v1/customers`, {
    headers: { authorization: `Bearer ${data.access_token}` },
  });
  expect(customers.status).toBe(200);
  const page = async (path: string) =>
    (await fetch(gateway + path, { headers: { accept: 'text/html' } })).text();
  expect(await page('/')).toContain('<div id="root">');
  expect(await page('/portal/')).toContain('<div id="root">');
  expect((await fetch(`${gateway}/api/docs/swagger-ui-bundle.js`)).status).toBe(200);
});

it('says its version at /health', async () => {
  for (const name of ['gateway', 'tickets'] as const) {
    const health = (await (await fetch(`${rig.urlOf(name)}/health`)).json()) as { version: string };
    expect([name, health.version]).toEqual([name, '9.8.7']);
  }
});

it('has psactl in it, which needs nothing beside it but what it works on', () => {
  const psactl = (...args: string[]) =>
    execFileSync(process.execPath, [join(folder, 'psactl/main.mjs'), ...args], { encoding: 'utf8' });
  expect(psactl('--version')).toBe('9.8.7\n');
  expect(psactl('backup', 'metrics', '--from', dir.path)).toContain('psa_backup_findings{site="embedded"');
  const inventory = new URL('../../appliance.yaml', import.meta.url).pathname;
  const rendered = psactl(
    'render',
    '--inventory',
    inventory,
    '--output',
    join(dir.path, 'rendered'),
    '--dry-run',
  );
  expect(rendered).toContain('timers/systemd/psa-backup.timer');
});

it('has the sum of every file, and is the same bytes when it is made again', () => {
  execFileSync('sha256sum', ['-c', '--quiet', 'SHA256SUMS'], { cwd: folder });
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trimEnd().split('\n');
  expect(sums.length).toBe(files.length - 1);
  const bytes = () => readFileSync(join(dir.path, 'psa-platform-9.8.7.tar.zst'));
  const first = bytes();
  execFileSync(process.execPath, [SCRIPT, '--version', '9.8.7', '--output', dir.path]);
  expect(bytes().equals(first)).toBe(true);
});

it('can be broken on purpose: the service lives and never says that it is ready', async () => {
  const broken = release('9.8.8', '--break', 'health=gateway');
  const [port, redis] = [await freePort(), await startRedis()];
  const env = { PATH: process.env.PATH, PORT: `${port}`, REDIS_URL: redis.url, LOG_LEVEL: 'warn' };
  const gateway = new ServerProcess(process.execPath, [join(broken, 'services/gateway/main.mjs')], env, port);
  try {
    await gateway.start(60_000);
    await until(async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok);
    const ready = await fetch(`http://127.0.0.1:${port}/ready`);
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('broken on purpose')]);
  } finally {
    await gateway.end('SIGKILL');
    await redis.stop();
  }
  const whole = readFileSync(join(broken, 'services/tickets/main.mjs'), 'utf8');
  expect(whole).not.toContain('broken on purpose');
});
