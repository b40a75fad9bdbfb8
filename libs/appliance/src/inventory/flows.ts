import { expand, siteOf } from './expand.ts';
import { isHostOf, parseAddress, parseSubnet } from './ipv4.ts';
import type { Flow, Inventory, Vlan } from './schema.ts';
import type { Site } from './site-schema.ts';

/** One end of a flow. */
export interface Endpoint {
  readonly name: string;
  readonly kind: 'vlan' | 'group' | 'host' | 'nodes' | 'edge' | 'firewall' | 'internet';
  /** Addresses, or the one subnet of a VLAN; empty for the internet: everything that no VLAN holds. */
  readonly addresses: readonly string[];
  /** The VLAN that it stands in; null for the internet and the firewall, which has a leg in each. */
  readonly vlan: Vlan | null;
}

/** A flow with both ends resolved. */
export interface ResolvedFlow {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly protocol: Flow['protocol'];
  /** Ports as texts, `5432` or `3000-3010`; empty for icmp and for all ports. */
  readonly ports: readonly string[];
  readonly why: string;
}

/** Names that flows may use beside VLANs, groups and hosts. */
export const RESERVED_ENDPOINTS = ['nodes', 'edge', 'firewall', 'internet'] as const;

/** What kind of end a name is; null when the inventory does not know it. */
export function endpointKind(inventory: Inventory, name: string): Endpoint['kind'] | null {
  const reserved = RESERVED_ENDPOINTS.find((one) => one === name);
  if (reserved) return reserved;
  if (inventory.vlans.some((vlan) => vlan.name === name)) return 'vlan';
  if (inventory.containers.some((group) => group.name === name)) return 'group';
  return inventory.hosts.some((host) => host.name === name) ? 'host' : null;
}

/** The VLAN whose subnet has the address; null when none has. */
export function vlanOfAddress(inventory: Inventory, address: string): Vlan | null {
  const value = parseAddress(address);
  const holds = (vlan: Vlan) => {
    const subnet = parseSubnet(vlan.subnet);
    return value !== null && subnet !== null && isHostOf(subnet, value);
  };
  return inventory.vlans.find(holds) ?? null;
}

/** The VLAN that an end of a flow stands in; null for the internet, the firewall and unknown names. */
export function endpointVlan(inventory: Inventory, site: Site, name: string): Vlan | null {
  switch (endpointKind(inventory, name)) {
    case 'vlan':
      return inventory.vlans.find((vlan) => vlan.name === name) ?? null;
    case 'group': {
      const group = inventory.containers.find((one) => one.name === name);
      return inventory.vlans.find((vlan) => vlan.name === group?.vlan) ?? null;
    }
    case 'host':
      return vlanOfAddress(inventory, inventory.hosts.find((host) => host.name === name)?.address ?? '');
    case 'nodes':
      return vlanOfAddress(inventory, site.nodes[0]?.address ?? '');
    case 'edge':
      return vlanOfAddress(inventory, inventory.data.haproxy.virtual_address);
    default:
      return null;
  }
}

/** Every allowed flow with its addresses, in the order of the inventory. */
export function resolveFlows(inventory: Inventory, site: Site = siteOf(inventory)): readonly ResolvedFlow[] {
  const containers = expand(inventory, site);
  const end = (name: string): Endpoint => {
    const kind = endpointKind(inventory, name)!;
    const addresses = {
      vlan: () => inventory.vlans.filter((vlan) => vlan.name === name).map((vlan) => vlan.subnet),
      group: () => containers.filter((one) => one.group === name).map((one) => one.address),
      host: () => inventory.hosts.filter((host) => host.name === name).map((host) => host.address),
      nodes: () => site.nodes.map((node) => node.address),
      edge: () => [inventory.data.haproxy.virtual_address],
      firewall: () => inventory.vlans.map((vlan) => vlan.gateway),
      internet: () => [],
    }[kind]();
    return { name, kind, addresses, vlan: endpointVlan(inventory, site, name) };
  };
  return inventory.flows.map((flow) => ({
    from: end(flow.from),
    to: end(flow.to),
    protocol: flow.protocol,
    ports: (flow.ports ?? []).map(String),
    why: flow.why,
  }));
}
