import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { FollowPlan } from '@psa/recovery/dr/follow';
import type { DrPlan } from '@psa/recovery/dr/plan';
import type { Finding } from '@psa/recovery/health';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { examplesOf } from '../examples.test-helper.ts';
import { runCli } from '../run-cli.test-helper.ts';
import { Cluster } from '../site/cluster.ts';
import { readDrState } from '../site/dr-state.ts';
import { SiteFolder } from '../site/folder.ts';
import { readDrJournal, unfinished } from './dr-journal.ts';
import type { DrStatus } from './dr-status.ts';
import type { FailedBack } from './failback.ts';
import type { FailedOver } from './failover.ts';
import type { Following } from './follow.ts';
import { type TwoLabs, twoLabs } from './two-labs.test-helper.ts';

let labs: TwoLabs;
beforeAll(async () => {
  labs = await twoLabs({ kind: 'warm', feed: 'main.example.com:8433' });
}, 900_000);
afterAll(() => labs?.close(), 300_000);

const json = <T>(code: number, ...argv: string[]) => labs.json<T>(code, ...argv);
const refused = (code: number, ...argv: string[]) => labs.refused(code, ...argv);
const status = (code: number) => json<{ data: DrStatus }>(code, 'dr', 'status').then(({ data }) => data);
const outcomes = ({ steps }: Pick<FailedOver, 'steps'>) =>
  Object.fromEntries(steps.map(({ id, outcome }) => [id, outcome]));

/** Runs a line in a container of a site. */
async function inside<T>(site: string, group: string, work: (cluster: Cluster, id: number) => Promise<T>) {
  const open = await labs.main.open(site);
  try {
    const cluster = new Cluster(open, new AbortController().signal);
    const [first] = await cluster.running(group);
    return await work(cluster, first!.id);
  } finally {
    await open.close();
  }
}
const plant = (site: string, group: string, path: string, text: string) =>
  inside(site, group, (cluster, id) =>
    cluster.must(id, ['sh', '-c', `mkdir -p "$(dirname ${path})" && cat >${path}`], { stdin: text }),
  );
const active = (site: string, group: string, unit: string) =>
  inside(site, group, async (cluster, id) =>
    (await cluster.exec(id, ['systemctl', 'is-active', unit])).stdout.trim(),
  );
const findings = async () =>
  (await json<{ data: { findings: Finding[] } }>(0, 'backup', 'metrics', '--site', 'lab')).data.findings
    .filter(({ series }) => series === 'standby')
    .map(({ kind }) => kind);

/** A machine that has the inventory, the tokens and the keys, and has never done anything. */
async function anotherMachine() {
  const home = await mkdtemp(join(tmpdir(), 'psa-another-'));
  homes.push(home);
  const { dir, inventory } = labs.main;
  const whole = parse(await readFile(inventory, 'utf8')) as {
    sites: { token_file: string; ssh: { key_file: string } }[];
    releases: { directory: string };
  };
  const beside = (named: string) => resolve(dirname(inventory), named);
  for (const site of whole.sites) {
    site.token_file = beside(site.token_file);
    site.ssh.key_file = beside(site.ssh.key_file);
  }
  whole.releases.directory = beside(whole.releases.directory);
  const file = join(home, 'appliance.yaml');
  await writeFile(file, stringify(whole));
  const env = { HOME: dirname(dir), PSA_LAB_DIR: dir, PSA_INVENTORY: file };
  return {
    folderOf: (site: string) => new SiteFolder(join(home, '.psactl', site)),
    async json<T>(code: number, ...argv: string[]): Promise<T> {
      const ran = await runCli([...argv, '--json'], env, { cwd: home });
      expect(ran.code, ran.stdout + ran.stderr).toBe(code);
      return JSON.parse(ran.stdout) as T;
    },
    async refused(code: number, ...argv: string[]): Promise<string> {
      const ran = await runCli(argv, env, { cwd: home });
      expect(ran.code, ran.stdout + ran.stderr).toBe(code);
      return ran.stderr;
    },
  };
}
const homes: string[] = [];
afterAll(() => Promise.all(homes.map((home) => rm(home, { recursive: true, force: true }))));

describe('psactl dr, warm', { timeout: 900_000 }, () => {
  it('says that nothing follows yet, on both sides', async () => {
    expect((await status(3)).problems.join('\n')).toContain('dr does not follow, although dr.kind is warm');
    expect(await findings()).toEqual(['standby_silent']);
    for (const line of await examplesOf('dr follow')) {
      const ran = await labs.main.psactl(...line.split(' ').slice(1));
      expect([line, ran.code], ran.stderr).toEqual([line, 0]);
    }
  });

  it('has the other site follow: the database runs, what serves lies ready', async () => {
    const { data } = await json<{ data: Following }>(0, 'dr', 'follow', '--yes');
    expect(data.steps.map(({ id }) => id)).toEqual(['carry', 'ready', 'copy', 'follow']);
    expect(await readDrState(labs.folderOf('dr'))).toMatchObject({ epoch: 1, role: 'following' });
    expect(await active('dr', 'postgres', 'patroni.service')).toBe('active');
    expect(await active('dr', 'ops', 'psa-follow-log.service')).toBe('active');
    expect(await active('dr', 'haproxy', 'haproxy.service')).toBe('inactive');
    expect(await active('dr', 'tickets', 'psa@tickets.service')).toBe('inactive');
    expect(await active('lab', 'ops', 'psa-feed.service')).toBe('active');
    expect((await json<{ steps: object[] }>(0, 'plan', '--site', 'dr')).steps).toEqual([]);
    const shown = await labs.main.psactl('status', '--site', 'dr');
    expect([shown.code, shown.stdout], shown.stdout).toEqual([
      0,
      expect.stringMatching(/^dr: healthy, follows the other site[\s\S]*lies ready/),
    ]);
    const { standby, predicted, sites } = await status(3);
    expect(standby).toMatchObject({ role: 'standby_leader', behind_bytes: 0 });
    expect(standby!.lag_seconds).toBeLessThan(60);
    expect(predicted.rpo_minutes).toBe(1);
    expect(sites).toMatchObject([{ role: 'serving' }, { role: 'following' }]);
    expect(
      await refused(1, 'deploy', '--release', '0.1.0', '--site', 'dr', '--no-backup', '--yes'),
    ).toContain('follows the other one');
  });

  it('tells what is wrong with it, there and here', async () => {
    const asked = (ago: number, role = 'standby_leader') =>
      plant(
        'lab',
        'ops',
        '/var/lib/psa-feed/standby',
        `at ${Math.floor(Date.now() / 1000) - ago}\nrole ${role}\nbehind 0\n`,
      );
    await asked(5);
    expect(await findings()).toEqual([]);
    await asked(5, 'master');
    expect(await findings()).toEqual(['standby_behind']);
    await asked(600);
    expect(await findings()).toEqual(['standby_silent']);
    const trouble = (text: string) => plant('dr', 'ops', '/var/lib/psa-follow-trouble', text);
    const problems = async () => (await status(3)).problems.join('\n');
    const old = Math.floor(Date.now() / 1000) - 900;
    await trouble(
      `log.at ${old}\nlog.failing The other site does not answer: Permission denied (publickey).\n`,
    );
    expect(await problems()).toMatch(
      /Nothing has come from lab for 1[56] min: The other site does not answer: Permission/,
    );
    await trouble(`log.at ${old}\nlog.failing Unable to bring x: tar: No space left on device\nfree 1000\n`);
    expect(await problems()).toMatch(/No space left[\s\S]*disk_gb[\s\S]*0 MiB of room left/);
    await trouble('');
    // Secrets that were changed at the one that serves.
    const file = labs.folderOf('lab').file('secrets.json');
    const before = await readFile(file, 'utf8');
    await writeFile(file, JSON.stringify({ ...JSON.parse(before), patroni_rest: 'another' }));
    expect(await problems()).toContain('dr lacks the secrets patroni_rest of lab: psactl dr follow');
    await writeFile(file, before);
    expect(await problems()).not.toContain('lacks');
  });

  it('takes a database away that somebody has promoted, after a yes', async () => {
    await inside('dr', 'postgres', (cluster, id) =>
      cluster.must(id, ['sh', '-c', 'patronictl edit-config --apply - --force'], {
        stdin: '{"standby_cluster": null}\n',
      }),
    );
    expect((await status(3)).problems.join('\n')).toContain('takes writes by itself');
    const refusedPlan = await json<DrPlan>(0, 'dr', 'failover', '--scenario', 'cluster-lost', '--dry-run');
    expect(refusedPlan.steps.map(({ id }) => id)).toContain('clear');
    const plan = await json<FollowPlan>(0, 'dr', 'follow', '--dry-run');
    expect(plan.steps.find(({ id }) => id === 'clear')).toMatchObject({ confirm: true });
    const { data } = await json<{ data: Following }>(0, 'dr', 'follow', '--yes');
    expect(data.steps.map(({ id }) => id)).toEqual(['carry', 'clear', 'ready', 'copy', 'follow']);
    expect((await status(3)).standby).toMatchObject({ role: 'standby_leader' });
  });

  it('is known by every machine with the inventory; what nobody says is refused by name', async () => {
    const lost = ['dr', 'failover', '--scenario', 'cluster-lost'];
    const one = await anotherMachine();
    const seen = (await one.json<{ data: DrStatus }>(3, 'dr', 'status')).data;
    expect(seen.sites).toMatchObject([{ role: 'serving' }, { role: 'following' }]);
    expect(seen.standby).toMatchObject({ role: 'standby_leader' });
    const plan = await one.json<DrPlan>(0, ...lost, '--dry-run');
    expect([plan.warm, plan.steps.map(({ id }) => id)]).toEqual([
      true,
      expect.arrayContaining(['open', 'wake']),
    ]);
    expect(await one.folderOf('dr').secrets()).toEqual(await labs.folderOf('dr').secrets());
    expect((await stat(one.folderOf('dr').file('secrets.json'))).mode & 0o777).toBe(0o600);
    expect((await one.json<{ steps: object[] }>(0, 'plan', '--site', 'dr')).steps).toEqual([]);

    await plant('dr', 'ops', '/var/lib/psa/dr.json', '');
    const two = await anotherMachine();
    const why = await two.refused(1, ...lost, '--fence', '--yes');
    expect(why).toContain('does not know whether dr follows');
    expect(why).toContain('psactl dr follow');
    await labs.power(labs.standby, false);
    expect(await two.refused(1, ...lost, '--fence', '--yes')).toContain('does not know whether dr follows');
    await labs.power(labs.standby, true);
    await json(0, 'dr', 'follow', '--yes');
    expect((await two.json<DrPlan>(0, ...lost, '--dry-run')).warm).toBe(true);
  });

  it('has it take over when all nodes are gone, also when it is killed in the middle', async () => {
    await labs.power(labs.main, false);
    const lost = ['dr', 'failover', '--scenario', 'cluster-lost', '--yes'];
    const open = () => unfinished(readDrJournal(labs.folderOf('dr')));
    expect(await labs.main.killedWhen(async () => open()?.done.has('claim') ?? false, ...lost)).toBe(true);
    const another = await anotherMachine();
    expect(await another.refused(1, ...lost)).toMatch(/was begun by .* and has not ended/);
    expect((await another.json<DrPlan>(0, ...lost.slice(0, -1), '--anew', '--dry-run')).warm).toBe(true);
    const { data } = await json<{ data: FailedOver }>(0, ...lost);
    expect(outcomes(data)).toMatchObject({
      look: 'done',
      claim: 'before',
      open: 'done',
      wake: 'done',
      switch: 'done',
    });
    expect(data.steps.map(({ id }) => id)).toEqual([
      ...['look', 'claim', 'catch_up', 'open', 'wake', 'smoke', 'switch', 'notify'],
    ]);
    expect(data.resumed).toBe(true);
    expect(data.rpo_ms).toBeLessThan(60_000);
    expect(await readDrState(labs.folderOf('dr'))).toMatchObject({ epoch: 2, role: 'serving' });
    expect(await active('dr', 'haproxy', 'haproxy.service')).toBe('active');
    expect(await active('dr', 'tickets', 'psa@tickets.service')).toBe('active');
    expect(await active('dr', 'ops', 'psa-follow-log.service')).toBe('inactive');
    expect((await json<{ steps: object[] }>(0, 'plan', '--site', 'dr')).steps).toEqual([]);
  });

  it('goes back as a cold one does, and follows anew', async () => {
    await labs.power(labs.main, true);
    expect(await refused(1, 'dr', 'follow', '--yes')).toContain('psactl dr failback');
    const { data } = await json<{ data: FailedBack }>(0, 'dr', 'failback', '--yes');
    expect(data).toMatchObject({ from: 'dr', site: 'lab' });
    const again = await json<{ data: Following }>(0, 'dr', 'follow', '--yes');
    expect(again.data.steps.map(({ id }) => id)).toContain('clear');
    expect(await readDrState(labs.folderOf('dr'))).toMatchObject({ epoch: 3, role: 'following' });
    expect(await active('dr', 'haproxy', 'haproxy.service')).toBe('inactive');
    expect((await json<{ steps: object[] }>(0, 'plan', '--site', 'dr')).steps).toEqual([]);
    expect((await status(3)).standby).toMatchObject({ role: 'standby_leader' });
  });

  it('takes over from a machine that has never seen it, and the first one learns of it', async () => {
    await labs.power(labs.main, false);
    const another = await anotherMachine();
    const { data } = await another.json<{ data: FailedOver }>(
      0,
      ...['dr', 'failover', '--scenario', 'cluster-lost', '--yes'],
    );
    expect(data.steps.map(({ id, outcome }) => [id, outcome])).toEqual(
      ['look', 'claim', 'catch_up', 'open', 'wake', 'smoke', 'switch', 'notify'].map((id) => [id, 'done']),
    );
    expect(await active('dr', 'tickets', 'psa@tickets.service')).toBe('active');
    expect(await readDrState(labs.folderOf('dr'))).toMatchObject({ role: 'following' });
    expect((await status(3)).serving).toBe('dr');
    expect(await readDrState(labs.folderOf('dr'))).toMatchObject({ epoch: 4, role: 'serving' });
    await labs.power(labs.main, true);
    const back = await json<{ data: FailedBack }>(0, 'dr', 'failback', '--yes');
    expect(back.data).toMatchObject({ from: 'dr', site: 'lab' });
    expect((await another.json<{ data: DrStatus }>(3, 'dr', 'status')).data.serving).toBe('lab');
  });
});
