import type { Container } from '@psa/appliance/inventory/expand';
import { parseRange } from '@psa/appliance/inventory/ipv4';
import { apiPath } from '@psa/proxmox/client/encode';
import { parseNet, printNet } from '@psa/proxmox/conf';
import { isolationTrouble, parseDrillMarker, printDrillMarker } from '@psa/recovery/drill';
import { CliError } from '../errors.ts';
import { cardsApart } from '../restore/cards.ts';
import { archivedConfig, RESTORE_MS, startGuest } from '../restore/container.ts';
import { Cluster } from '../site/cluster.ts';
import { type DrillJournal, reasonOf } from './journal.ts';

/** A drill that is at work. */
export interface Drilling {
  readonly cluster: Cluster;
  readonly journal: DrillJournal;
  /** Opens what is encrypted; null: there is no key here. */
  readonly identity: string | null;
  /** Who signs in at the restored platform; null: nobody is named. */
  readonly account: { readonly email: string; readonly password: string } | null;
}

/** A backup could not be put to the test: that says nothing of it. */
export class Untried extends Error {
  override readonly name = 'Untried';
}

/** Does what has to be there before a backup is put to the test: what fails in it is no fault of the backup. */
export async function preparing<T>(
  { cluster }: Pick<Drilling, 'cluster'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    cluster.signal.throwIfAborted();
    throw new Untried(reasonOf(error), { cause: error });
  }
}

/** The VLAN of drills. */
const vlanOf = ({ site }: Cluster) =>
  site.inventory.vlans.find(({ name }) => name === site.inventory.backup.drill.vlan)!;

const markerOf = ({ cluster, journal }: Drilling, id: number) =>
  printDrillMarker({
    ...{ drill: journal.record.id, appliance: cluster.site.inventory.name },
    ...{ site: cluster.site.site.name, id },
  });

type Params = Readonly<Record<string, string | number | boolean>>;
/** A container's id and where it is. */
export interface DrillPlace {
  readonly id: number;
  readonly node: string;
  readonly name: string;
}

/**
 * The network cards of a container of a drill: as they were, in the VLAN of drills, cables out. It keeps its address, at
 * which its servers listen, and its gateway: there is nobody to hear them.
 */
function cardsOf(cluster: Cluster, raw: ReadonlyMap<string, string>): Params {
  const { id: tag, bridge } = vlanOf(cluster);
  return cardsApart(raw, () => ({ bridge, tag }));
}

/** What restores the archive of a container into isolation. */
export async function fromArchive(
  drilling: Drilling,
  target: Container,
  { volid, node }: { readonly volid: string; readonly node: string },
): Promise<{ readonly node: string; params(id: number): Params }> {
  const { cluster } = drilling;
  const raw = await archivedConfig(cluster, node, volid);
  return {
    node,
    params: (id) => ({
      ...{
        ostemplate: volid,
        restore: true,
        storage: target.storage,
        ...cardsOf(cluster, raw),
      },
      ...{ hostname: raw.get('hostname') ?? target.name, onboot: false, description: markerOf(drilling, id) },
    }),
  };
}

/** Enough for a server that holds one backup and serves nobody. */
const MEMORY_MB = 1_024;

/** What makes an empty container of the template of a group, where one of its members would stand. */
export async function fromTemplate(
  drilling: Drilling,
  group: string,
): Promise<{ readonly node: string; readonly member: Container; params(id: number): Params }> {
  const { cluster } = drilling;
  const status = await cluster.get<readonly Record<string, unknown>[]>('/cluster/status');
  const isOnline = (node: string) =>
    status.some(({ type, name, online }) => type === 'node' && name === node && Number(online) === 1);
  const members = cluster.site.containers.filter((one) => one.group === group);
  const member = members.findLast(({ node }) => isOnline(node));
  if (!member)
    throw new CliError(
      `Unable to make a place for the drill: no node is on that a member of ${group} is for.`,
    );
  const { id: tag, bridge } = vlanOf(cluster);
  return {
    ...{ node: member.node, member },
    params: (id) => ({
      ostemplate: `${member.template_storage}:vztmpl/${member.template}.tar.zst`,
      hostname: `psa-drill-${id}`,
      storage: member.storage,
      rootfs: `${member.storage}:${member.disk_gb}`,
      ...{ cores: member.cores, memory: Math.min(MEMORY_MB, member.memory_mb), swap: 0 },
      net0: printNet({ name: 'eth0', bridge, tag, ip: 'manual', linkDown: true }),
      ...{ unprivileged: true, features: 'nesting=1', onboot: false, description: markerOf(drilling, id) },
    }),
  };
}

/** @throws CliError when a storage has too little room */
export async function needRoom(
  cluster: Cluster,
  { node, storage }: { readonly node: string; readonly storage: string },
  needed: number,
): Promise<void> {
  const { avail } = await cluster.get<{ avail: number }>(apiPath`/nodes/${node}/storage/${storage}/status`);
  if (avail < needed)
    throw new CliError(`Unable to restore for a drill: there is too little room on ${storage} of ${node}.`, {
      why: `It takes about ${Math.ceil(needed / 1024 ** 2)} MiB, and ${Math.floor(avail / 1024 ** 2)} MiB are free.`,
    });
}

/**
 * Makes a container for a drill, sees that it is alone before it is started, has `work` done with it, and takes it away
 * whatever happens.
 * @param of the backup that it is for
 * @param making says what it is made of
 * @param restoring whether making it is what is put to the test
 */
export async function inPlace<T>(
  drilling: Drilling,
  of: string,
  {
    node,
    params,
    name,
    restoring,
  }: {
    readonly node: string;
    params(id: number): Params;
    readonly name: string;
    readonly restoring: boolean;
  },
  work: (place: DrillPlace) => Promise<T>,
): Promise<T> {
  const { cluster, journal } = drilling;
  const id = await preparing(drilling, () => freeId(cluster));
  await journal.takes(id);
  const place = { id, node, name: `${name} (CT ${id})` };
  try {
    const make = () =>
      journal.step(of, restoring ? 'restore it' : `make a container of ${name}`, () =>
        cluster.site.client.run(
          'POST',
          apiPath`/nodes/${node}/lxc`,
          { vmid: id, pool: cluster.site.inventory.name, ...params(id) },
          { signal: cluster.signal, taskTimeoutMs: RESTORE_MS },
        ),
      );
    await (restoring ? make() : preparing(drilling, make));
    await preparing(drilling, () =>
      journal.step(of, 'see that it is alone', () => checkAlone(cluster, place)),
    );
    const boot = () => journal.step(of, 'boot it', () => startGuest(cluster, node, id, place.name));
    await (restoring ? boot() : preparing(drilling, boot));
    return await work(place);
  } finally {
    // Also of a drill that was interrupted, whose own signal ends every request.
    const own = new Cluster(cluster.site, AbortSignal.timeout(REMOVE_MS));
    await journal
      .step(of, 'take it away', () => removePlace(own, id, journal.record.id))
      .catch(() => {
        // It stands in the journal; the next drill takes it away by its mark.
      });
  }
}

const REMOVE_MS = 5 * 60_000;

/** A free id of those that are kept for drills. @throws CliError when there is none */
async function freeId(cluster: Cluster): Promise<number> {
  const { first, last } = parseRange(cluster.site.inventory.backup.drill.ids)!;
  const taken = await guestsIn(cluster);
  for (let id = first; id <= last; id++)
    if (!taken.has(id) && !cluster.site.containers.some((one) => one.id === id)) return id;
  throw new CliError(`Unable to find a free id in backup.drill.ids (${first}-${last}).`, {
    fix: 'Take away what is there and no longer needed, or write a larger range.',
  });
}

/** Guests that have an id of drills, whoever made them: where each is. */
async function guestsIn(cluster: Cluster): Promise<ReadonlyMap<number, string>> {
  const { first, last } = parseRange(cluster.site.inventory.backup.drill.ids)!;
  const all = await cluster.get<readonly Record<string, unknown>[]>('/cluster/resources', { type: 'vm' });
  return new Map(
    all.flatMap(({ vmid, node }) => {
      const id = Number(vmid);
      return id >= first && id <= last ? [[id, String(node)] as const] : [];
    }),
  );
}

/** @throws CliError when it could be heard by anybody */
async function checkAlone(cluster: Cluster, { id, node, name }: DrillPlace): Promise<void> {
  const raw = await cluster.get<Record<string, unknown>>(apiPath`/nodes/${node}/lxc/${id}/config`);
  const cards = Object.entries(raw)
    .filter(([key]) => /^net\d+$/.test(key))
    .map(([key, text]) => {
      const { tag, linkDown = false } = parseNet(String(text));
      return { key, tag, linkDown };
    });
  const seen = { cards, onboot: Number(raw.onboot ?? 0) === 1, description: String(raw.description ?? '') };
  const trouble = isolationTrouble(seen, { vlan: vlanOf(cluster).id, id });
  if (trouble !== null)
    throw new CliError(`Unable to start ${name} for a drill: ${trouble}.`, { code: 'NOT_ISOLATED' });
}

/** Takes a container of a drill away, if it is one: it is asked for its mark, again, before it is destroyed. */
async function removePlace(cluster: Cluster, id: number, drill: string | null): Promise<boolean> {
  const found = await cluster.find(id);
  if (!found) return false;
  const { node } = found;
  // What a killed drill had begun goes on without it, and has its mark when it is done.
  await cluster.settle(node, id);
  const config = await cluster.config(node, id);
  const marker = config && parseDrillMarker(config.description);
  const { inventory, site } = cluster.site;
  const isOurs = marker?.appliance === inventory.name && marker.site === site.name && marker.id === id;
  if (!isOurs || (drill !== null && marker.drill !== drill)) return false;
  const path = apiPath`/nodes/${node}/lxc/${id}`;
  const options = { signal: cluster.signal };
  if ((await cluster.status(node, id)) === 'running')
    await cluster.site.client.run('POST', `${path}/status/stop`, {}, options);
  await cluster.site.client.run('DELETE', path, { purge: true }, options);
  return true;
}

/**
 * Takes away what killed drills of this site have left, by their mark alone. Call it with the lock of drills held.
 * @returns their ids
 */
export async function removeLeftovers(cluster: Cluster): Promise<readonly number[]> {
  const removed: number[] = [];
  for (const id of (await guestsIn(cluster)).keys())
    if (await removePlace(cluster, id, null)) removed.push(id);
  return removed;
}
