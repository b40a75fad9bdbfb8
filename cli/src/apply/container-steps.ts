import { setTimeout as sleep } from 'node:timers/promises';
import { configChanges } from '@psa/appliance/plan/config-drift';
import { createParams, type Desired, type DesiredContainer, sidOf } from '@psa/appliance/plan/desired';
import type { Marker } from '@psa/appliance/plan/marker';
import { isWhollyOurs, ownMarker } from '@psa/appliance/plan/ownership';
import { refusedRemoval } from '@psa/appliance/plan/refusals';
import type { Step } from '@psa/appliance/plan/step';
import { apiPath } from '@psa/proxmox/client/encode';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { CliError } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import { releaseFromHa } from './ha-steps.ts';
import { ASK_INIT, initTrouble, startUp } from './start.ts';

/** What steps about containers need to know. */
export interface Work {
  readonly desired: Desired;
  readonly cluster: Cluster;
  /** Creations of ours that did not end. */
  readonly begun: ReadonlySet<number>;
  /** Where a template's archive stands on this machine. @throws CliError when it is nowhere */
  template(file: string): Promise<{ readonly path: string; readonly manifest: { readonly sha256: string } }>;
}

/** Tells a pool of ours from one that was there. */
export const POOL_COMMENT = 'Made by psactl.';

export async function createPool({ desired, cluster }: Work): Promise<void> {
  const pools = await cluster.get<readonly { poolid: string }[]>('/pools');
  if (pools.some(({ poolid }) => poolid === desired.pool)) return;
  await cluster.write('POST', '/pools', { poolid: desired.pool, comment: POOL_COMMENT });
}

export async function removePool(cluster: Cluster, pool: string): Promise<void> {
  const pools = await cluster.get<readonly { poolid: string }[]>('/pools');
  if (pools.some(({ poolid }) => poolid === pool)) await cluster.write('DELETE', '/pools', { poolid: pool });
}

export async function uploadTemplate(work: Work, key: string): Promise<void> {
  const { desired, cluster } = work;
  const template = desired.templates.find((one) => one.key === key)!;
  const { storage, file } = template;
  const node = template.node ?? (await anyNode(cluster));
  const content = await cluster.get<readonly { volid: string }[]>(
    apiPath`/nodes/${node}/storage/${storage}/content`,
    { content: 'vztmpl' },
  );
  if (content.some(({ volid }) => volid === `${storage}:vztmpl/${file}`)) return;
  const { path, manifest } = await work.template(file);
  await cluster.site.client.upload({
    ...{ node, storage, content: 'vztmpl', file: path, name: file, signal: cluster.signal },
    sha256: manifest.sha256,
  });
}

async function anyNode(cluster: Cluster): Promise<string> {
  const status = await cluster.get<readonly Record<string, unknown>[]>('/cluster/status');
  const found = status.find(({ type, online }) => type === 'node' && Number(online) === 1);
  return String(found?.name ?? cluster.site.site.nodes[0]!.name);
}

export async function create(work: Work, step: Step, container: DesiredContainer): Promise<void> {
  await make(work, step, container);
  await tag(work, container);
}

/** Makes the container, unless it is there; what a killed creation left goes first. */
async function make(work: Work, step: Step, container: DesiredContainer): Promise<void> {
  const { desired, cluster, begun } = work;
  const { id, node } = container;
  const found = await cluster.find(id);
  if (found) {
    await cluster.settle(found.node, id);
    const config = await cluster.config(found.node, id);
    if (config) {
      const isOurs = ownMarker(desired, { id, config }) !== null;
      if (isOurs && config.lock !== 'create') return;
      if (config.lock !== 'create' || !(isOurs || begun.has(id))) throw foreign(id, found.node);
      await removeRemains(work, step, id, found.node);
    }
  }
  const post = () =>
    cluster.task(step, 'POST', apiPath`/nodes/${node}/lxc`, createParams(container, desired.pool));
  try {
    await post();
  } catch (error) {
    // The answer was lost, or it was there already: what counts is what is there now.
    if (cluster.signal.aborted || !(error instanceof ProxmoxError)) throw error;
    if (!error.outcomeUnknown && !/already exists/.test(error.text)) throw error;
    await cluster.settle(node, id);
    const config = await cluster.config(node, id).catch((why: unknown) => {
      if (why instanceof ProxmoxError && why.isForbidden) throw remains(id, node, desired.pool);
      throw why;
    });
    if (!config || !ownMarker(desired, { id, config })) throw error;
    if (config.lock !== 'create') return;
    // It has our marker, and was not made to its end.
    await removeRemains(work, step, id, node);
    await post();
  }
  await endLeftover(cluster, step, container);
}

/**
 * Nothing runs in a container that was just made, but what Proxmox left of one of that id: destroyed by force while HA
 * had it, it goes on without its disk, and whoever gets in by the id gets into it.
 */
async function endLeftover(cluster: Cluster, step: Step, { id, node }: DesiredContainer): Promise<void> {
  if ((await cluster.status(node, id)) !== 'running') return;
  await cluster.task(step, 'POST', apiPath`/nodes/${node}/lxc/${id}/status/stop`);
}

/** Removes what a creation left when its node or its task went down: nothing of worth is in it. */
async function removeRemains({ cluster }: Work, step: Step, id: number, node: string): Promise<void> {
  await cluster.site.shell.unlock(node, id, { signal: cluster.signal });
  await cluster.task(step, 'DELETE', apiPath`/nodes/${node}/lxc/${id}`, { purge: true });
}

/** Tags it, now that it is in the pool; see `createParams`. */
async function tag(work: Work, { id, tags }: DesiredContainer): Promise<void> {
  const { node, config } = await own(work, id);
  if (tags.every((one) => config.tags.includes(one))) return;
  const all = [...new Set([...config.tags, ...tags])].sort().join(';');
  await work.cluster.write('PUT', apiPath`/nodes/${node}/lxc/${id}/config`, {
    ...{ tags: all, digest: config.digest },
  });
}

/** What comes into the pool at the end of its creation only was never ended. */
const remains = (id: number, node: string, pool: string) =>
  new CliError(`Unable to make CT ${id}: there is a guest of that id that psactl may not see.`, {
    why: `It may be what a creation left that was cut short: a container comes into the pool ${pool} when it is whole.`,
    fix: `Look on ${node} (pct config ${id}). If it is locked by "create": pct unlock ${id} && pct destroy ${id} --purge; then run psactl apply again.`,
  });

const foreign = (id: number, node: string) =>
  new CliError(`Unable to make CT ${id}: a guest of that id is on ${node}, and psactl did not make it.`, {
    fix: 'Give the group other ids in the inventory, or move that guest away.',
  });

/** Throws when the guest is not ours any more. @returns where it is and its configuration */
async function own({ desired, cluster }: Pick<Work, 'desired' | 'cluster'>, id: number) {
  const found = await cluster.need(id);
  const config = await cluster.config(found.node, id);
  if (!config || !ownMarker(desired, { id, config }))
    throw new CliError(`Unable to work on CT ${id}: it does not have the marker of psactl any more.`, {
      fix: 'Run psactl plan to see whose it is.',
    });
  return { ...found, config };
}

export async function join({ desired, cluster }: Work, id: number): Promise<void> {
  await own({ desired, cluster }, id);
  try {
    await cluster.write('PUT', '/pools', { poolid: desired.pool, vms: String(id) });
  } catch (error) {
    if (!(error instanceof ProxmoxError && error.isForbidden)) throw error;
    throw new CliError(`Unable to put CT ${id} into the pool ${desired.pool}: the token may not.`, {
      outcome: 'not_authorised',
      why: `Outside the pool its rights do not reach: it would need VM.Allocate on /vms/${id}. ${error.text}`,
      fix: `As root on a node: pvesh set /pools --poolid ${desired.pool} --vms ${id}`,
      cause: error,
    });
  }
}

export async function update(work: Work, container: DesiredContainer): Promise<void> {
  const { desired, cluster } = work;
  const { node, config } = await own(work, container.id);
  const keepsMarker = ownMarker(desired, { id: container.id, config })!.template !== container.template;
  const wanted = (now: typeof config) =>
    configChanges(container, now, desired.appliance).filter(
      ({ field }) => !(keepsMarker && field === 'description'),
    );
  const changes = wanted(config);
  if (changes.length === 0) return;
  const params = Object.assign({}, ...changes.map(({ set }) => set)) as Record<
    string,
    string | number | boolean
  >;
  await cluster.write('PUT', apiPath`/nodes/${node}/lxc/${container.id}/config`, {
    ...params,
    digest: config.digest,
  });
  // Some failures answer well, and some that answer badly are saved all the same.
  const after = await cluster.config(node, container.id);
  const left = after ? wanted(after) : changes;
  if (left.length > 0)
    throw new CliError(
      `Unable to change CT ${container.id}: ${left.map(({ field }) => field).join(', ')} stayed as it was.`,
    );
}

export async function resize(work: Work, step: Step, container: DesiredContainer): Promise<void> {
  const { cluster } = work;
  const { node, config } = await own(work, container.id);
  if (config.rootGb !== null && config.rootGb >= container.disk_gb * 0.99) return;
  await cluster.task(step, 'PUT', apiPath`/nodes/${node}/lxc/${container.id}/resize`, {
    ...{ disk: 'rootfs', size: `${container.disk_gb}G` },
  });
}

export async function move(
  work: Work,
  step: Step,
  container: DesiredContainer,
  before: () => Promise<void>,
): Promise<void> {
  const { cluster } = work;
  const { node } = await own(work, container.id);
  if (node === container.node) return;
  await before();
  await cluster.settle(node, container.id);
  const isRunning = (await cluster.status(node, container.id)) === 'running';
  await cluster.task(step, 'POST', apiPath`/nodes/${node}/lxc/${container.id}/migrate`, {
    ...{ target: container.node, ...(isRunning ? { restart: true } : {}) },
  });
}

export async function start(work: Work, step: Step, container: DesiredContainer): Promise<void> {
  const { cluster } = work;
  const { id } = container;
  const { node } = await own(work, id);
  await cluster.settle(node, id);
  // The HA manager may have it come up elsewhere.
  let failed = '';
  const nodeNow = async () => (await cluster.need(id)).node;
  await startUp({
    name: cluster.nameOf(id),
    status: async () => cluster.status(await nodeNow(), id),
    async start() {
      try {
        const path = apiPath`/nodes/${await nodeNow()}/lxc/${id}/status/start`;
        return (await cluster.task(step, 'POST', path))?.onlyRequested ? 'requested' : 'started';
      } catch (error) {
        // Its init was dead before Proxmox looked; or somebody else was faster.
        const isStarted =
          error instanceof ProxmoxError && (error.kind === 'task' || /already running/.test(error.text));
        if (!isStarted) throw error;
        failed = error.text;
        return 'started';
      }
    },
    init: async () => initTrouble(await cluster.exec(id, ASK_INIT, { timeoutMs: 30_000 })),
    lastWords: async () => [failed, await wordsOf(cluster, id)].filter((text) => text !== '').join('\n'),
    pause: (ms) => sleep(ms, undefined, { signal: cluster.signal }),
    now: () => performance.now(),
  });
}

/** What a container says that does not stay: its console, if HA has no hand in it. */
async function wordsOf(cluster: Cluster, id: number): Promise<string> {
  const managed = await cluster.get<readonly { sid: string }[]>('/cluster/ha/resources');
  if (managed.some(({ sid }) => sid === sidOf(id))) return '';
  const { node } = await cluster.need(id);
  return cluster.site.shell.console(node, id, { signal: cluster.signal }).catch(() => '');
}

/**
 * Removes a container of ours with its disks and its place in HA. `wholly`: it must have all our signs. `before`: what is
 * done when nothing stands against it.
 */
export async function remove(
  work: Pick<Work, 'cluster'> & {
    readonly desired: Pick<Desired, 'appliance' | 'site' | 'pool'>;
    readonly begun: ReadonlySet<number>;
  },
  step: Step,
  id: number,
  options: { readonly wholly: boolean; before?(marker: Marker): Promise<void> },
): Promise<void> {
  const { desired, cluster } = work;
  const found = await cluster.find(id);
  if (!found) return;
  await cluster.settle(found.node, id);
  const config = await cluster.config(found.node, id);
  if (!config) return;
  const inPool = (await cluster.members(desired.pool)).has(id);
  const guest = {
    id,
    type: 'lxc' as const,
    name: '',
    status: 'unknown' as const,
    inPool,
    config,
    inside: null,
    node: found.node,
  };
  if (
    !(options.wholly ? isWhollyOurs(desired, { begun: [...work.begun] }, guest) : ownMarker(desired, guest))
  )
    throw new CliError(`Unable to remove CT ${id}: it does not have the signs of psactl any more.`, {
      fix: 'Run psactl plan to see whose it is.',
    });
  // Before anything is stopped for it. What stands on its disks the plan has looked at.
  const keeps = refusedRemoval(id, config, []);
  if (keeps !== null) throw new CliError(`Unable to remove CT ${id}: ${keeps}`);
  await options.before?.(ownMarker(desired, guest)!);
  await releaseFromHa(cluster, sidOf(id));
  const path = apiPath`/nodes/${found.node}/lxc/${id}`;
  if ((await cluster.status(found.node, id)) === 'running') {
    // It is to go: what it was doing may end in peace, but not for long.
    await cluster
      .task(step, 'POST', `${path}/status/shutdown`, { timeout: 20, forceStop: true })
      .catch((error: unknown) => {
        if (!(error instanceof ProxmoxError && /not running/.test(error.text))) throw error;
      });
  }
  if (config.lock === 'create') await cluster.site.shell.unlock(found.node, id, { signal: cluster.signal });
  await cluster.task(step, 'DELETE', path, { purge: true }).catch(async (error: unknown) => {
    if ((await cluster.find(id)) !== null) throw error;
  });
}
