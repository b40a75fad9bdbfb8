import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeLab, fakeLab } from '../fake-lab.test-helper.ts';
import { signFile } from '../sign.test-helper.ts';
import { readHistory } from '../site/deployed.ts';
import type { SiteStatus } from '../status/site-status-text.ts';

let lab: FakeLab;
beforeAll(async () => {
  lab = await fakeLab();
  for (const version of ['0.2.0', '0.3.0', '0.4.0']) await pack(version);
  await pack('0.9.0', { 'never-ready': '' });
  // A busy machine lets a step run out of its time; apply goes on where it stopped.
  let ran = await lab.psactl('apply', '--yes');
  for (let again = 0; again < 3 && ran.code !== 0; again++) ran = await lab.psactl('apply', '--yes');
  if (ran.code !== 0) throw new Error(ran.stderr + ran.stdout.split('\n').slice(-12).join('\n'));
}, 900_000);
afterAll(() => lab?.close(), 300_000);

const releases = () => lab.site.path(lab.site.inventory.releases.directory);

/** Puts the archive of a release where the inventory wants it. */
async function pack(version: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'psa-pack-'));
  const files = { VERSION: `${version}\n`, 'migrate/main.mjs': `// ${version}\n`, ...more };
  await mkdir(join(folder, 'migrate'));
  const sums: string[] = [];
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text);
    sums.push(`${createHash('sha256').update(text).digest('hex')}  ${name}\n`);
  }
  await writeFile(join(folder, 'SHA256SUMS'), sums.join(''));
  const file = join(releases(), `psa-platform-${version}.tar.zst`);
  execFileSync('tar', ['--zstd', '-cf', file, '-C', folder, '.']);
  await signFile(file);
  await rm(folder, { recursive: true });
}

/** Two services are enough to see what happens to one while the other has its turn. */
const SERVICES = ['crm', 'auth'] as const;

/** What the status says of their replicas: release and rotation. */
async function replicas(): Promise<string[]> {
  const { stdout, stderr } = await lab.psactl('status', '--site', 'lab', '--json');
  const { services } = JSON.parse(stdout || stderr) as SiteStatus;
  return services
    .filter((one) => (SERVICES as readonly string[]).includes(one.name))
    .flatMap((one) => one.replicas)
    .map((one) => `${one.running} ${one.ready} ${one.rotation}`);
}
const everywhere = async (release: string) => {
  const found = await replicas();
  expect(new Set(found)).toEqual(new Set([`${release} true serving`]));
  const plan = await lab.psactl('plan', '--json', '--detailed-exitcode');
  expect(JSON.parse(plan.stdout)).toMatchObject({ steps: [], problems: [] });
};

describe('psactl deploy', { timeout: 900_000 }, () => {
  it('brings a release onto every replica of the services, with a dump of the database before', async () => {
    const ran = await lab.psactl('deploy', ...SERVICES, '--release', '0.2.0', '--json');
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    const { backup } = JSON.parse(ran.stdout) as { backup: string };
    const { sha256 } = JSON.parse(await readFile(`${backup}.json`, 'utf8')) as { sha256: string };
    expect(
      createHash('sha256')
        .update(await readFile(backup))
        .digest('hex'),
    ).toBe(sha256);
    const listed = await lab.psactl('backup', 'list', '--json');
    expect(JSON.parse(listed.stdout).data).toMatchObject([{ file: backup, state: 'good', kind: 'deploy' }]);
    await everywhere('0.2.0');
    const again = await lab.psactl('deploy', ...SERVICES, '--release', '0.2.0');
    expect(again).toMatchObject({ code: 0, stdout: 'Nothing to do: every replica runs 0.2.0.\n' });
  });

  it('goes back by itself when a release does not get ready, and says why', async () => {
    const ran = await lab.psactl(
      'deploy',
      ...SERVICES,
      '--release',
      '0.9.0',
      '--ready-seconds',
      '3',
      '--json',
    );
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      ok: false,
      ended: 'rolled_back',
      reason: expect.stringMatching(/psa-auth-1: .*It is not ready after 3 s: release: broken on purpose/),
      lost: [],
    });
    await everywhere('0.2.0');
    const last = (await readHistory(lab.site.folder.path)).at(-1);
    expect(last).toMatchObject({ outcome: 'rolled_back', to: { auth: '0.9.0' }, from: { auth: '0.2.0' } });
  });

  it('refuses what is not there, and a site that is not fit', async () => {
    const none = await lab.psactl('deploy', '--release', '7.7.7');
    expect(none.code).toBe(10);
    expect(none.stderr).toContain('npm run release -- --version 7.7.7');
    expect((await lab.psactl('deploy', 'nobody', '--release', '0.3.0')).code).toBe(2);
    await lab.psactl('exec', 'psa-crm-2', '--', 'systemctl', 'stop', 'psa@crm.service');
    const ill = await lab.psactl('deploy', 'crm', '--release', '0.3.0');
    expect(ill.code).toBe(1);
    expect(ill.stderr).toMatch(/replicas are healthy: .*psa-crm-2: nothing answers at its port/);
    await lab.psactl('exec', 'psa-crm-2', '--', 'systemctl', 'start', 'psa@crm.service');
    await everywhere('0.2.0');
  });

  it('killed at any moment, goes on where it was', async () => {
    const args = ['deploy', ...SERVICES, '--release', '0.3.0', '--no-backup', '--site', 'lab'];
    for (const after of [1_500, 4_000, 6_000, 8_000, 11_000]) await lab.killed(after, ...args);
    const done = await lab.psactl(...args);
    expect(done.code, done.stderr).toBe(0);
    await everywhere('0.3.0');
  });

  it('is taken back by rollback, finished or not', async () => {
    await lab.killed(12_000, 'deploy', ...SERVICES, '--release', '0.4.0', '--no-backup', '--site', 'lab');
    const back = await lab.psactl('rollback', ...SERVICES, '--to', '0.3.0');
    expect(back.code, back.stderr).toBe(0);
    await everywhere('0.3.0');
    expect((await lab.psactl('deploy', 'crm', '--release', '0.4.0', '--no-backup')).code).toBe(0);
    const one = await lab.psactl('rollback', 'crm');
    expect(one.stdout).toMatch(/^Every replica runs 0\.3\.0, was 0\.4\.0/);
    await everywhere('0.3.0');
  });

  it('waits for nobody who holds the site', async () => {
    await lab.site.folder.locked('a test', async () => {
      expect((await lab.psactl('deploy', ...SERVICES, '--release', '0.4.0', '--no-backup')).code).toBe(11);
    });
  });
});
