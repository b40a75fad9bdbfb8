import { dirname, join } from 'node:path';
import type { Desired, DesiredContainer } from '@psa/appliance/plan/desired';
import type {
  Observed,
  ObservedConfig,
  ObservedGuest,
  ObservedHa,
  ObservedInside,
} from '@psa/appliance/plan/observed';
import { apiPath } from '@psa/proxmox/client/encode';
import { CliError } from '../errors.ts';
import { POOL_COMMENT } from './container-steps.ts';
import { partTrouble } from './health.ts';
import { lookInto } from './look.ts';
import { type RawConfig, readConfig } from './pve-config.ts';
import type { OpenSite } from './site.ts';

/** How to look at a site. */
export interface ObserveOptions {
  readonly signal: AbortSignal;
  /** See `Observed.begun`. */
  readonly begun: readonly number[];
  /** Whether containers are looked into; not needed to remove them. */
  readonly inside: boolean;
}

type Raw = Readonly<Record<string, unknown>>;

/** Looks at everything that a plan needs. What a dead node hides is said to be unknown; it stops nothing else. */
export async function observe(site: OpenSite, desired: Desired, options: ObserveOptions): Promise<Observed> {
  const { signal } = options;
  const get = <T>(path: string, params: Record<string, string | number> = {}) =>
    site.client.request<T>('GET', path, params, { signal });
  const [version, status, resources, pools] = await Promise.all([
    get<{ version: string }>('/version'),
    get<readonly Raw[]>('/cluster/status'),
    get<readonly Raw[]>('/cluster/resources', { type: 'vm' }),
    get<readonly Raw[]>('/pools'),
  ]);
  const release = Number.parseInt(version.version, 10);
  const cluster = status.find(({ type }) => type === 'cluster');
  const nodes = Object.fromEntries(
    status
      .filter(({ type }) => type === 'node')
      .map(({ name, online }) => [String(name), Number(online) === 1 ? 'online' : 'offline'] as const),
  );
  const isOnline = (node: string) => nodes[node] === 'online';
  const poolNames = pools.map(({ poolid }) => String(poolid));
  const [members, ha, templates] = await Promise.all([
    poolNames.includes(desired.pool) ? membersOf(get, desired.pool) : new Set<number>(),
    haOf(get, release),
    templatesOf(site, desired, isOnline, signal),
  ]);
  const wanted = new Map(desired.containers.map((one) => [one.id, one]));
  const concerns = (raw: Raw) => {
    const id = Number(raw.vmid);
    return (
      wanted.has(id) ||
      members.has(id) ||
      String(raw.tags ?? '')
        .split(/[;, ]+/)
        .includes(desired.appliance)
    );
  };
  const failures: string[] = [];
  const guests = await Promise.all(
    resources.map((raw) =>
      guestOf(site, raw, {
        inPool: members.has(Number(raw.vmid)),
        container: wanted.get(Number(raw.vmid)) ?? null,
        readable: concerns(raw) && raw.type === 'lxc' && isOnline(String(raw.node)),
        options,
        failed: (why) => failures.push(why),
      }),
    ),
  );
  // One that cannot be asked is a note in the plan; when none can, the way there is wrong.
  if (failures.length > 0 && guests.every(({ inside }) => inside === null))
    throw new CliError('Unable to look into the containers: not one of them could be reached by ssh.', {
      why: failures[0]!,
      fix: `Check ssh.key_file of the site and that the host keys of its nodes stand in ${join(dirname(site.path(site.site.ssh.key_file)), 'known_hosts')}: psactl doctor`,
    });
  return {
    ...{ release, nodes, guests, ha, begun: options.begun },
    // A node on its own has no cluster, and needs nobody's vote.
    quorate: cluster === undefined || Number(cluster.quorate) === 1,
    pools: poolNames,
    ownPools: pools.filter(({ comment }) => comment === POOL_COMMENT).map(({ poolid }) => String(poolid)),
    ...templates,
    ...(options.inside ? await partsOf(site, desired, guests, signal) : { parts: {}, migrated: null }),
  };
}

interface GuestLook {
  readonly inPool: boolean;
  readonly container: DesiredContainer | null;
  readonly readable: boolean;
  readonly options: ObserveOptions;
  failed(why: string): void;
}

async function guestOf(site: OpenSite, raw: Raw, look: GuestLook): Promise<ObservedGuest> {
  const { inPool, container, readable, options } = look;
  const node = String(raw.node);
  const id = Number(raw.vmid);
  const status = raw.status === 'running' || raw.status === 'stopped' ? raw.status : 'unknown';
  const config = readable ? await configOf(site, node, id, options.signal) : null;
  const inside: ObservedInside | null =
    config !== null && container !== null && status === 'running' && options.inside
      ? await lookInto(site.shell, node, container, { signal: options.signal, failed: look.failed })
      : null;
  return {
    ...{ id, node, status, inPool, config, inside },
    type: raw.type === 'qemu' ? 'qemu' : 'lxc',
    name: String(raw.name ?? config?.hostname ?? ''),
  };
}

/** Its configuration; null when it cannot be read now. */
async function configOf(
  site: OpenSite,
  node: string,
  id: number,
  signal: AbortSignal,
): Promise<ObservedConfig | null> {
  try {
    return readConfig(
      await site.client.request<RawConfig>('GET', apiPath`/nodes/${node}/lxc/${id}/config`, {}, { signal }),
    );
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}

type Get = <T>(path: string, params?: Record<string, string | number>) => Promise<T>;

async function membersOf(get: Get, pool: string): Promise<ReadonlySet<number>> {
  const { members = [] } = await get<{ members?: readonly Raw[] }>(apiPath`/pools/${pool}`);
  return new Set(members.flatMap(({ vmid }) => (vmid === undefined ? [] : [Number(vmid)])));
}

/** Resources, and rules or groups: PVE 9 has moved the groups into rules. */
async function haOf(get: Get, release: number): Promise<ObservedHa> {
  const [resources, rules, groups] = await Promise.all([
    get<readonly Raw[]>('/cluster/ha/resources'),
    release >= 9 ? get<readonly Raw[]>('/cluster/ha/rules') : [],
    release >= 9 ? [] : get<readonly Raw[]>('/cluster/ha/groups'),
  ]);
  const text = (value: unknown) => (value === undefined ? '' : String(value));
  const list = (value: unknown) =>
    text(value)
      .split(/[,; ]+/)
      .filter((one) => one !== '');
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
  site: OpenSite,
  desired: Desired,
  isOnline: (node: string) => boolean,
  signal: AbortSignal,
): Promise<Pick<Observed, 'templates' | 'templateStorages'>> {
  const anyone = site.site.nodes.map(({ name }) => name).find(isOnline);
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
        const content = await site.client.request<readonly Raw[]>(
          'GET',
          path,
          { content: 'vztmpl' },
          { signal },
        );
        return { key, files: content.map(({ volid }) => `${key}/${String(volid).split('/').at(-1)}`) };
      } catch (error) {
        if (signal.aborted) throw error;
        return null;
      }
    }),
  );
  const seen = found.filter((one) => one !== null);
  return { templates: seen.flatMap(({ files }) => files), templateStorages: seen.map(({ key }) => key) };
}

/** Health of the data parts whose containers are configured; others have steps anyhow. */
async function partsOf(
  site: OpenSite,
  desired: Desired,
  guests: readonly ObservedGuest[],
  signal: AbortSignal,
): Promise<Pick<Observed, 'parts' | 'migrated'>> {
  const groups = [
    ...new Set(desired.containers.filter(({ kind }) => kind === 'data').map(({ group }) => group)),
  ];
  const found = await Promise.all(
    groups.map(async (group) => {
      const members = desired.containers
        .filter((one) => one.group === group)
        .map((container) => ({ container, guest: guests.find(({ id }) => id === container.id) }));
      const at = members.flatMap(({ container, guest }) =>
        guest?.status === 'running' && guest.inside?.digest ? [{ container, node: guest.node }] : [],
      );
      // With a member that is away or new the part is looked at when that is mended.
      if (at.length < members.length || at.length === 0) return null;
      const trouble = await partTrouble(site, group, at, signal);
      return trouble === undefined ? null : ([group, trouble] as const);
    }),
  );
  const parts = Object.fromEntries(found.filter((one) => one !== null));
  return { parts, migrated: await isMigrated(site, desired, guests, signal) };
}

/** Whether the database has tables, asked of any member; null when none answers. */
async function isMigrated(
  site: OpenSite,
  desired: Desired,
  guests: readonly ObservedGuest[],
  signal: AbortSignal,
): Promise<boolean | null> {
  const { database } = site.inventory.data.postgres;
  const query = "select to_regclass('psa.migrations') is not null";
  const psql = `psql -h /var/run/postgresql -d ${database} -Atqc "${query}"`;
  for (const { id } of desired.containers.filter(({ group }) => group === 'postgres')) {
    const guest = guests.find((one) => one.id === id);
    if (guest?.status !== 'running' || !guest.inside?.digest) continue;
    try {
      const argv = ['su', 'postgres', '-s', '/bin/sh', '-c', psql];
      const { stdout } = await site.shell.exec(guest.node, id, argv, { timeoutMs: 15_000, signal });
      if (/^[tf]$/.test(stdout.trim())) return stdout.trim() === 't';
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }
  return null;
}
