import { haproxy } from '../parts/haproxy.ts';
import { duplicates, holds } from './checks.ts';
import { membersOf, RESERVED_MB } from './expand.ts';
import { formatAddress, isHostOf, overlap, parseAddress, parseRange, parseSubnet } from './ipv4.ts';
import { nearest } from './nearest.ts';
import type { FieldPath, Problem } from './problem.ts';
import { type ContainerGroup, DATA_PARTS, type Inventory } from './schema.ts';
import { inventoryOf } from './site-inventory.ts';

/** Groups of containers: names, id ranges, addresses, sizes, replicas; and that each part has its group. */
export function checkContainers(inventory: Inventory): Problem[] {
  return [
    ...checkParts(inventory),
    ...checkEdgePorts(inventory),
    ...checkRanges(inventory),
    ...checkAddresses(inventory),
    ...checkDhcp(inventory),
    ...inventory.containers.flatMap((group, index) => [
      ...checkNamed(inventory, group, ['containers', index]),
      ...inventory.sites.flatMap((_, site) => checkSite(inventory, group, ['containers', index], site)),
    ]),
  ];
}

/** Each service and data part has a group of its name, and each group something that runs in it. */
function checkParts(inventory: Inventory): Problem[] {
  const groups = inventory.containers.map((group) => group.name);
  const parts: { name: string; path: FieldPath }[] = [
    ...inventory.services.map(({ name }, index) => ({ name, path: ['services', index, 'name'] })),
    ...DATA_PARTS.map((name) => ({ name, path: ['data', name] })),
  ];
  return [
    ...parts
      .filter(({ name }) => !groups.includes(name))
      .map(({ name, path }) => ({
        path,
        message: `"${name}" has no containers to run in.`,
        fix: `Add a group named "${name}" to containers.`,
      })),
    ...groups.flatMap((name, index) => {
      if (membersOf(inventory, name) > 0) return [];
      const meant = nearest(
        name,
        parts.map((part) => part.name),
      );
      return [
        {
          path: ['containers', index, 'name'],
          message: `Nothing runs in "${name}".`,
          fix: meant ? `Did you mean "${meant}"?` : 'Add a service of that name, or take the group out.',
        },
      ];
    }),
  ];
}

/** HAProxy has one address: what it listens on must differ. */
function checkEdgePorts(inventory: Inventory): Problem[] {
  const { postgres } = inventory.data;
  const ports = [
    ...[80, 443, haproxy.ports.metrics].map((port) => ({ value: String(port), path: [] as FieldPath })),
    { value: String(postgres.write_port), path: ['data', 'postgres', 'write_port'] },
    { value: String(postgres.read_port), path: ['data', 'postgres', 'read_port'] },
    ...inventory.services.flatMap((service, index) =>
      service.edge_port === undefined
        ? []
        : [{ value: String(service.edge_port), path: ['services', index, 'edge_port'] }],
    ),
  ];
  return [
    ...duplicates(ports, 'The port of HAProxy'),
    ...inventory.services.flatMap((service, index) =>
      (service.name === 'gateway') === (service.edge_port === undefined)
        ? []
        : [
            {
              path: ['services', index, 'name'],
              message:
                service.name === 'gateway'
                  ? 'The gateway is reached by HTTPS only.'
                  : `Nobody can reach "${service.name}".`,
              fix:
                service.name === 'gateway' ? 'Take edge_port out.' : 'Add edge_port, a free port of HAProxy.',
            },
          ],
    ),
  ];
}

function checkRanges(inventory: Inventory): Problem[] {
  const ranges = [
    ...inventory.containers.map((group, index) => ({
      what: `"${group.name}"`,
      range: parseRange(group.ids),
      needed: membersOf(inventory, group.name),
      path: ['containers', index, 'ids'] as FieldPath,
    })),
    {
      what: 'the drills',
      range: parseRange(inventory.backup.drill.ids),
      needed: 1,
      path: ['backup', 'drill', 'ids'] as FieldPath,
    },
  ];
  return ranges.flatMap(({ what, range, needed, path }, index): Problem[] => {
    if (range.first < 100 || range.last < range.first)
      return [
        { path, message: 'is no range of ids.', fix: 'Write the lower id first; Proxmox counts from 100.' },
      ];
    const size = range.last - range.first + 1;
    const other = ranges.slice(0, index).find((one) => overlap(one.range, range));
    return [
      ...(size < needed
        ? [
            {
              path,
              message: `holds ${size} ids; ${what} needs ${needed}.`,
              fix: 'Widen the range or lower the replicas.',
            },
          ]
        : []),
      ...(other
        ? [{ path, message: `overlaps with the ids of ${other.what}.`, fix: 'Give each its own range.' }]
        : []),
    ];
  });
}

function addressesOf(inventory: Inventory, group: ContainerGroup): string[] {
  const first = parseAddress(group.first_address);
  if (first === null) return [];
  return Array.from({ length: membersOf(inventory, group.name) }, (_, index) => formatAddress(first + index));
}

/** No address twice, whoever has it. */
function checkAddresses(inventory: Inventory): Problem[] {
  const common: { value: string; path: FieldPath }[] = [
    ...inventory.vlans.map((vlan, index) => ({ value: vlan.gateway, path: ['vlans', index, 'gateway'] })),
    ...inventory.hosts.map((host, index) => ({ value: host.address, path: ['hosts', index, 'address'] })),
    { value: inventory.data.haproxy.virtual_address, path: ['data', 'haproxy', 'virtual_address'] },
    ...inventory.containers.flatMap((group, index) =>
      addressesOf(inventory, group).map((value) => ({ value, path: ['containers', index, 'first_address'] })),
    ),
  ];
  // Two sites are two networks with the same plan: their nodes may have the same addresses.
  const seen = new Set<string>();
  return inventory.sites
    .flatMap((site, at) =>
      duplicates(
        [
          ...common,
          ...site.nodes.map((node, index) => ({
            value: node.address,
            path: ['sites', at, 'nodes', index, 'address'],
          })),
        ],
        'The address',
      ),
    )
    .filter((problem) => {
      const key = JSON.stringify([problem.path, problem.message]);
      return !seen.has(key) && seen.add(key);
    });
}

/** What DHCP gives out belongs to nobody beforehand. */
function checkDhcp(inventory: Inventory): Problem[] {
  const fixed: { value: string; path: FieldPath }[] = [
    ...inventory.hosts.map((host, index) => ({ value: host.address, path: ['hosts', index, 'address'] })),
    { value: inventory.data.haproxy.virtual_address, path: ['data', 'haproxy', 'virtual_address'] },
    ...inventory.containers.flatMap((group, index) =>
      addressesOf(inventory, group).map((value) => ({ value, path: ['containers', index, 'first_address'] })),
    ),
    ...inventory.sites.flatMap((site, at) =>
      site.nodes.map((node, index) => ({
        value: node.address,
        path: ['sites', at, 'nodes', index, 'address'],
      })),
    ),
  ];
  return inventory.vlans.flatMap(({ name, dhcp }, index): Problem[] => {
    if (!dhcp) return [];
    const [first, last] = [parseAddress(dhcp.from) ?? 0, parseAddress(dhcp.to) ?? 0];
    if (first > last)
      return [
        {
          path: ['vlans', index, 'dhcp', 'from'],
          message: `${dhcp.from} comes after ${dhcp.to}.`,
          fix: 'Write the lower address first.',
        },
      ];
    return fixed
      .filter(({ value }) =>
        overlap({ first, last }, { first: parseAddress(value) ?? 0, last: parseAddress(value) ?? 0 }),
      )
      .map(({ value, path }) => ({
        path,
        message: `${value} is among the addresses that DHCP gives out in VLAN "${name}".`,
        fix: `Take one outside ${dhcp.from} to ${dhcp.to}.`,
      }));
  });
}

function checkNamed(inventory: Inventory, group: ContainerGroup, path: FieldPath): Problem[] {
  const vlan = inventory.vlans.find((one) => one.name === group.vlan);
  const problems: Problem[] = [];
  const unknown = (field: string, name: string, known: readonly string[]) => {
    const meant = nearest(name, known);
    problems.push({
      path: [...path, field],
      message: `There is no ${field} "${name}".`,
      fix: meant ? `Did you mean "${meant}"?` : `Known are: ${known.join(', ')}.`,
    });
  };
  const templates = inventory.templates.map((one) => one.name);
  if (!templates.includes(group.template)) unknown('template', group.template, templates);
  if (!vlan) {
    unknown(
      'vlan',
      group.vlan,
      inventory.vlans.map((one) => one.name),
    );
    return problems;
  }
  const subnet = parseSubnet(vlan.subnet);
  const addresses = addressesOf(inventory, group);
  const outside = addresses.find((one) => subnet && !isHostOf(subnet, parseAddress(one)!));
  if (outside !== undefined || (addresses.length === 0 && membersOf(inventory, group.name) > 0))
    problems.push({
      path: [...path, 'first_address'],
      message: `${outside ?? group.first_address} is no address of VLAN "${vlan.name}" (${vlan.subnet}).`,
      fix: 'Write an address of the VLAN with room for every replica after it.',
    });
  return problems;
}

function checkSite(inventory: Inventory, group: ContainerGroup, path: FieldPath, at: number): Problem[] {
  const site = inventory.sites[at]!;
  const problems: Problem[] = [];
  const storage = site.storages.find((one) => one.name === group.storage);
  if (!holds(site.storages, group.storage, 'rootdir'))
    problems.push({
      path: [...path, 'storage'],
      message: `Site "${site.name}" has no storage "${group.storage}" for root disks.`,
      fix: 'Name one whose content includes rootdir.',
    });
  if (storage && group.ha === 'managed' && !storage.shared)
    problems.push({
      path: [...path, 'ha'],
      message: `Storage "${storage.name}" of site "${site.name}" is not shared: the HA manager could not start ${group.name} elsewhere.`,
      fix: 'Name a shared storage, or set ha: none.',
    });
  const nodes = group.nodes
    ? site.nodes.filter((node) => group.nodes!.includes(node.name))
    : site.nodes.filter((node) => !storage?.nodes || storage.nodes.includes(node.name));
  for (const name of (group.nodes ?? []).filter((one) => !site.nodes.some((node) => node.name === one)))
    problems.push({
      path: [...path, 'nodes', group.nodes!.indexOf(name)],
      message: `Site "${site.name}" has no node "${name}".`,
      fix: `Known are: ${site.nodes.map((node) => node.name).join(', ')}.`,
    });
  const members = membersOf(inventoryOf(inventory, site), group.name);
  if (group.anti_affinity === 'required' && members > nodes.length)
    problems.push({
      path: [...path, 'anti_affinity'],
      message: `${members} containers of "${group.name}" want a node each; site "${site.name}" has ${nodes.length} for them.`,
      fix: 'Lower the replicas, add a node, or set anti_affinity: preferred.',
    });
  const largest = Math.max(0, ...nodes.map((node) => node.memory_mb - (node.reserved_mb ?? RESERVED_MB)));
  if (group.memory_mb > largest)
    problems.push({
      path: [...path, 'memory_mb'],
      message: `${group.memory_mb} MiB are more than any node of site "${site.name}" has for containers (${largest} MiB).`,
      fix: 'Lower memory_mb, or add memory to the nodes.',
    });
  return problems;
}
