import type { ClusterFiles } from './cluster-files.ts';
import type { Interface, Interfaces } from './interface.ts';
import { requireFitting } from './interface-rules.ts';
import type { LabNode } from './membership.ts';

/** What a node has from the beginning: its card, and the bridge that its address is on. */
function original({ address }: LabNode): Interfaces {
  const common = { families: ['inet'], method6: 'manual', active: 1 };
  return {
    lo: { ...common, type: 'loopback', method: 'loopback', autostart: 1 },
    eno1: { ...common, type: 'eth', method: 'manual' },
    vmbr0: {
      ...{ ...common, type: 'bridge', method: 'static', autostart: 1 },
      ...{ address, netmask: '24', cidr: `${address}/24`, bridge_ports: 'eno1' },
      gateway: address.replace(/\d+$/, '1'),
      ...{ bridge_stp: 'off', bridge_fd: '0', bridge_vlan_aware: 1, bridge_vids: '2-4094' },
    },
  };
}

const fileOf = (node: LabNode, isNew: boolean): string =>
  `nodes/${node.name}/interfaces${isNew ? '.new' : ''}.json`;

/** Interfaces of a node: those that hold, and those that are written for the next reload. */
export function readInterfaces(
  files: ClusterFiles,
  node: LabNode,
): { now: Interfaces; next: Interfaces | null } {
  return {
    now: files.readJson(fileOf(node, false), original(node)),
    next: files.readJson<Interfaces | null>(fileOf(node, true), null),
  };
}

/** Writes what shall hold after the next reload. @throws for interfaces that do not fit together (PVE::INotify) */
export function writeNext(files: ClusterFiles, node: LabNode, interfaces: Interfaces): void {
  requireFitting(interfaces);
  files.writeJson(fileOf(node, true), interfaces);
}

/** What was written is forgotten. */
export const revertNext = (files: ClusterFiles, node: LabNode): void => files.remove(fileOf(node, true));

/** What was written holds from now on. */
export function applyNext(files: ClusterFiles, node: LabNode): void {
  const { next } = readInterfaces(files, node);
  if (next === null) return;
  const active = Object.entries(next).map(([name, one]) => [name, { ...one, active: 1 }] as const);
  files.writeJson(fileOf(node, false), Object.fromEntries(active));
  revertNext(files, node);
}

const ORDER = ['loopback', 'eth', 'vlan', 'bond', 'bridge'];

/** Interfaces in the order of the file, and with their place in it. */
export function inOrder(interfaces: Interfaces): readonly (readonly [string, Interface])[] {
  const rank = (one: Interface) => (ORDER.indexOf(one.type) + ORDER.length + 1) % (ORDER.length + 1);
  return Object.entries(interfaces)
    .sort(([, a], [, b]) => rank(a) - rank(b))
    .map(([name, one], index) => [name, { ...one, priority: index + 2 }]);
}

/** Names in a list with blanks or commas between them. */
export const words = (text: unknown): readonly string[] =>
  String(text ?? '')
    .split(/[,;\s]+/)
    .filter((word) => word !== '');
