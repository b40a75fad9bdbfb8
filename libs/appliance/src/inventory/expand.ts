import { formatAddress, parseAddress, parseRange, parseSubnet } from './ipv4.ts';
import type { Problem } from './problem.ts';
import type { ContainerGroup, Inventory } from './schema.ts';
import type { Node, Site } from './site-schema.ts';

/** A container as it shall be. */
export interface Container {
  readonly id: number;
  readonly name: string;
  /** The service or data part that runs in it. */
  readonly group: string;
  /** Its number in the group, from 1. */
  readonly number: number;
  readonly node: string;
  /** Why it stands on that node. */
  readonly reason: string;
  readonly address: string;
  readonly prefix: number;
  readonly gateway: string;
  readonly bridge: string;
  readonly vlan: number;
  readonly cores: number;
  readonly memory_mb: number;
  readonly swap_mb: number;
  readonly disk_gb: number;
  readonly storage: string;
  /** `<name>-<version>` */
  readonly template: string;
  readonly template_storage: string;
  readonly ha: ContainerGroup['ha'];
  readonly tags: readonly string[];
}

/** The containers of a site, and what could not be placed. */
export interface Expanded {
  readonly containers: readonly Container[];
  readonly problems: readonly Problem[];
}

/** Memory that a node keeps for itself when the inventory does not say. */
export const RESERVED_MB = 2_048;

/** The site of that name; the first one without a name. @throws when there is none of that name */
export function siteOf(inventory: Inventory, name?: string): Site {
  const site = name === undefined ? inventory.sites[0] : inventory.sites.find((one) => one.name === name);
  if (site) return site;
  const known = inventory.sites.map((one) => one.name).join(', ');
  throw new Error(`The inventory has no site "${name}". Known sites: ${known}.`);
}

/** How many containers of a group there shall be; 0 when nothing of that name runs. */
export function membersOf(inventory: Inventory, group: string): number {
  const service = inventory.services.find((one) => one.name === group);
  if (service) return service.replicas;
  return group in inventory.data ? inventory.data[group as keyof Inventory['data']].members : 0;
}

/**
 * Every container of a site, placed. @throws when one does not fit: an inventory that `loadInventory` let through
 * has none.
 */
export function expand(inventory: Inventory, site: Site = siteOf(inventory)): readonly Container[] {
  const { containers, problems } = place(inventory, site);
  if (problems.length > 0) throw new Error(problems.map((one) => `${one.message} ${one.fix}`).join('\n'));
  return containers;
}

/**
 * Places each group by turns over the nodes. The first turn follows from the group's own ids, so a container stays
 * where it is when other groups come, go or grow (as long as memory is not short), and the order of the lists in
 * the inventory has no part in it.
 */
export function place(inventory: Inventory, site: Site): Expanded {
  const problems: Problem[] = [];
  const containers: Container[] = [];
  const used = new Map<string, number>(site.nodes.map((node) => [node.name, 0]));
  const groups = inventory.containers
    .map((group, index) => ({ group, index, first: parseRange(group.ids).first }))
    .sort((a, b) => a.first - b.first);
  for (const { group, index, first } of groups) {
    const turns = turnsOf(site, group, first);
    const ours = new Set<string>();
    for (let number = 1; number <= membersOf(inventory, group.name); number++) {
      const choice = choose(turns, number, group, ours, used);
      if (!choice) {
        problems.push({
          path: ['containers', index, 'name'],
          message: `No node of site "${site.name}" has room for container ${number} of "${group.name}" (${group.memory_mb} MiB${group.anti_affinity === 'required' ? ', a node without another of the group' : ''}).`,
          fix: 'Lower memory_mb or the replicas, add a node, or set anti_affinity to preferred.',
        });
        break;
      }
      ours.add(choice.node.name);
      used.set(choice.node.name, used.get(choice.node.name)! + group.memory_mb);
      containers.push(containerOf(inventory, group, number, choice.node.name, choice.reason));
    }
  }
  return { containers, problems };
}

/** The nodes that a group may use, in the order of its turns. */
function turnsOf(site: Site, group: ContainerGroup, first: number): readonly Node[] {
  const storage = site.storages.find((one) => one.name === group.storage);
  const allowed = (node: Node) => !storage?.nodes || storage.nodes.includes(node.name);
  if (group.nodes)
    return group.nodes
      .map((name) => site.nodes.find((node) => node.name === name))
      .filter((node) => node !== undefined && allowed(node)) as Node[];
  const nodes = site.nodes.filter(allowed).sort((a, b) => (a.name < b.name ? -1 : 1));
  const offset = nodes.length === 0 ? 0 : Math.floor(first / 10) % nodes.length;
  return [...nodes.slice(offset), ...nodes.slice(0, offset)];
}

function choose(
  turns: readonly Node[],
  number: number,
  group: ContainerGroup,
  ours: ReadonlySet<string>,
  used: ReadonlyMap<string, number>,
): { node: Node; reason: string } | null {
  const start = turns.length === 0 ? 0 : (number - 1) % turns.length;
  const order = [...turns.slice(start), ...turns.slice(0, start)];
  const hasRoom = (node: Node) =>
    used.get(node.name)! + group.memory_mb <= node.memory_mb - (node.reserved_mb ?? RESERVED_MB);
  const fresh = order.filter((node) => !ours.has(node.name));
  const candidates =
    group.anti_affinity === 'required'
      ? fresh
      : group.anti_affinity === 'preferred'
        ? [...fresh, ...order.filter((node) => ours.has(node.name))]
        : order;
  const node = candidates.find(hasRoom);
  if (!node) return null;
  const turn = `its turn (container ${number} of ${group.name}${group.nodes ? ', nodes named in the inventory' : ''})`;
  if (node === order[0]) return { node, reason: turn };
  const full = candidates.slice(0, candidates.indexOf(node)).map((one) => one.name);
  const reason =
    full.length > 0
      ? `${full.join(', ')} ${full.length === 1 ? 'has' : 'have'} no room for ${group.memory_mb} MiB`
      : `${order[0]!.name} already has one of ${group.name}`;
  return { node, reason };
}

function containerOf(
  inventory: Inventory,
  group: ContainerGroup,
  number: number,
  node: string,
  reason: string,
): Container {
  const vlan = inventory.vlans.find((one) => one.name === group.vlan)!;
  const template = inventory.templates.find((one) => one.name === group.template)!;
  return {
    id: parseRange(group.ids).first + number - 1,
    name: `${inventory.name}-${group.name}-${number}`,
    group: group.name,
    ...{ number, node, reason },
    address: formatAddress(parseAddress(group.first_address)! + number - 1),
    prefix: parseSubnet(vlan.subnet)!.bits,
    gateway: vlan.gateway,
    bridge: vlan.bridge,
    vlan: vlan.id,
    cores: group.cores,
    memory_mb: group.memory_mb,
    swap_mb: group.swap_mb ?? 0,
    disk_gb: group.disk_gb,
    storage: group.storage,
    template: `${template.name}-${template.version}`,
    template_storage: template.storage,
    ha: group.ha,
    // Proxmox sorts tags; a list in its order makes no drift.
    tags: [inventory.name, `${inventory.name}-${group.name}`, `vlan${vlan.id}`].sort(),
  };
}
