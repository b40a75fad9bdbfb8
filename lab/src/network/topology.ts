import { createHash } from 'node:crypto';
import { vlanOfAddress } from '@psa/appliance/inventory/flows';
import { parseSubnet } from '@psa/appliance/inventory/ipv4';
import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';
import { RuntimeFailure } from '../ports.ts';

/** The router's address on the lab's internet. Documentation range: nobody's. */
export const OUTSIDE = '203.0.113.1';
/** Machines of the internet: many, as a limit per address would hold one of them back. */
const CLIENTS = Array.from({ length: 10 }, (_, index) => `203.0.113.${10 + index}`);
/** The router's card to the internet. */
export const WAN = 'wan';

/** A cable: a veth pair. `name` in its own namespace, `peer` in that of `to`. */
export interface Cable {
  readonly name: string;
  readonly to: string;
  readonly peer: string;
  /** The bridges that its ends are plugged into; null: an end of a machine. */
  readonly bridge: string | null;
  readonly peerBridge: string | null;
}

/** A network namespace and what is in it. */
export interface Machine {
  readonly namespace: string;
  readonly kind: 'fabric' | 'node' | 'internet' | 'host';
  /** Its name in the inventory. */
  readonly name: string;
  readonly bridges: readonly string[];
  readonly addresses: readonly { readonly address: string; readonly link: string }[];
  readonly gateway: string | null;
  /** Cables that are made here. */
  readonly cables: readonly Cable[];
}

/** The link of a VLAN in the router: a bridge, so it is the switch as well. */
export const legOf = (vlan: number) => `vlan${vlan}`;
/** The link of a VLAN on a node, as Proxmox calls it on a bridge that is not VLAN-aware. */
export const bridgeOf = (bridge: string, vlan: number | null) =>
  vlan === null ? bridge : `${bridge}v${vlan}`;
/** A node's cable into a VLAN: its end in the router, and its own end. */
export const cableOf = (node: number, vlan: number) => `n${node}v${vlan}`;
export const uplinkOf = (vlan: number) => `uplink${vlan}`;

/** The namespace of a node, a host, the router (`fabric`) or the internet. */
export const namespaceOf = (lab: string, name: string) => `${lab}-${name}`;

/** A hardware address that stays: a bridge's own would change with the cards that come and go, and ARP with it. */
export function hwaddrOf(namespace: string, link: string): string {
  const bytes = createHash('sha256').update(`${namespace} ${link}`).digest().subarray(0, 5);
  return ['02', ...[...bytes].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** Everything that the lab's network consists of. */
export function topologyOf(lab: string, inventory: Inventory, site: Site): readonly Machine[] {
  const { vlans } = inventory;
  const bits = (address: string) => parseSubnet(vlanAt(inventory, address).subnet)!.bits;
  const fabric = namespaceOf(lab, 'fabric');
  const nodes = site.nodes.map((node): Machine => {
    const home = vlanAt(inventory, node.address);
    const bridges = new Set(vlans.flatMap((vlan) => [vlan.bridge, bridgeOf(vlan.bridge, vlan.id)]));
    return {
      ...{ namespace: namespaceOf(lab, node.name), kind: 'node', name: node.name, bridges: [...bridges] },
      addresses: [{ address: `${node.address}/${bits(node.address)}`, link: bridgeOf(home.bridge, home.id) }],
      gateway: home.gateway,
      cables: [],
    };
  });
  const hosts = inventory.hosts.map((host): Machine => {
    const home = vlanAt(inventory, host.address);
    return {
      ...{ namespace: namespaceOf(lab, `host-${host.name}`), kind: 'host', name: host.name, bridges: [] },
      addresses: [{ address: `${host.address}/${bits(host.address)}`, link: 'eth0' }],
      gateway: home.gateway,
      cables: [],
    };
  });
  const internet: Machine = {
    ...{ namespace: namespaceOf(lab, 'internet'), kind: 'internet', name: 'internet', bridges: [] },
    addresses: CLIENTS.map((address) => ({ address: `${address}/24`, link: 'eth0' })),
    // Private addresses are behind the router: what goes there must be tried, and refused there.
    gateway: OUTSIDE,
    cables: [],
  };
  const router: Machine = {
    ...{ namespace: fabric, kind: 'fabric', name: 'fabric', bridges: vlans.map((vlan) => legOf(vlan.id)) },
    addresses: [
      ...vlans.map((vlan) => ({
        address: `${vlan.gateway}/${parseSubnet(vlan.subnet)!.bits}`,
        link: legOf(vlan.id),
      })),
      { address: `${OUTSIDE}/24`, link: WAN },
    ],
    gateway: null,
    cables: [
      ...nodes.flatMap((node, index) =>
        vlans.map((vlan) => ({
          ...{ name: cableOf(index + 1, vlan.id), to: node.namespace, peer: uplinkOf(vlan.id) },
          ...{ bridge: legOf(vlan.id), peerBridge: bridgeOf(vlan.bridge, vlan.id) },
        })),
      ),
      ...hosts.map((host, index) => ({
        ...{ name: `host${index + 1}`, to: host.namespace, peer: 'eth0', peerBridge: null },
        bridge: legOf(vlanAt(inventory, inventory.hosts[index]!.address).id),
      })),
      { name: WAN, to: internet.namespace, peer: 'eth0', bridge: null, peerBridge: null },
    ],
  };
  return [router, ...nodes, ...hosts, internet];
}

function vlanAt(inventory: Inventory, address: string) {
  const vlan = vlanOfAddress(inventory, address);
  if (!vlan) throw new RuntimeFailure(`Unable to wire ${address}: it stands in no VLAN of the inventory.`);
  return vlan;
}
