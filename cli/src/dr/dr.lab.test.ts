import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DrPlan } from '@psa/recovery/dr/plan';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examplesOf } from '../examples.test-helper.ts';
import type { FakeLab } from '../fake-lab.test-helper.ts';
import { withLock } from '../lock.ts';
import { Cluster } from '../site/cluster.ts';
import { withClusterLock } from '../site/cluster-lock.ts';
import { readDrState } from '../site/dr-state.ts';
import { readDrJournal, unfinished } from './dr-journal.ts';
import type { DrStatus } from './dr-status.ts';
import type { FailedBack } from './failback.ts';
import type { FailedOver } from './failover.ts';
import { type TwoLabs, twoLabs } from './two-labs.test-helper.ts';

let labs: TwoLabs;
let main: FakeLab;
beforeAll(async () => {
  labs = await twoLabs({ kind: 'cold' });
  main = labs.main;
}, 900_000);
afterAll(() => labs?.close(), 300_000);

const json = <T>(code: number, ...argv: string[]) => labs.json<T>(code, ...argv);
const failover = (code: number, scenario: string, ...argv: string[]) =>
  json<{ data: FailedOver }>(code, 'dr', 'failover', '--scenario', scenario, '--yes', ...argv);
const refused = (code: number, ...argv: string[]) => labs.refused(code, ...argv);
const status = (code: number) => json<{ data: DrStatus }>(code, 'dr', 'status').then(({ data }) => data);
const folderOf = (site: string) => labs.folderOf(site);
const power = (lab: FakeLab, on: boolean) => labs.power(lab, on);
const cluster = () => new Cluster(main.site, new AbortController().signal);
const outcomes = ({ steps }: FailedOver) => Object.fromEntries(steps.map(({ id, outcome }) => [id, outcome]));

describe('psactl dr', { timeout: 900_000 }, () => {
  it('says what would be lost, and what is missing, before anything has happened', async () => {
    const bare = await status(3);
    expect(bare).toMatchObject({
      serving: 'lab',
      copies: { database: null },
      predicted: { rpo_minutes: null },
    });
    expect(bare.problems.join('\n')).toMatch(/no good copy of the database[\s\S]*of the secrets/);
    const parts = ['--only', 'database,redis,secrets,releases'];
    await json(0, 'backup', 'run', '--tier', 'grandfather', '--site', 'lab', ...parts);
    const here = await status(3);
    expect(here.copies.database!.age_minutes).toBeLessThan(10);
    expect(here.problems).toEqual([expect.stringContaining('No copy of the database is outside')]);
    await json(0, 'offsite', 'send', '--site', 'lab', '--yes');
    const { predicted, problems, places, sites } = await status(0);
    expect(problems).toEqual([]);
    expect(predicted).toMatchObject({ by: 'assumed', rpo_minutes: expect.any(Number) });
    expect(new Set(places.map(({ place }) => place))).toEqual(
      new Set([folderOf('lab').file('backups'), 'offsite:']),
    );
    expect(sites).toMatchObject([
      { name: 'lab', answers: true },
      { name: 'dr', answers: true, role: 'serving' },
    ]);
  });

  it('does nothing while anything of the site answers', async () => {
    const said = await refused(1, 'dr', 'failover', '--scenario', 'cluster-lost', '--yes');
    expect(said).toMatch(/The site lab is not gone: the API of pve1 answers[\s\S]*its edge answers/);
    expect(said).toContain('--fence');
    const { refusals } = await json<DrPlan>(0, 'dr', 'failover', '--scenario', 'cluster-lost', '--dry-run');
    expect(refusals).toHaveLength(1);
    expect(readDrJournal(folderOf('dr'))).toEqual([]);
  });

  it('names what it needs to know, and what does not fit', async () => {
    expect(await refused(1, 'dr', 'failover', '--scenario', 'node-lost', '--yes')).toContain('--node');
    expect(
      await refused(2, 'dr', 'failover', '--scenario', 'container-failed', '--container', 'psa-x-1', '--yes'),
    ).toContain('"psa-x-1"');
    expect(
      await refused(2, 'dr', 'failover', '--scenario', 'cluster-lost', '--node', 'pve1', '--yes'),
    ).toContain('--node');
    expect(
      await refused(1, 'dr', 'failover', '--scenario', 'node-lost', '--node', 'pve1', '--yes'),
    ).toContain('it is online');
    expect(
      await refused(1, 'dr', 'failover', '--scenario', 'data-corrupted', '--before', '2020-01-01', '--yes'),
    ).toContain('no good backup of the database');
    expect(await refused(2, 'dr', 'failback', '--yes')).toContain('lab serves already');
  });

  it('runs the examples of its help', async () => {
    for (const name of ['dr status', 'dr failover', 'dr failback', 'dr fence', 'dr playbooks'])
      for (const line of await examplesOf(name)) {
        const ran = await main.psactl(...line.split(' ').slice(1));
        // Nothing to go back from.
        expect([line, ran.code], ran.stderr).toEqual([line, name === 'dr failback' ? 2 : 0]);
      }
  });

  it('does not begin while another psactl is at it, here or on another machine', async () => {
    const argv = ['dr', 'failover', '--scenario', 'database-failed', '--yes'];
    const here = () => withLock(folderOf('lab').file('dr-lock'), 0, 'it', () => refused(11, ...argv));
    expect(await here()).toContain('the failover of this site');
    const { signal } = new AbortController();
    const what = { name: 'dr', what: 'psactl dr failback', signal };
    const said = await withClusterLock(main.site, what, () => refused(11, ...argv));
    expect(said).toContain('psactl dr failback');
  });

  it('does not take a site for fenced when the hook fails', async () => {
    const hook = "      fence: 'echo no such socket >&2; exit 1'\n";
    await main.edit((text) => text.replace(/^( +)switch:/m, `${hook}$&`.replace(/^ +/, '$1')));
    const said = await refused(1, 'dr', 'fence', '--site', 'lab', '--yes');
    expect(said).toMatch(/dr\.hooks\.fence[\s\S]*no such socket/);
    expect((await readDrState(folderOf('lab'))).role).toBe('serving');
    await main.edit((text) => text.replace(/^ +fence: .*\n/m, ''));
  });

  it('starts a container that has stopped, and restores nothing of it', async () => {
    const { node } = await cluster().need(200);
    await main.site.client.run('POST', `/nodes/${node}/lxc/200/status/stop`);
    const { data } = await failover(0, 'container-failed', '--container', 'psa-haproxy-1');
    expect(outcomes(data)).toEqual({ restart: 'done', container: 'left_out', smoke: 'done' });
    expect((await cluster().need(200)).status).toBe('running');
  });

  it('restores the database where it is, the services stopped meanwhile', async () => {
    const { data } = await failover(0, 'database-corrupt');
    expect(data).toMatchObject({ site: 'lab', rpo_ms: expect.any(Number) });
    expect(data.steps.map(({ id }) => id)).toEqual([
      'quiet',
      'database',
      'migrate',
      'start',
      'smoke',
      'notify',
    ]);
    expect(await readFile(join(main.dir, 'told'), 'utf8')).toMatch(
      /The database is damaged[\s\S]*ada@example\.com/,
    );
    expect((await json<{ steps: object[] }>(0, 'plan', '--site', 'lab')).steps).toEqual([]);
  });

  it('brings the database to a moment that is named, from its log', async () => {
    await json(0, 'backup', 'run', '--only', 'pitr', '--site', 'lab');
    const moment = new Date().toISOString();
    const { data } = await failover(0, 'data-corrupted', '--before', moment);
    expect(data.steps.find(({ id }) => id === 'database')!.text).toContain(`as at ${moment}`);
    expect(await refused(1, 'dr', 'failover', '--scenario', 'data-corrupted', '--yes')).toContain('--before');
  });

  it('goes on on the other site when all nodes are gone, also when it is killed in the middle', async () => {
    await power(main, false);
    // What stood beside the site is gone with it.
    await rm(folderOf('lab').file('backups'), { recursive: true });
    const lost = ['dr', 'failover', '--scenario', 'cluster-lost', '--yes'];
    const open = () => unfinished(readDrJournal(folderOf('dr')));
    expect(await main.killedWhen(async () => open()?.done.has('secrets') ?? false, ...lost)).toBe(true);
    expect(await refused(2, 'dr', 'failover', '--scenario', 'system-lost', '--yes')).toContain('was cut off');
    expect((await status(3)).problems.join()).toContain('"cluster-lost"');
    const { data } = await failover(0, 'cluster-lost');
    expect(outcomes(data)).toMatchObject({
      look: 'done',
      fetch: 'before',
      secrets: 'before',
      build: 'done',
      switch: 'done',
    });
    expect(data.resumed).toBe(true);
    expect(await readFile(join(main.dir, 'switched'), 'utf8')).toBe('lab dr\n');
    // The same secrets on both: what is encrypted in the database can be read.
    const secrets = (site: string) => readFile(folderOf(site).file('secrets.json'), 'utf8');
    expect(JSON.parse(await secrets('dr'))).toEqual(JSON.parse(await secrets('lab')));
    expect(await readDrState(folderOf('dr'))).toMatchObject({ epoch: 2, role: 'serving' });
    const after = await status(3);
    expect(after).toMatchObject({ serving: 'dr', predicted: { rpo_minutes: null } });
    expect((await json<{ steps: object[] }>(0, 'plan', '--site', 'dr')).steps).toEqual([]);
  });

  it('keeps the old site from being changed when it is back, and stops what of it serves', async () => {
    await power(main, true);
    for (const argv of [['apply'], ['deploy', '--release', '0.1.0', '--no-backup']])
      expect(await refused(1, ...argv, '--site', 'lab', '--yes')).toMatch(
        /failed over[\s\S]*psactl dr failback/,
      );
    await cluster().until('the edge of the old site', 60_000, async () =>
      (await cluster().find(200))?.status === 'running' ? null : 'it does not run',
    );
    const { data } = await json<{ data: { stopped: string[] } }>(0, 'dr', 'fence', '--site', 'lab', '--yes');
    expect(data.stopped).toEqual(expect.arrayContaining(['psa-haproxy-1', 'psa-tickets-1']));
    // Not after its power has gone and come again, either.
    await power(main, false);
    await power(main, true);
    await cluster().until('the database of the old site', 60_000, async () =>
      (await cluster().find(300))?.status === 'running' ? null : 'it does not run',
    );
    expect((await cluster().find(200))?.status).toBe('stopped');
    expect(await refused(1, 'dr', 'failover', '--scenario', 'cluster-lost', '--yes')).toMatch(
      /dr is not gone/,
    );
  });

  it('goes back with every row counted on both, and the other site stands by again', async () => {
    const plan = await json<{ standing_ms: number; total_ms: number }>(0, 'dr', 'failback', '--dry-run');
    expect(plan.standing_ms).toBeLessThan(plan.total_ms);
    const back = ['dr', 'failback', '--yes'];
    const open = () => unfinished(readDrJournal(folderOf('lab')));
    expect(await main.killedWhen(async () => open()?.done.has('save') ?? false, ...back)).toBe(true);
    const { data } = await json<{ data: FailedBack }>(0, ...back);
    expect(data).toMatchObject({ from: 'dr', site: 'lab', resumed: true });
    expect(data.steps.find(({ id }) => id === 'compare')!.text).toBe('1 row in 1 table on both');
    expect((await readFile(join(main.dir, 'switched'), 'utf8')).split('\n')).toContain('dr lab');
    expect((await json<{ steps: object[] }>(0, 'plan', '--site', 'lab')).steps).toEqual([]);
    const after = await status(0);
    expect(after).toMatchObject({
      serving: 'lab',
      sites: [
        { name: 'lab', epoch: 3, role: 'serving' },
        { name: 'dr', epoch: 2, role: 'fenced' },
      ],
    });
    expect(await refused(2, ...back)).toContain('lab serves already');
  });

  it('moves on demand, the site that answers kept from serving first', async () => {
    await json(0, 'backup', 'run', '--tier', 'son', '--site', 'lab', '--only', 'database,secrets,releases');
    const { data } = await failover(0, 'cluster-lost', '--fence');
    expect(outcomes(data)).toMatchObject({ look: 'done', fence: 'done', database: 'done', switch: 'done' });
    expect((await cluster().find(200))?.status).toBe('stopped');
    expect(await readDrState(folderOf('dr'))).toMatchObject({ epoch: 4, role: 'serving' });
    // What the steps took is what the next ones are expected to take.
    const plan = await json<DrPlan>(0, 'dr', 'failover', '--scenario', 'cluster-lost', '--dry-run');
    expect(plan.steps.find(({ id }) => id === 'build')).toMatchObject({ by: 'measured' });
  });
});
