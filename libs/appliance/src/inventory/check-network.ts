import { duplicates } from './checks.ts';
import { endpointKind, endpointVlan, RESERVED_ENDPOINTS, vlanOfAddress } from './flows.ts';
import { isHostOf, overlap, parseAddress, parseSubnet } from './ipv4.ts';
import { nearest } from './nearest.ts';
import type { FieldPath, Problem } from './problem.ts';
import type { Flow, Inventory } from './schema.ts';

/** VLANs, addresses of machines, flows. */
export function checkNetwork(inventory: Inventory): Problem[] {
  return [
    ...checkVlans(inventory),
    ...checkBridges(inventory),
    ...checkMachines(inventory),
    ...checkFlows(inventory),
  ];
}

function checkVlans(inventory: Inventory): Problem[] {
  const { vlans } = inventory;
  return [
    ...duplicates(
      vlans.map((vlan, index) => ({ value: String(vlan.id), path: ['vlans', index, 'id'] })),
      'The tag',
    ),
    ...vlans.flatMap((vlan, index): Problem[] => {
      const path: FieldPath = ['vlans', index];
      const subnet = parseSubnet(vlan.subnet);
      if (!subnet)
        return [
          {
            path: [...path, 'subnet'],
            message: `${vlan.subnet} is no subnet.`,
            fix: 'Write the first address of the network and its length, such as 10.0.20.0/24.',
          },
        ];
      const inside = (address: string) => isHostOf(subnet, parseAddress(address) ?? -1);
      const outside = (field: FieldPath, address: string): Problem[] =>
        inside(address)
          ? []
          : [
              {
                path: [...path, ...field],
                message: `${address} is no address of ${vlan.subnet}.`,
                fix: 'Write an address of the VLAN.',
              },
            ];
      const other = vlans.findIndex((one, at) => {
        const theirs = at < index ? parseSubnet(one.subnet) : null;
        return theirs !== null && overlap(theirs, subnet);
      });
      return [
        ...outside(['gateway'], vlan.gateway),
        ...(vlan.dhcp
          ? [...outside(['dhcp', 'from'], vlan.dhcp.from), ...outside(['dhcp', 'to'], vlan.dhcp.to)]
          : []),
        ...(other >= 0
          ? [
              {
                path: [...path, 'subnet'],
                message: `${vlan.subnet} overlaps with VLAN "${vlans[other]!.name}".`,
                fix: 'Give each VLAN its own subnet.',
              },
            ]
          : []),
      ];
    }),
  ];
}

/** A bridge without a card leads nowhere. The lab makes its own. */
function checkBridges(inventory: Inventory): Problem[] {
  const bridges = [...new Set(inventory.vlans.map((vlan) => vlan.bridge))];
  return inventory.sites.flatMap((site, at) =>
    site.nodes.flatMap((node, index) =>
      bridges
        .filter((bridge) => site.target === 'cluster' && node.bridges?.[bridge] === undefined)
        .map((bridge) => ({
          path: ['sites', at, 'nodes', index, 'bridges'],
          message: `"${node.name}" names no network card for ${bridge}.`,
          fix: `Add it, as in bridges: { ${bridge}: eno1 }.`,
        })),
    ),
  );
}

function checkMachines(inventory: Inventory): Problem[] {
  const machines = [
    ...inventory.hosts.map((host, index) => ({
      address: host.address,
      path: ['hosts', index, 'address'] as FieldPath,
    })),
    {
      address: inventory.data.haproxy.virtual_address,
      path: ['data', 'haproxy', 'virtual_address'] as FieldPath,
    },
    ...inventory.sites.flatMap((site, at) =>
      site.nodes.map((node, index) => ({
        address: node.address,
        path: ['sites', at, 'nodes', index, 'address'] as FieldPath,
      })),
    ),
  ];
  const first = inventory.sites.map((site) => endpointVlan(inventory, site, 'nodes'));
  return [
    ...machines
      .filter(({ address }) => vlanOfAddress(inventory, address) === null)
      .map(({ address, path }) => ({
        path,
        message: `${address} stands in no VLAN.`,
        fix: 'Write an address inside one of the subnets of vlans.',
      })),
    // The nodes of a cluster reach each other without the firewall: its loss must not cost the quorum.
    ...inventory.sites.flatMap((site, at) =>
      site.nodes.flatMap((node, index) => {
        const vlan = vlanOfAddress(inventory, node.address);
        return vlan && first[at] && vlan !== first[at]
          ? [
              {
                path: ['sites', at, 'nodes', index, 'address'],
                message: `${node.address} is not in the VLAN of the other nodes (${first[at].name}).`,
                fix: 'Put all nodes of a cluster into one VLAN.',
              },
            ]
          : [];
      }),
    ),
  ];
}

function checkFlows(inventory: Inventory): Problem[] {
  return inventory.flows.flatMap((flow, index) => {
    const path: FieldPath = ['flows', index];
    const unknown = (['from', 'to'] as const).filter((end) => endpointKind(inventory, flow[end]) === null);
    if (unknown.length > 0) return unknown.map((end) => unknownEnd(inventory, [...path, end], flow[end]));
    return [...checkEnds(inventory, flow, path), ...checkPorts(flow, path)];
  });
}

function unknownEnd(inventory: Inventory, path: FieldPath, name: string): Problem {
  const known = [
    ...RESERVED_ENDPOINTS,
    ...inventory.vlans.map((one) => one.name),
    ...inventory.containers.map((one) => one.name),
    ...inventory.hosts.map((one) => one.name),
  ];
  const meant = nearest(name, known);
  return {
    path,
    message: `"${name}" is no VLAN, no container group and no host.`,
    fix: meant ? `Did you mean "${meant}"?` : `Known are: ${known.join(', ')}.`,
  };
}

function checkEnds(inventory: Inventory, flow: Flow, path: FieldPath): Problem[] {
  const problems: Problem[] = [];
  if (flow.from === 'edge')
    problems.push({
      path: [...path, 'from'],
      message: 'The virtual address opens no connections; the containers behind it do.',
      fix: 'Write the group "haproxy".',
    });
  if (flow.from === 'firewall')
    problems.push({
      path: [...path, 'from'],
      message: 'What the firewall itself opens is not filtered.',
      fix: 'Take the flow out.',
    });
  if (flow.from === 'internet' && flow.to !== 'edge')
    problems.push({
      path: [...path, 'to'],
      message: `The internet reaches the edge only, not "${flow.to}".`,
      fix: 'Write "edge", or take the flow out.',
    });
  for (const site of inventory.sites) {
    const [from, to] = [endpointVlan(inventory, site, flow.from), endpointVlan(inventory, site, flow.to)];
    if (from && from === to && problems.length === 0)
      problems.push({
        path: [...path, 'to'],
        message: `Both ends stand in VLAN "${from.name}", whose traffic does not pass the firewall.`,
        fix: 'Take the flow out: it is always possible.',
      });
    if (from && flow.to === 'internet' && !from.internet && problems.length === 0)
      problems.push({
        path: [...path, 'to'],
        message: `VLAN "${from.name}" has no internet.`,
        fix: 'Take the flow out, or set internet: true for the VLAN.',
      });
  }
  return problems;
}

function checkPorts(flow: Flow, path: FieldPath): Problem[] {
  if (flow.protocol === 'icmp')
    return flow.ports
      ? [{ path: [...path, 'ports'], message: 'icmp has no ports.', fix: 'Take them out.' }]
      : [];
  if (!flow.ports)
    return [
      {
        path: [...path, 'ports'],
        message: `A ${flow.protocol} flow without ports would open all of them.`,
        fix: 'Name the ports.',
      },
    ];
  return flow.ports.flatMap((port, index) => {
    const [from, to] = String(port).split('-').map(Number) as [number, number?];
    const fine = from >= 1 && (to ?? from) <= 65_535 && from <= (to ?? from);
    return fine
      ? []
      : [
          {
            path: [...path, 'ports', index],
            message: `${port} is no range of ports.`,
            fix: 'Write the lower port first; the highest is 65535.',
          },
        ];
  });
}
