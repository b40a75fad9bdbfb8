import { dirname, join } from 'node:path';
import { storageKind } from '@psa/appliance/inventory/storages';
import { parseServers, rotationOf } from '@psa/appliance/parts/haproxy-stats';
import { dataParts } from '@psa/appliance/parts/parts';
import { isMigrated, leaderOf, patroniMembers } from '@psa/appliance/parts/postgres';
import type { Desired, DesiredContainer } from '@psa/appliance/plan/desired';
import type {
  Observed,
  ObservedConfig,
  ObservedGuest,
  ObservedHa,
  ObservedStorage,
} from '@psa/appliance/plan/observed';
import { type Release, releaseOf } from '@psa/appliance/plan/releases';
import { apiPath } from '@psa/proxmox/client/encode';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { CliError } from '../errors.ts';
import { type Cluster, foundOf } from '../site/cluster.ts';
import { answersOf, type Looks, lookInto } from '../site/look.ts';
import { begunCreations, type JournalLine, madeContainers } from './apply-journal.ts';
import { POOL_COMMENT } from './container-steps.ts';

/** How to look at a site. */
export interface ObserveOptions {
  /** What psactl has done here before. */
  readonly journal: readonly JournalLine[];
  /** Whether containers are looked into; not needed to remove them. */
  readonly inside: boolean;
}

type Raw = Readonly<Record<string, unknown>>;

/** Looks at everything that a plan needs. What a dead node hides is said to be unknown; it stops nothing else. */
export async function observe(
  cluster: Cluster,
  desired: Desired,
  options: ObserveOptions,
): Promise<Observed> {
  const get: Get = (path, params) => cluster.get(path, params);
  const [version, status, listed, pools, storages] = await Promise.all([
    get<{ version: string }>('/version'),
    get<readonly Raw[]>('/cluster/status'),
    get<readonly Raw[]>('/cluster/resources', { type: 'vm' }),
    get<readonly Raw[]>('/pools'),
    get<readonly Raw[]>('/storage'),
  ]);
  const resources = await cluster.heard(listed, status);
  const release = releaseOf(version.version);
  const head = status.find(({ type }) => type === 'cluster');
  const nodes = Object.fromEntries(
    status
      .filter(({ type }) => type === 'node')
      .map(({ name, online }) => [String(name), Number(online) === 1 ? 'online' : 'offline'] as const),
  );
  const isOnline = (node: string) => nodes[node] === 'online';
  const poolNames = pools.map(({ poolid }) => String(poolid));
  const wanted = new Map(desired.containers.map((one) => [one.id, one]));
  // The longest of all: it begins at once, and what else there is to ask is asked meanwhile.
  const targets = resources.flatMap((raw) => {
    const container = wanted.get(Number(raw.vmid));
    const { node, status: said } = foundOf(raw, status);
    const isUp = raw.type === 'lxc' && said === 'running' && isOnline(node);
    return options.inside && container && isUp ? [{ container, node }] : [];
  });
  const looking = lookInto(cluster, targets);
  // Should what is asked meanwhile fail: its own end is nobody's then.
  looking.catch(() => {});
  const [members, ha, templates, hidden, configs] = await Promise.all([
    poolNames.includes(desired.pool) ? cluster.membersOf(desired.pool) : new Set<number>(),
    haOf(get, release),
    templatesOf(cluster, desired, isOnline),
    hiddenOf(
      cluster,
      [...wanted.keys()].filter((id) => !resources.some(({ vmid }) => Number(vmid) === id)),
    ),
    configsOf(cluster, resources, (raw) => isOnline(String(raw.node)) && isNamedOurs(raw, wanted, desired)),
  ]);
  const outside = await Promise.all(
    resources.map(async (raw): Promise<ObservedGuest> => {
      const id = Number(raw.vmid);
      const { node, status: said } = foundOf(raw, status);
      const isReadable = members.has(id) && raw.type === 'lxc' && isOnline(node);
      const config = configs.get(id) ?? (isReadable ? await configOf(cluster, node, id) : null);
      return {
        ...{ id, node, inPool: members.has(id), config, inside: null },
        status: said === 'running' || said === 'stopped' ? said : 'unknown',
        type: raw.type === 'qemu' ? 'qemu' : 'lxc',
        name: String(raw.name ?? config?.hostname ?? ''),
      };
    }),
  );
  const { seen, failures } = await looking;
  // One that cannot be asked is a note in the plan; when none can, the way there is wrong.
  if (failures.size > 0 && seen.size === 0) throw unreachable(cluster, targets, failures, nodes);
  const guests = outside.map((guest) => ({
    ...guest,
    inside: guest.config ? (seen.get(guest.id)?.inside ?? null) : null,
  }));
  return {
    ...{ release, nodes, guests, ha, hidden },
    begun: begunCreations(options.journal),
    made: madeContainers(options.journal),
    // A node on its own has no cluster, and needs nobody's vote.
    quorate: head === undefined || Number(head.quorate) === 1,
    pools: poolNames,
    storages: storages.map(storageOf),
    ownPools: pools.filter(({ comment }) => comment === POOL_COMMENT).map(({ poolid }) => String(poolid)),
    ...templates,
    ...partsOf(cluster, desired, seen),
    drained: drainedOf(desired, seen),
  };
}

/** By node: one that is down is named, and no ssh is wrong for it. */
function unreachable(
  { site }: Cluster,
  targets: readonly { readonly container: { readonly id: number }; readonly node: string }[],
  failures: Looks['failures'],
  nodes: Observed['nodes'],
): CliError {
  const online = [...new Set(targets.map(({ node }) => node))].sort();
  const why = online.map((name) => {
    const failed = targets.find(({ node, container }) => node === name && failures.has(container.id));
    return `${name}: ${failures.get(failed?.container.id ?? 0) ?? 'no answer'}`;
  });
  const down = Object.keys(nodes).filter((node) => nodes[node] === 'offline');
  const isDown = down.length === 1 ? 'is down and is' : 'are down and are';
  const away = down.length === 0 ? [] : [`${down.sort().join(', ')} ${isDown} not counted`];
  return new CliError(
    `Unable to look into the containers on ${online.join(', ')}: not one of them could be reached by ssh.`,
    {
      why: `${[...why, ...away].join('; ')}.`,
      fix: `Check ssh.key_file of the site and that the host keys of its nodes stand in ${join(dirname(site.path(site.site.ssh.key_file)), 'known_hosts')}: psactl doctor`,
    },
  );
}

/**
 * Those of these ids that are taken all the same: who may not see a guest (VM.Audit) is not shown it in any list, but
 * told by `nextid` that its id is not free.
 */
async function hiddenOf(cluster: Cluster, ids: readonly number[]): Promise<readonly number[]> {
  const taken = await Promise.all(
    ids.map(async (id) => {
      try {
        await cluster.get('/cluster/nextid', { vmid: id });
        return [];
      } catch (error) {
        if (error instanceof ProxmoxError && /already exists/.test(error.text)) return [id];
        throw error;
      }
    }),
  );
  return taken.flat();
}

/** Its id or its tag is one of ours. */
const isNamedOurs = (raw: Raw, wanted: ReadonlyMap<number, unknown>, { appliance }: Desired): boolean =>
  wanted.has(Number(raw.vmid)) ||
  String(raw.tags ?? '')
    .split(/[;, ]+/)
    .includes(appliance);

/** The configurations of these containers, as far as they can be read. */
async function configsOf(
  cluster: Cluster,
  resources: readonly Raw[],
  concerns: (raw: Raw) => boolean,
): Promise<ReadonlyMap<number, ObservedConfig | null>> {
  const read = resources
    .filter((raw) => raw.type === 'lxc' && concerns(raw))
    .map(async (raw) => {
      const id = Number(raw.vmid);
      return [id, await configOf(cluster, String(raw.node), id)] as const;
    });
  return new Map(await Promise.all(read));
}

/** Its configuration; null when it cannot be read now. */
async function configOf(cluster: Cluster, node: string, id: number): Promise<ObservedConfig | null> {
  try {
    return await cluster.config(node, id);
  } catch (error) {
    if (cluster.signal.aborted) throw error;
    return null;
  }
}

type Get = <T>(path: string, params?: Record<string, string | number>) => Promise<T>;

const text = (value: unknown) => (value === undefined ? '' : String(value));
const list = (value: unknown) =>
  text(value)
    .split(/[,; ]+/)
    .filter((one) => one !== '');

function storageOf(raw: Raw): ObservedStorage {
  const type = text(raw.type);
  return {
    ...{ name: text(raw.storage), type, content: list(raw.content) },
    // What a server gives is the same everywhere, whether its section says so or not.
    isShared: Number(raw.shared ?? 0) === 1 || storageKind(type)?.shared === 'always',
    nodes: raw.nodes === undefined ? null : list(raw.nodes),
  };
}

/** Resources, and rules or groups, whichever the release has. */
async function haOf(get: Get, { ha }: Release): Promise<ObservedHa> {
  const [resources, rules, groups] = await Promise.all([
    get<readonly Raw[]>('/cluster/ha/resources'),
    ha === 'rules' ? get<readonly Raw[]>('/cluster/ha/rules') : [],
    ha === 'rules' ? [] : get<readonly Raw[]>('/cluster/ha/groups'),
  ]);
  return {
    resources: resources.map((raw) => ({
      sid: text(raw.sid),
      state: text(raw.state) || 'started',
      group: raw.group === undefined ? null : text(raw.group),
      comment: text(raw.comment),
    })),
    rules: rules.map((raw) => ({
      ...{ name: text(raw.rule), type: text(raw.type), resources: list(raw.resources) },
      ...{
        nodes: list(raw.nodes).join(','),
        affinity: text(raw.affinity),
        comment: text(raw.comment).trim(),
      },
      strict: Number(raw.strict ?? 0) === 1,
      disabled: Number(raw.disable ?? 0) === 1,
    })),
    groups: groups.map((raw) => ({
      ...{ name: text(raw.group), nodes: list(raw.nodes).join(','), comment: text(raw.comment).trim() },
    })),
  };
}

async function templatesOf(
  cluster: Cluster,
  desired: Desired,
  isOnline: (node: string) => boolean,
): Promise<Pick<Observed, 'templates' | 'templateStorages'>> {
  const anyone = cluster.site.site.nodes.map(({ name }) => name).find(isOnline);
  const places = new Map<string, { storage: string; node: string }>();
  for (const { storage, node } of desired.templates) {
    const at = node ?? anyone;
    if (at !== undefined && isOnline(at))
      places.set(node === null ? storage : `${storage}@${node}`, { storage, node: at });
  }
  const found = await Promise.all(
    [...places].map(async ([key, { storage, node }]) => {
      try {
        const path = apiPath`/nodes/${node}/storage/${storage}/content`;
        const content = await cluster.get<readonly Raw[]>(path, { content: 'vztmpl' });
        return { key, files: content.map(({ volid }) => `${key}/${String(volid).split('/').at(-1)}`) };
      } catch (error) {
        if (cluster.signal.aborted) throw error;
        return null;
      }
    }),
  );
  const seen = found.filter((one) => one !== null);
  return { templates: seen.flatMap(({ files }) => files), templateStorages: seen.map(({ key }) => key) };
}

/** Replicas that a HAProxy was told to give no requests. */
function drainedOf({ containers }: Desired, seen: Looks['seen']): readonly number[] {
  const edge = containers.filter(({ group }) => group === 'haproxy').map((container) => ({ container }));
  const views = answersOf(seen, edge).map(({ text }) => parseServers(text));
  return containers
    .filter(({ kind, group, name }) => kind === 'service' && rotationOf(views, group, name) === 'drained')
    .map(({ id }) => id);
}

/** Health of the data parts whose containers are configured; others have steps anyhow. */
function partsOf(
  { site }: Cluster,
  { containers }: Desired,
  seen: Looks['seen'],
): Pick<Observed, 'parts' | 'migrated' | 'leader'> {
  const isConfigured = ({ id }: DesiredContainer) => seen.get(id)?.inside.digest;
  const parts = Object.entries(dataParts()).flatMap(([name, { trouble }]) => {
    const members = containers.filter(({ group }) => group === name).map((container) => ({ container }));
    // With a member that is away or new the part is looked at when that is mended.
    if (members.length === 0 || !members.every(({ container }) => isConfigured(container))) return [];
    return [[name, trouble(site.inventory, answersOf(seen, members))] as const];
  });
  const database = containers.filter((one) => one.group === 'postgres' && isConfigured(one));
  const answers = answersOf(
    seen,
    database.map((container) => ({ container })),
  );
  const leader = leaderOf(patroniMembers(answers) ?? [])?.name;
  return {
    parts: Object.fromEntries(parts),
    migrated: isMigrated(answers),
    leader: database.find(({ name }) => name === leader)?.id ?? null,
  };
}
