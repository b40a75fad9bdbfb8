import { createHash } from 'node:crypto';
import { expand } from '@psa/appliance/inventory/expand';
import {
  type Endpoint,
  type ResolvedFlow,
  resolveFlows,
  vlanOfAddress,
} from '@psa/appliance/inventory/flows';
import { parseAddress, parseSubnet } from '@psa/appliance/inventory/ipv4';
import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';
import { OUTSIDE } from './topology.ts';

/** Something with an address that can open connections. */
export interface ProbeMachine {
  /** As the inventory calls it: `psa-postgres-1`, `pve1`, `storage`, `internet`. */
  readonly name: string;
  /** Its group; nodes, hosts and the internet are groups of their own. */
  readonly group: string;
  /** The VLAN's id; null: outside. */
  readonly vlan: number | null;
  readonly address: string;
}

/** One attempt, and what it must meet. */
export interface Attempt {
  readonly from: ProbeMachine;
  /** Who is tried, for people. */
  readonly to: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  /** Where it arrives when it is let through; differs behind a forward of the router. */
  readonly arrives: string;
  readonly expected: 'open' | 'silent';
  readonly why: string;
}

/** The first machine of the internet. */
const CLIENT = '203.0.113.10';
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((text) => parseSubnet(text)!);
/** Ports that mean something to somebody in the appliance or to those who would break in. */
const TEMPTING = [
  22, 53, 80, 443, 2379, 2049, 3000, 3001, 3011, 5432, 5433, 5672, 6379, 6432, 8006, 8008, 9100,
];

/** Everything in the appliance that opens connections. */
export function probeMachines(inventory: Inventory, site: Site): readonly ProbeMachine[] {
  const vlan = (address: string) => vlanOfAddress(inventory, address)?.id ?? null;
  return [
    ...expand(inventory, site).map(({ name, group, vlan: id, address }) => ({
      name,
      group,
      vlan: id,
      address,
    })),
    ...site.nodes.map(({ name, address }) => ({ name, group: 'nodes', vlan: vlan(address), address })),
    ...inventory.hosts.map(({ name, address }) => ({ name, group: name, vlan: vlan(address), address })),
    { name: 'internet', group: 'internet', vlan: null, address: CLIENT },
  ];
}

/** Every allowed flow: each member of a group, one machine per group of a VLAN, both ends of a range of ports. */
export function allowedAttempts(inventory: Inventory, site: Site): readonly Attempt[] {
  const machines = probeMachines(inventory, site);
  return resolveFlows(inventory, site).flatMap((flow) => {
    const { protocol } = flow;
    if (protocol === 'icmp') return [];
    const ports = flow.ports.flatMap((one) => [...new Set(one.split('-').map(Number))]);
    return membersOf(machines, flow.from).flatMap((from) =>
      targetsOf(inventory, machines, flow, from).flatMap((target) =>
        ports.map((port) => ({ ...target, from, port, protocol, expected: 'open' as const, why: flow.why })),
      ),
    );
  });
}

/** A spread of what no flow allows: at most `count`, the same for the same inventory. */
export function forbiddenAttempts(inventory: Inventory, site: Site, count: number): readonly Attempt[] {
  const machines = probeMachines(inventory, site);
  const flows = resolveFlows(inventory, site);
  const firsts = firstOfEachGroup(machines);
  const targets = [
    ...firsts.map(({ name, address }) => ({ to: name, address })),
    { to: 'edge', address: inventory.data.haproxy.virtual_address },
    ...inventory.vlans.map((vlan) => ({ to: `gateway of ${vlan.name}`, address: vlan.gateway })),
    { to: 'public address', address: OUTSIDE },
  ];
  const all = firsts.flatMap((from) =>
    targets.flatMap(({ to, address }) =>
      TEMPTING.flatMap((port) =>
        (['tcp', 'udp'] as const).map(
          (protocol): Attempt => ({
            ...{ from, to, address, port, protocol, arrives: address, expected: 'silent' },
            why: 'no flow allows it',
          }),
        ),
      ),
    ),
  );
  const forbidden = all.filter(
    (one) => one.from.address !== one.address && !isAllowed(inventory, flows, one),
  );
  // By turns over pairs of machines, in an order that follows from a hash: no pair is left out for another's ports.
  const rank = (one: Attempt) =>
    createHash('sha256').update(`${one.from.name} ${one.to} ${one.port} ${one.protocol}`).digest('hex');
  const ranked = forbidden
    .map((one) => ({ one, rank: rank(one) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const turns = new Map<string, number>();
  const placed = ranked.map(({ one }) => {
    const pair = `${one.from.vlan} ${one.to}`;
    const turn = turns.get(pair) ?? 0;
    turns.set(pair, turn + 1);
    return { one, turn };
  });
  return placed
    .sort((a, b) => a.turn - b.turn)
    .slice(0, count)
    .map(({ one }) => one);
}

function firstOfEachGroup(machines: readonly ProbeMachine[]): readonly ProbeMachine[] {
  return machines.filter((one, at) => machines.findIndex((other) => other.group === one.group) === at);
}

function membersOf(machines: readonly ProbeMachine[], end: Endpoint): readonly ProbeMachine[] {
  if (end.kind !== 'vlan') return machines.filter((one) => one.group === end.name);
  return firstOfEachGroup(machines.filter((one) => one.vlan === end.vlan?.id));
}

type Target = Pick<Attempt, 'to' | 'address' | 'arrives'>;

function targetsOf(
  inventory: Inventory,
  machines: readonly ProbeMachine[],
  { to }: ResolvedFlow,
  from: ProbeMachine,
): readonly Target[] {
  const edge = inventory.data.haproxy.virtual_address;
  if (to.kind === 'edge')
    return [{ to: 'edge', address: from.group === 'internet' ? OUTSIDE : edge, arrives: edge }];
  if (to.kind === 'firewall') {
    const gateway = inventory.vlans.find((vlan) => vlan.id === from.vlan)!.gateway;
    return [{ to: 'firewall', address: gateway, arrives: gateway }];
  }
  const members =
    to.kind === 'internet' ? machines.filter((one) => one.group === 'internet') : membersOf(machines, to);
  return members.map(({ name, address }) => ({ to: name, address, arrives: address }));
}

function isAllowed(inventory: Inventory, flows: readonly ResolvedFlow[], attempt: Attempt): boolean {
  const { from, address, port, protocol } = attempt;
  const firewall = inventory.vlans.some((vlan) => vlan.gateway === address) || address === OUTSIDE;
  // Within a VLAN nothing is filtered, and neither is it on the internet.
  if (!firewall && (vlanOfAddress(inventory, address)?.id ?? null) === from.vlan) return true;
  return flows.some(
    (flow) =>
      flow.protocol === protocol &&
      flow.ports.some((range) => {
        const [first, last] = range.split('-').map(Number) as [number, number?];
        return port >= first && port <= (last ?? first);
      }) &&
      sends(flow.from, from) &&
      receives(inventory, flow.to, from, address),
  );
}

function sends(end: Endpoint, machine: ProbeMachine): boolean {
  if (end.kind === 'internet') return machine.vlan === null;
  return end.kind === 'vlan' ? end.vlan?.id === machine.vlan : end.addresses.includes(machine.address);
}

function receives(inventory: Inventory, end: Endpoint, from: ProbeMachine, address: string): boolean {
  if (end.kind === 'firewall')
    return inventory.vlans.some((vlan) => vlan.id === from.vlan && vlan.gateway === address);
  const value = parseAddress(address)!;
  if (end.kind === 'internet')
    // The router's own public address is on the internet for its rules, but nobody there listens to those inside.
    return address !== OUTSIDE && !PRIVATE.some((one) => value >= one.first && value <= one.last);
  // From outside the edge has the public address only.
  if (end.kind === 'edge') return address === (from.vlan === null ? OUTSIDE : end.addresses[0]);
  return end.kind === 'vlan'
    ? vlanOfAddress(inventory, address)?.id === end.vlan?.id && address !== end.vlan?.gateway
    : end.addresses.includes(address);
}
