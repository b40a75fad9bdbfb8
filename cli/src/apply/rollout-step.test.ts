import { join } from 'node:path';
import { example } from '@psa/appliance/inventory/example.test-helper';
import { expand } from '@psa/appliance/inventory/expand';
import { desired } from '@psa/appliance/plan/cases.test-helper';
import type { DesiredContainer } from '@psa/appliance/plan/desired';
import { configOf } from '@psa/appliance/plan/model.test-helper';
import { releaseOf } from '@psa/appliance/plan/releases';
import type { Step } from '@psa/appliance/plan/step';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cluster } from '../site/cluster.ts';
import { SiteFolder } from '../site/folder.ts';
import { readRolloutJournal } from '../site/rollout-journal.ts';
import type { OpenSite } from '../site/site.ts';
import { keepData, keepServed, takeOut } from './inside-steps.ts';
import { exchange } from './rollout-step.ts';
import { applyWorker } from './worker.ts';

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('exchange');
});
afterAll(() => dir.remove());

const inventory = example();
const containers = expand(inventory).map((one) => ({ ...one, release: '2.0.0', kind: 'service' }));
const [first, second] = containers.filter(({ group }) => group === 'crm') as unknown as DesiredContainer[];

/** A cluster whose psa-crm-2 is on a node that is off; every HAProxy says so. Its clock runs a second at each look. */
class HalfCluster extends Cluster {
  readonly said: string[] = [];
  override placed: Cluster['placed'] = async (group) =>
    this.site.containers
      .filter((one) => group === undefined || one.group === group)
      .map((container) => ({
        ...{ container, node: container.node },
        state: container.name === second!.name ? 'unknown' : 'running',
      }));
  override must: Cluster['must'] = async (_id, argv, options) => {
    const text = `${argv.join(' ')} ${options?.stdin ?? ''}`;
    if (/set server|systemctl|psa-release/.test(text)) this.said.push(text.trim());
    return text.includes('show stat') ? HAPROXY : '';
  };
  override async until(
    _what: string,
    patienceMs: number,
    trouble: Parameters<Cluster['until']>[2],
  ): Promise<void> {
    let wrong: string | null | undefined = null;
    for (let ms = 0; ms <= patienceMs; ms += 1_000) {
      wrong = await trouble();
      if (wrong === null) return;
    }
    return super.until(_what, 0, async () => wrong);
  }
}

const HAPROXY = `# be_name srv_name srv_admin_state
crm psa-crm-1 0
crm psa-crm-2 0
# pxname,svname,status
crm,psa-crm-1,UP
crm,psa-crm-2,DOWN
`;

function halfCluster(name: string): HalfCluster {
  const answer = 'current 1.0.0\ninstalled 1.0.0\nhealth {"version":"1.0.0"}\nready {} 200\nend\n';
  const shell = {
    execEach: async (_: string, commands: ReadonlyMap<number, unknown>) =>
      new Map([...commands.keys()].map((id) => [id, { code: 0, stdout: answer, stderr: '' }])),
  };
  const site = { inventory, containers, shell, folder: new SiteFolder(join(dir.path, name)) };
  return new HalfCluster(site as unknown as OpenSite, new AbortController().signal);
}

const tools = (notes: string[]) => ({ note: (text: string) => notes.push(text), configure: async () => {} });

it('does not drain the last replica that serves: it says whom it waits for, then refuses with nothing begun', async () => {
  const cluster = halfCluster('exchange');
  await cluster.site.folder.make();
  const notes: string[] = [];
  await expect(exchange(cluster, [first!], [second!], tools(notes))).rejects.toMatchObject({
    message: 'Unable to take psa-crm-1 out of rotation: nobody might serve then.',
    why: 'psa-crm-2 does not serve, as HAProxy sees it.',
  });
  expect(notes).toEqual(['psa-crm-1: waits until psa-crm-2 serves']);
  expect(cluster.said).toEqual([]);
  expect(await readRolloutJournal(cluster.site.folder)).toBeNull();
});

it('does not drain it either to move it or to make it anew', async () => {
  const cluster = halfCluster('anew');
  const notes: string[] = [];
  const out = takeOut(cluster, first!, [second!], (text) => notes.push(text));
  await expect(out).rejects.toThrow('Unable to take psa-crm-1 out of rotation');
  expect(cluster.said).toEqual([]);
  // What is the only one of its kind goes, and so does one that serves nobody.
  await takeOut(cluster, second!, [first!], () => {});
  expect(cluster.said[0]).toMatch(/set server crm\/psa-crm-2 state drain$/);
});

it('removes none that is too many while none of those that stay serves', async () => {
  const cluster = halfCluster('surplus');
  await expect(keepServed(cluster, 'psa-crm-3', [second!], () => {})).rejects.toThrow('psa-crm-3');
  await keepServed(cluster, 'psa-crm-3', [first!, second!], () => {});
  await keepServed(cluster, 'psa-crm-3', [], () => {});
});

/** What the members of Patroni say: the first one leads, and the third is as given. */
function database(state: string, isStopped = false): Cluster {
  const member = (number: number, role: string, now = 'streaming') => ({
    name: `psa-postgres-${number}`,
    role,
    state: now,
  });
  const members = [member(1, 'leader', 'running'), member(2, 'sync_standby'), member(3, 'replica', state)];
  const answer = `probe ${JSON.stringify({ members })}\nend\n`;
  const shell = {
    execEach: async (_: string, commands: ReadonlyMap<number, unknown>) =>
      new Map([...commands.keys()].map((id) => [id, { code: 0, stdout: answer, stderr: '' }])),
  };
  const site = { inventory, containers, shell, folder: new SiteFolder(dir.path) };
  return new (class extends HalfCluster {
    override find: Cluster['find'] = async () => ({
      node: 'pve1',
      status: isStopped ? 'stopped' : 'running',
    });
    override settle: Cluster['settle'] = async () => {};
    override members: Cluster['members'] = async () => new Set(desired.containers.map(({ id }) => id));
    override config: Cluster['config'] = async (_, id) => ({
      ...configOf(desired.containers.find((one) => one.id === id)!),
      digest: '',
    });
  })(site as unknown as OpenSite, new AbortController().signal);
}

it('neither moves nor removes a member of a data part while the others are not well, though it was told to', async () => {
  const [one, two, three] = containers.filter(
    ({ group }) => group === 'postgres',
  ) as unknown as DesiredContainer[];
  // The third is still being made from the leader that is to go.
  await expect(keepData(database('creating replica'), one!, [two!, three!])).rejects.toMatchObject({
    message: 'Unable to take psa-postgres-1 away: its copy of the data may be the only whole one.',
    why: 'The other members of postgres are not well: psa-postgres-3 is creating replica.',
  });
  await keepData(database('streaming'), one!, [two!, three!]);
  // It is the broken one itself, or does not run, or there are no others.
  await keepData(database('creating replica'), three!, [one!, two!]);
  await keepData(database('creating replica', true), one!, [two!, three!]);
  await keepData(database('creating replica'), one!, []);
});

it.each(['replace', 'move', 'remove'] as const)('apply asks before it does a %s', async (kind) => {
  const [one, ...rest] = desired.containers.filter(({ group }) => group === 'postgres');
  // It is to go to another node, or the inventory no longer has it.
  const other = desired.containers.filter(({ group }) => group !== 'postgres');
  const mine = kind === 'remove' ? [] : [{ ...one!, node: 'pve9' }];
  const work = applyWorker({
    ...{
      desired: { ...desired, containers: [...mine, ...rest, ...other] },
      secrets: {},
      begun: new Set<number>(),
    },
    ...{ cluster: database('creating replica'), release: releaseOf('9.1'), note: () => {} },
    template: async (path) => ({ path, manifest: { sha256: '' } }),
  });
  const step = { id: kind, deed: { kind, container: one!.id }, container: one!.id } as Step;
  await expect(work(step)).rejects.toThrow('Unable to take psa-postgres-1 away');
});
