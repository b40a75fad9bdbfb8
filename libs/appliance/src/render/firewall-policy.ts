import { createHash } from 'node:crypto';
import { siteOf } from '../inventory/expand.ts';
import { type Endpoint, type ResolvedFlow, resolveFlows } from '../inventory/flows.ts';
import { parseSubnet } from '../inventory/ipv4.ts';
import type { Inventory, Vlan } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';
import { type DnsRecord, dnsRecords } from './dns.ts';

/** A named list of addresses. */
export interface Alias {
  readonly name: string;
  readonly type: 'host' | 'network';
  readonly addresses: readonly string[];
  readonly description: string;
}

/** One rule on the interface where the connection comes in. */
export interface Rule {
  readonly action: 'pass' | 'block';
  /** The network card with its tag, as in igb1.20. */
  readonly device: string;
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'any';
  /** The name of an alias, or "any". */
  readonly source: string;
  /** The name of an alias ("!" before it: everything else), an address, or "any". */
  readonly destination: string;
  readonly port: string;
  readonly description: string;
}

/** A port of the firewall's public address that leads to the edge. */
export interface Forward {
  readonly protocol: 'tcp' | 'udp';
  readonly port: string;
  readonly target: string;
  readonly description: string;
}

/** A VLAN as the firewall sees it. */
export interface Leg {
  readonly vlan: Vlan;
  /** The interface's key in config.xml; follows from the tag. */
  readonly key: string;
  readonly device: string;
  readonly bits: number;
}

/** What the firewall shall do. */
export interface FirewallPolicy {
  readonly trunk: string;
  readonly wan: string;
  readonly legs: readonly Leg[];
  readonly aliases: readonly Alias[];
  readonly rules: readonly Rule[];
  readonly forwards: readonly Forward[];
  readonly hosts: readonly DnsRecord[];
}

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];

/** The rules that are exactly the inventory's flows: one per port, and at the end of each VLAN one that blocks. */
export function firewallPolicy(inventory: Inventory, site: Site = siteOf(inventory)): FirewallPolicy {
  const { trunk, wan } = inventory.firewall;
  const legs = inventory.vlans.map((vlan) => ({
    vlan,
    key: `opt${vlan.id}`,
    device: `${trunk}.${vlan.id}`,
    bits: parseSubnet(vlan.subnet)!.bits,
  }));
  const aliases = new Map<string, Alias>();
  const alias = (end: Endpoint): string => {
    const name = aliasName(inventory, end.name);
    const type = end.kind === 'vlan' ? 'network' : 'host';
    aliases.set(name, { name, type, addresses: end.addresses, description: `${end.kind}: ${end.name}` });
    return name;
  };
  const outside = aliasName(inventory, 'private');
  const destination = (flow: ResolvedFlow, leg: Leg): string => {
    if (flow.to.kind === 'firewall') return leg.vlan.gateway;
    if (flow.to.kind !== 'internet') return alias(flow.to);
    aliases.set(outside, {
      name: outside,
      type: 'network',
      addresses: PRIVATE,
      description: 'not the internet',
    });
    return `!${outside}`;
  };
  const flows = resolveFlows(inventory, site);
  const rules = legs.flatMap((leg): Rule[] => [
    ...flows
      .filter((flow) => flow.from.vlan?.id === leg.vlan.id)
      .flatMap((flow) =>
        (flow.protocol === 'icmp' ? [''] : flow.ports).map(
          (port): Rule => ({
            action: 'pass',
            device: leg.device,
            protocol: flow.protocol,
            source: alias(flow.from),
            destination: destination(flow, leg),
            port,
            description: `${flow.from.name} to ${flow.to.name}: ${flow.why}`,
          }),
        ),
      ),
    {
      ...{
        action: 'block',
        device: leg.device,
        protocol: 'any',
        source: 'any',
        destination: 'any',
        port: '',
      },
      description: `${leg.vlan.name}: everything else is blocked`,
    },
  ]);
  const forwards = flows
    .filter((flow) => flow.from.kind === 'internet' && flow.protocol !== 'icmp')
    .flatMap((flow) =>
      flow.ports.map(
        (port): Forward => ({
          protocol: flow.protocol as 'tcp' | 'udp',
          port,
          target: flow.to.addresses[0]!,
          description: `${flow.from.name} to ${flow.to.name}: ${flow.why}`,
        }),
      ),
    );
  const sorted = [...aliases.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { trunk, wan, legs, aliases: sorted, rules, forwards, hosts: dnsRecords(inventory, site) };
}

/** pfSense takes letters, digits and underscores, 31 at most; a longer name ends in its hash. */
export function aliasName(inventory: Inventory, name: string): string {
  const full = `${inventory.name}_${name}`.replaceAll('-', '_');
  if (full.length <= 31) return full;
  return `${full.slice(0, 22)}_${createHash('sha256').update(full).digest('hex').slice(0, 8)}`;
}
