import { type Container, expand, siteOf } from '../inventory/expand.ts';
import { DATA_PARTS, type Inventory } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';
import { type Marker, printMarker } from './marker.ts';
import type { OpsMark } from './ops-mark.ts';

/** A container as it shall be, with what runs in it. */
export interface DesiredContainer extends Container {
  readonly kind: 'service' | 'data';
  /** `order=10`; data parts before services. */
  readonly startup: string;
  readonly nameserver: string;
  readonly searchdomain: string;
  readonly marker: Marker;
  /** Volume id of its template. */
  readonly ostemplate: string;
  /** Digest of its contents (`psa-config`). */
  readonly digest: string;
  /** Release of a service container. */
  readonly release: string | null;
  /** Where the service listens. */
  readonly port: number | null;
}

/** A template archive that must be on a storage. */
export interface DesiredTemplate {
  /** As in `Observed.templates`. */
  readonly key: string;
  /** `<name>-<version>.tar.zst` */
  readonly file: string;
  readonly storage: string;
  /** Null: the storage is shared. */
  readonly node: string | null;
}

/** A rule of the HA manager; see `Release`. */
export interface DesiredRule {
  readonly name: string;
  readonly type: 'node-affinity' | 'resource-affinity';
  /** Ids of containers. */
  readonly members: readonly number[];
  readonly nodes: readonly string[];
  readonly comment: string;
}

/** A group of the HA manager, where there are no rules: one for each container, preferring the node that the inventory gives it. */
export interface DesiredHaGroup {
  readonly name: string;
  readonly sid: string;
  readonly nodes: string;
  readonly restricted: boolean;
  readonly comment: string;
}

/** The appliance on a site as it shall be. */
export interface Desired {
  readonly appliance: string;
  readonly site: string;
  readonly pool: string;
  readonly containers: readonly DesiredContainer[];
  readonly templates: readonly DesiredTemplate[];
  readonly rules: readonly DesiredRule[];
  readonly haGroups: readonly DesiredHaGroup[];
  /** Names of data containers that may be made anew, with the loss of their copy of the data. */
  readonly recreate: readonly string[];
  /** Whether surplus data containers may be removed. */
  readonly removeData: boolean;
  /** Its database follows that of the other site: nobody is served here, and what serves lies ready. */
  readonly follows: boolean;
  /** What runs by the clock, in the container `ops`; null: not looked at. `isKnown`: psactl has put it there from here. */
  readonly schedule: { readonly mark: OpsMark; readonly isKnown: boolean } | null;
}

/** What the inventory does not say. */
export interface DesiredOptions {
  /** Container → digest of its contents. */
  digestOf(container: Container): string;
  /** Service → release that was deployed; `releases.version` when absent. */
  readonly deployed?: Readonly<Record<string, string>>;
  readonly recreate?: readonly string[];
  readonly removeData?: boolean;
  readonly follows?: boolean;
  readonly schedule?: Desired['schedule'];
}

/** The comment that tells HA resources, rules and groups of ours from others'. */
export const ownComment = (appliance: string, site: string): string =>
  `psactl: appliance=${appliance} site=${site}`;

/** Name of the HA resource of a container. */
export const sidOf = (id: number): string => `ct:${id}`;

/** Derives everything that shall be on a site. */
export function desiredOf(
  inventory: Inventory,
  site: Site = siteOf(inventory),
  options: DesiredOptions,
): Desired {
  const { deployed = {}, recreate = [], removeData = false, follows = false, schedule = null } = options;
  const containers = expand(inventory, site).map((container): DesiredContainer => {
    const service = inventory.services.find(({ name }) => name === container.group);
    const part = (DATA_PARTS as readonly string[]).indexOf(container.group);
    return {
      ...container,
      kind: service ? 'service' : 'data',
      startup: `order=${service ? 90 : (part + 1) * 10}`,
      nameserver: container.gateway,
      searchdomain: inventory.internal_domain,
      marker: {
        appliance: inventory.name,
        site: site.name,
        container: container.name,
        id: container.id,
        group: container.group,
        template: container.template,
      },
      ostemplate: `${container.template_storage}:vztmpl/${container.template}.tar.zst`,
      digest: options.digestOf(container),
      release: service ? (deployed[service.name] ?? inventory.releases.version) : null,
      port: service?.port ?? null,
    };
  });
  return {
    appliance: inventory.name,
    site: site.name,
    pool: inventory.name,
    containers,
    templates: templatesOf(site, containers),
    ...haOf(inventory, site, containers),
    ...{ recreate, removeData, follows, schedule },
  };
}

/**
 * Parameters of `POST /nodes/{node}/lxc`. The marker comes with the creation, so nothing is ever nobody's: for the
 * description Proxmox lets the rights on the pool count (`check_ct_modify_config_perm`). For tags it does not
 * (`assert_tag_permissions`): a token whose rights come from the pool sets them when the container is in it.
 */
export function createParams(
  container: DesiredContainer,
  pool: string,
): Record<string, string | number | boolean> {
  return {
    vmid: container.id,
    ostemplate: container.ostemplate,
    hostname: container.name,
    storage: container.storage,
    rootfs: `${container.storage}:${container.disk_gb}`,
    cores: container.cores,
    memory: container.memory_mb,
    swap: container.swap_mb,
    net0: Object.entries(netOf(container))
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    nameserver: container.nameserver,
    searchdomain: container.searchdomain,
    unprivileged: true,
    features: 'nesting=1',
    onboot: true,
    startup: container.startup,
    description: printMarker(container.marker),
    pool,
  };
}

/** What `net0` must say. */
export function netOf(container: DesiredContainer): Record<string, string> {
  return {
    name: 'eth0',
    bridge: container.bridge,
    tag: String(container.vlan),
    ip: `${container.address}/${container.prefix}`,
    gw: container.gateway,
  };
}

function templatesOf(site: Site, containers: readonly DesiredContainer[]): DesiredTemplate[] {
  const found = new Map<string, DesiredTemplate>();
  for (const { template, template_storage: storage, node: at } of containers) {
    const shared = site.storages.find(({ name }) => name === storage)?.shared ?? false;
    const file = `${template}.tar.zst`;
    const node = shared ? null : at;
    const key = `${node === null ? storage : `${storage}@${node}`}/${file}`;
    found.set(key, { key, file, storage, node });
  }
  return [...found.values()];
}

function haOf(inventory: Inventory, site: Site, containers: readonly DesiredContainer[]) {
  const comment = ownComment(inventory.name, site.name);
  const rules: DesiredRule[] = [];
  const haGroups: DesiredHaGroup[] = [];
  for (const group of inventory.containers) {
    const members = containers.filter((one) => one.group === group.name && one.ha === 'managed');
    if (members.length === 0) continue;
    const ids = members.map(({ id }) => id);
    const storage = site.storages.find(({ name }) => name === group.storage);
    const nodes = site.nodes
      .map(({ name }) => name)
      .filter((name) => (group.nodes ?? [name]).includes(name) && (storage?.nodes ?? [name]).includes(name));
    const bounded = nodes.length < site.nodes.length;
    if (group.anti_affinity === 'required' && members.length > 1)
      rules.push({
        name: `${inventory.name}-${group.name}-apart`,
        type: 'resource-affinity',
        ...{ members: ids, nodes: [], comment },
      });
    if (bounded)
      rules.push({
        name: `${inventory.name}-${group.name}-nodes`,
        type: 'node-affinity',
        ...{ members: ids, nodes, comment },
      });
    for (const member of members)
      haGroups.push({
        name: member.name,
        sid: sidOf(member.id),
        nodes: nodes.map((node) => `${node}:${node === member.node ? 2 : 1}`).join(','),
        restricted: bounded,
        comment,
      });
  }
  return { rules, haGroups };
}
