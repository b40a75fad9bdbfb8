import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '@psa/appliance/inventory/expand';
import { isHostOf, parseAddress, parseSubnet } from '@psa/appliance/inventory/ipv4';
import { sidOf } from '@psa/appliance/plan/desired';
import { parseMarker } from '@psa/appliance/plan/marker';
import { apiPath } from '@psa/proxmox/client/encode';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { newRun } from '@psa/recovery/artefact-name';
import type { SiteManifest } from '@psa/recovery/manifest';
import { ASK_INIT, initTrouble, startUp } from '../apply/start.ts';
import { takeContainer } from '../backup/containers.ts';
import { BACKUP_LOCK } from '../backup/run-backup.ts';
import { CliError, usage } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { Cluster } from '../site/cluster.ts';
import { withClusterLock } from '../site/cluster-lock.ts';
import { generationsOf } from '../site/generations.ts';
import { needMounted } from '../site/mounts.ts';
import { sumVolume } from '../site/volume.ts';
import { cardsApart, cardTrouble } from './cards.ts';
import { type Chosen, choose } from './choose.ts';

/** What is wanted. */
export interface ContainerWish {
  /** Name or id of a container of the inventory. */
  readonly container: string;
  /** An id of a backup, a run, or `latest`. */
  readonly backup: string;
  /** Another id, beside the one that is there. */
  readonly as: number | null;
  /** Its address then. */
  readonly address: string | null;
}

/** What a restore of a container will do. */
export interface ContainerPlan {
  readonly backup: string;
  readonly at: string;
  readonly age_minutes: number;
  readonly container: string;
  /** The id that it gets. */
  readonly id: number;
  readonly node: string;
  readonly storage: string;
  /** Another than its own: it stands beside. */
  readonly address: string | null;
  /** The container that it takes the place of; null: there is none of that id. */
  readonly replaces: { readonly state: string; readonly managed: boolean } | null;
  readonly needed_bytes: number;
  readonly free_bytes: number;
}

/** What came of it. */
export interface ContainerRestored extends ContainerPlan {
  /** The backup of what was there before; null: nothing was. */
  readonly safety: string | null;
  readonly duration_ms: number;
  /** Of that, from the order to Proxmox VE until it had the container's disk and configuration. */
  readonly unpack_ms: number;
  readonly warnings: readonly string[];
}

/** Everything that is known when the plan stands. */
export interface ReadyContainer {
  readonly plan: ContainerPlan;
  readonly chosen: Chosen;
  readonly target: Container;
}

/** zstd makes a system's files about so much smaller. */
const GROWTH = 4;
/** A container of terabytes takes its time. */
export const RESTORE_MS = 12 * 3_600_000;

/** Bytes that a container takes when it is restored, at most its disk. */
export const neededBytes = (archive: number, { disk_gb }: Pick<Container, 'disk_gb'>): number =>
  Math.min(archive * GROWTH, disk_gb * 1024 ** 3);

/** Looks at everything before anything is touched. @throws CliError naming what is in the way */
export async function planContainer(cluster: Cluster, wish: ContainerWish): Promise<ReadyContainer> {
  const { site } = cluster;
  const target = site.containers.find(
    ({ id, name }) => name === wish.container || String(id) === wish.container,
  );
  if (!target)
    throw new CliError(`Unable to find the container "${wish.container}" in the inventory.`, {
      outcome: 'not_found',
      fix: `Known are: ${site.containers.map(({ name }) => name).join(', ')}.`,
    });
  const chosen = await choose(
    cluster,
    wish.backup,
    ['container'],
    ({ from }) => from.container === target.id,
  );
  const { backup, manifest } = chosen;
  const { volume } = backup;
  if (!volume)
    throw new CliError(`Unable to restore ${manifest.id}: its archive is on no storage of the cluster.`, {
      fix: 'Upload the copy to a storage for backups, then run "psactl backup catalogue rebuild".',
    });
  const isBeside = wish.as !== null;
  const id = wish.as ?? target.id;
  const found = await cluster.find(id);
  if (isBeside) checkBeside(cluster, target, wish, found !== null);
  const conf = site.site.storages.find(({ name }) => name === volume.volid.split(':')[0]);
  const node = conf?.shared ? (found?.node ?? target.node) : volume.node;
  let managed = false;
  if (found !== null) {
    if (found.node !== node)
      throw new CliError(
        `Unable to restore ${target.name}: it is on ${found.node}, and its backup on ${node} alone.`,
        {
          fix: `Take a backup that all nodes see (psactl backup list), or move it to ${node} first.`,
        },
      );
    const marker = parseMarker((await cluster.config(node, id))?.description ?? '');
    if (marker?.appliance !== site.inventory.name || marker.id !== id)
      throw new CliError(`Unable to restore ${target.name}: CT ${id} is none of psactl's.`, {
        fix: 'Restore it beside, with --as and --address.',
      });
    const resources = await cluster.get<readonly { sid: string }[]>('/cluster/ha/resources');
    managed = resources.some(({ sid }) => sid === sidOf(id));
  }
  const { avail } = await cluster.get<{ avail: number }>(
    apiPath`/nodes/${node}/storage/${target.storage}/status`,
  );
  const needed = neededBytes(manifest.bytes, target);
  if (avail < needed)
    throw new CliError(
      `Unable to restore ${target.name}: there is too little room on ${target.storage} of ${node}.`,
      {
        why: `It takes about ${Math.ceil(needed / 1024 ** 2)} MiB, and ${Math.floor(avail / 1024 ** 2)} MiB are free.`,
        fix: 'Make room there: what is there stays until the restored one has its disk.',
      },
    );
  const plan: ContainerPlan = {
    ...{
      backup: manifest.id,
      at: manifest.at,
      age_minutes: chosen.age_minutes,
      container: target.name,
      id,
      node,
    },
    ...{ storage: target.storage, address: wish.address },
    replaces: found === null ? null : { state: found.status, managed },
    ...{ needed_bytes: needed, free_bytes: avail },
  };
  return { plan, chosen, target };
}

function checkBeside(
  cluster: Cluster,
  target: Container,
  { as, address }: ContainerWish,
  isTaken: boolean,
): void {
  const { containers, inventory } = cluster.site;
  const known = containers.find(({ id }) => id === as);
  if (isTaken || known)
    throw usage(
      `Unable to restore beside as CT ${as}: ${known ? `that is ${known.name}'s` : 'there is one of that id'}.`,
      `Give a free id with --as, such as one of backup.drill.ids (${inventory.backup.drill.ids}).`,
    );
  if (address === null)
    throw usage(
      `Unable to restore ${target.name} beside without an address: it would have that of the one that runs.`,
      'Give one with --address.',
    );
  const { subnet = '' } = inventory.vlans.find(({ id }) => id === target.vlan) ?? {};
  const [ofVlan, number] = [parseSubnet(subnet), parseAddress(address)];
  if (ofVlan === null || number === null || !isHostOf(ofVlan, number) || address === target.gateway)
    throw usage(
      `Unable to restore ${target.name} with the address ${address}: it is none for a container of its VLAN.`,
      `Give a free one of ${subnet}; ${target.gateway} is the gateway's.`,
    );
  const owner = [...containers, ...inventory.hosts].find((one) => one.address === address);
  if (owner)
    throw usage(
      `Unable to restore ${target.name} with the address ${address}: that is ${owner.name}'s.`,
      'Give a free one.',
    );
}

/**
 * Restores a container. Into its place: it is stopped, backed up as it is, and only then overwritten. What a restore that
 * fails has taken away comes back out of the backup that was made a moment before.
 */
export async function restoreContainer(
  outer: Cluster,
  ready: ReadyContainer,
  progress: Progress,
): Promise<ContainerRestored> {
  const began = Date.now();
  const { plan, chosen } = ready;
  const what = { name: BACKUP_LOCK, what: 'psactl restore container', signal: outer.signal };
  return withClusterLock(outer.site, what, async (signal) => {
    const cluster = new Cluster(outer.site, signal);
    const { id, node, replaces } = plan;
    const { volid } = chosen.backup.volume!;
    const { manifest } = chosen;
    if (manifest.sha256 !== null) {
      progress.start(`Read ${volid}`);
      const sha256 = await sumVolume(cluster, chosen.backup.volume!.node, volid);
      if (sha256 !== manifest.sha256)
        throw new CliError(
          `Unable to restore ${manifest.id}: it is not what its manifest names (another SHA-256).`,
          {
            fix: 'Take another one: psactl backup list',
          },
        );
    }
    const ha = replaces?.managed ? await holdBack(cluster, id) : null;
    try {
      const done = await overwrite(cluster, ready, progress);
      return { ...plan, ...done, duration_ms: Date.now() - began };
    } catch (error) {
      // As it is now it still answers better than when it is stopped.
      if (replaces?.state === 'running' && !signal.aborted)
        await run(cluster, 'POST', apiPath`/nodes/${node}/lxc/${id}/status/start`).catch(() => {});
      throw error;
    } finally {
      if (ha) await cluster.write('PUT', apiPath`/cluster/ha/resources/${sidOf(id)}`, { state: ha });
    }
  });
}

/** Stops what is there, backs it up, restores over it, and starts it. */
async function overwrite(
  cluster: Cluster,
  { plan, chosen, target }: ReadyContainer,
  progress: Progress,
): Promise<Pick<ContainerRestored, 'safety' | 'unpack_ms' | 'warnings'>> {
  const { id, node, replaces } = plan;
  const { volid } = chosen.backup.volume!;
  let safety: SiteManifest | null = null;
  if (replaces) {
    await cluster.settle(node, id);
    if ((await cluster.status(node, id)) === 'running') {
      progress.start(`Stop ${plan.container}`);
      const path = apiPath`/nodes/${node}/lxc/${id}/status/shutdown`;
      await run(cluster, 'POST', path, { forceStop: true, timeout: 60 });
    }
    progress.start(`Back up ${plan.container} as it is`);
    safety = await takeSafety(cluster, target, node);
  }
  progress.start(`Restore ${plan.container} as CT ${id}`);
  const raw = await archivedConfig(cluster, node, volid);
  const apart = plan.address === null ? null : beside(raw, plan.address, `${plan.container}-${id}`);
  const { cards = {}, ...marks } = apart ?? {};
  const params = {
    ...{ vmid: id, ostemplate: volid, restore: true, storage: plan.storage },
    pool: cluster.site.inventory.name,
    ...(replaces ? { force: true } : {}),
    ...{ ...marks, ...cards },
  };
  const ordered = Date.now();
  const result = await make(cluster, node, params).catch(async (error) => {
    cluster.signal.throwIfAborted();
    if (safety) await putBack(cluster, plan, safety, error as Error, progress);
    throw error;
  });
  const unpack_ms = Date.now() - ordered;
  if (apart) await checkApart(cluster, plan, cards);
  progress.start(`Start ${plan.container}`);
  await startGuest(cluster, node, id, plan.container);
  const isForgotten = replaces === null && target.ha === 'managed' && plan.address === null;
  const warnings = [
    ...(result?.warningLines ?? []),
    ...(isForgotten ? ['HA does not know it any more: "psactl apply" puts it back.'] : []),
  ];
  return { safety: safety?.id ?? null, unpack_ms, warnings };
}

const make = (cluster: Cluster, node: string, params: Readonly<Record<string, string | number | boolean>>) =>
  cluster.site.client.run('POST', apiPath`/nodes/${node}/lxc`, params, {
    ...{ signal: cluster.signal, taskTimeoutMs: RESTORE_MS },
  });

/**
 * Brings back what a restore into its place has taken away. Proxmox VE removes the old disks before it reads the archive, and
 * the configuration with the new ones when that fails: then there is no container of that id any more.
 * @throws CliError saying what is there now; it returns where the old one was never touched
 */
async function putBack(
  cluster: Cluster,
  { node, id, container, storage, backup }: ContainerPlan,
  safety: SiteManifest,
  failed: Error,
  progress: Progress,
): Promise<void> {
  if ((await cluster.config(node, id)) !== null) return;
  const report = (state: string, fix: string) =>
    new CliError(`Unable to restore ${container} from ${backup}: ${state}.`, {
      why: failed.message,
      fix,
      cause: failed,
    });
  progress.start(`Put ${container} back as it was`);
  const params = { vmid: id, ostemplate: safety.volume!.volid, restore: true, storage };
  try {
    await make(cluster, node, { ...params, pool: cluster.site.inventory.name });
  } catch {
    cluster.signal.throwIfAborted();
    throw report(
      'the container is gone, and could not be put back',
      `Make room on ${storage} if that is what failed, then: psactl restore container ${container} --from ${safety.id}`,
    );
  }
  throw report('what was there before is back', 'Take another backup: psactl backup list');
}

const run = (cluster: Cluster, method: string, path: string, params = {}) =>
  cluster.site.client.run(method, path, params, { signal: cluster.signal });

/** The safety backup is of no generation: the policy judges it by its day, like any other. */
async function takeSafety(cluster: Cluster, target: Container, node: string) {
  const generation = generationsOf(cluster.site)[0]!;
  await needMounted(cluster.site, generation.folder);
  const run = { cluster, generation, id: newRun(new Date()), recipients: [], limit: null, isSafety: true };
  return takeContainer(run, target, node, 'stopped');
}

/** The HA manager leaves it alone, and keeps its place and its rules. @returns what it wanted before */
async function holdBack(cluster: Cluster, id: number): Promise<string> {
  const sid = sidOf(id);
  const path = apiPath`/cluster/ha/resources/${sid}`;
  const { state = 'started' } = await cluster.get<{ state?: string }>(path);
  await cluster.write('PUT', path, { state: 'ignored' });
  // The list of services says "ignored" at once; the manager lets go of it in its next round.
  await cluster.until(`${sid} left alone by HA`, 120_000, async () => {
    const { manager_status: status } = await cluster.get<{
      manager_status?: { service_status?: Readonly<Record<string, object>> };
    }>('/cluster/ha/status/manager_status');
    return status?.service_status?.[sid] === undefined ? null : 'the HA manager still has it';
  });
  return state === 'ignored' ? 'started' : state;
}

/** The configuration in an archive, by key. */
export async function archivedConfig(
  cluster: Cluster,
  node: string,
  volid: string,
): Promise<ReadonlyMap<string, string>> {
  const text = await cluster.get<string>(apiPath`/nodes/${node}/vzdump/extractconfig`, { volume: volid });
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, key, value] = /^(\w+): (.*)$/.exec(line) ?? [];
      return key === undefined ? [] : [[key, value!] as const];
    }),
  );
}

/**
 * Another name, address and hardware address, and nothing that psactl would take for its own: no marker, no start at boot.
 * Its cable is out: what is in it knows the live members by their addresses, and would vote and write among them as one of them.
 */
function beside(raw: ReadonlyMap<string, string>, address: string, hostname: string) {
  const cards = cardsApart(raw, ({ ip = '' }, key) =>
    key === 'net0' ? { ip: `${address}/${ip.split('/')[1] ?? '24'}` } : {},
  );
  return {
    ...{ hostname, onboot: false, description: `Restored beside by psactl as ${hostname}.` },
    cards,
  };
}

/** @throws CliError when it would be heard by those that run; it is not started then */
async function checkApart(
  cluster: Cluster,
  { node, id, container }: ContainerPlan,
  cards: Readonly<Record<string, string>>,
): Promise<void> {
  const config = await cluster.get<Record<string, unknown>>(apiPath`/nodes/${node}/lxc/${id}/config`);
  const trouble = cardTrouble(config, cards);
  if (trouble !== null)
    throw new CliError(`Unable to start ${container} beside as CT ${id}: ${trouble}.`, {
      code: 'NOT_ISOLATED',
      why: 'It would meet the one that runs. It is restored, and was not started.',
      fix: `Mend its network, or remove it: pct destroy ${id} --purge (on ${node}).`,
    });
}

/** Starts a container, and answers when its init does. @throws CliError when it stops again by itself */
export async function startGuest(cluster: Cluster, node: string, id: number, name: string): Promise<void> {
  await startUp({
    name: `${name} (CT ${id})`,
    status: () => cluster.status(node, id),
    async start() {
      try {
        await run(cluster, 'POST', apiPath`/nodes/${node}/lxc/${id}/status/start`);
      } catch (error) {
        if (!(error instanceof ProxmoxError && /already running/.test(error.text))) throw error;
      }
      return 'started';
    },
    init: async () => {
      const options = { timeoutMs: 30_000, signal: cluster.signal };
      return initTrouble(await cluster.site.shell.exec(node, id, ASK_INIT, options));
    },
    lastWords: () => cluster.site.shell.console(node, id, { signal: cluster.signal }).catch(() => ''),
    pause: (ms) => sleep(ms, undefined, { signal: cluster.signal }),
    now: () => performance.now(),
  });
}
