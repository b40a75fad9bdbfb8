import { siteOf } from '../inventory/expand.ts';
import { isHostOf, overlap, parseAddress, parseSubnet } from '../inventory/ipv4.ts';
import type { Inventory } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';
import { aliasName, type FirewallPolicy, firewallPolicy } from './firewall-policy.ts';
import { all, at, parseXml, type XmlElement } from './xml.ts';

/** One thing in which a firewall is not as the inventory wants it. */
export interface FirewallDifference {
  readonly kind: 'missing' | 'extra' | 'different';
  readonly section: 'vlan' | 'interface' | 'dhcp' | 'alias' | 'rule' | 'forward' | 'host';
  /** What it is about, as in "igb1.20" or "igb1.20: pass tcp psa_services to psa_redis port 6379". */
  readonly name: string;
  readonly wanted?: string;
  readonly found?: string;
}

type Section = FirewallDifference['section'];
/** Per section: name → what it says. */
type Facts = Readonly<Record<Section, ReadonlyMap<string, string>>>;

/**
 * Where a pfSense's config.xml is not what the inventory says: VLANs, interfaces, DHCP, aliases, rules of the VLANs
 * (and those of other interfaces that let something into them), forwards into them and names of our domains. The
 * trunk is the appliance's own; what else has nothing to do with it is not looked at. Interfaces are told apart by
 * their card and tag: `opt3` here may be `opt20` there.
 * @throws XmlError when the text is no XML, Error when it is no config.xml
 */
export function diffPfsense(
  configXml: string,
  inventory: Inventory,
  site: Site = siteOf(inventory),
): readonly FirewallDifference[] {
  const root = parseXml(configXml);
  if (root.name !== 'pfsense')
    throw new Error(`This is no config.xml of pfSense: it begins with <${root.name}>.`);
  const policy = firewallPolicy(inventory, site);
  const wanted = wantedFacts(policy);
  const found = foundFacts(root, policy, inventory);
  return [
    ...(Object.keys(wanted) as Section[]).flatMap((section) =>
      compare(section, wanted[section], found[section]),
    ),
    ...misplaced(root, policy),
  ];
}

function compare(
  section: Section,
  wanted: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
): FirewallDifference[] {
  return [
    ...[...wanted].flatMap(([name, value]): FirewallDifference[] => {
      const other = found.get(name);
      if (other === value) return [];
      return other === undefined
        ? [{ kind: 'missing', section, name, wanted: value }]
        : [{ kind: 'different', section, name, wanted: value, found: other }];
    }),
    ...[...found]
      .filter(([name]) => !wanted.has(name))
      .map(([name, value]): FirewallDifference => ({ kind: 'extra', section, name, found: value })),
  ];
}

const ruleName = (device: string, action: string, protocol: string, from: string, to: string, port: string) =>
  `${device}: ${action} ${protocol} ${from} to ${to}${port === '' ? '' : ` port ${port}`}`;

const addressList = (addresses: readonly string[]) => [...addresses].sort().join(' ');

function wantedFacts(policy: FirewallPolicy): Facts {
  return {
    vlan: new Map(policy.legs.map(({ device, vlan }) => [device, `tag ${vlan.id} on ${policy.trunk}`])),
    interface: new Map(
      policy.legs.map(({ device, vlan, bits }) => [device, `${vlan.gateway}/${bits}, enabled`]),
    ),
    dhcp: new Map(
      policy.legs.flatMap(({ device, vlan }) =>
        vlan.dhcp ? [[device, `${vlan.dhcp.from} to ${vlan.dhcp.to}`] as const] : [],
      ),
    ),
    alias: new Map(policy.aliases.map((one) => [one.name, `${one.type} ${addressList(one.addresses)}`])),
    rule: new Map(
      policy.rules.map((one) => [
        ruleName(one.device, one.action, one.protocol, one.source, one.destination, one.port),
        'enabled',
      ]),
    ),
    forward: new Map(policy.forwards.map((one) => [`${one.protocol} ${one.port}`, one.target])),
    host: byName(policy.hosts.map((one) => [`${one.host}.${one.domain}`, one.address])),
  };
}

/** Names with all their addresses. */
function byName(records: readonly (readonly [string, string])[]): Map<string, string> {
  const names = new Map<string, string[]>();
  for (const [name, address] of records) names.set(name, [...(names.get(name) ?? []), address]);
  return new Map([...names].map(([name, addresses]) => [name, addressList(addresses)]));
}

/** The devices of a config by the keys that its other sections use. */
function devicesOf(root: XmlElement): ReadonlyMap<string, string> {
  return new Map(
    (at(root, 'interfaces')?.children ?? []).map((one) => [one.name, at(one, 'if')?.text ?? '']),
  );
}

function foundFacts(root: XmlElement, policy: FirewallPolicy, inventory: Inventory): Facts {
  const devices = devicesOf(root);
  const ours = new Set(policy.legs.map((leg) => leg.device));
  const isOurAddress = (address: string) => {
    const value = parseAddress(address);
    return inventory.vlans.some((vlan) => value !== null && isHostOf(parseSubnet(vlan.subnet)!, value));
  };
  const names = new Set(policy.hosts.map((one) => `${one.host}.${one.domain}`));
  return {
    vlan: new Map(
      all(at(root, 'vlans'), 'vlan')
        .filter((one) => at(one, 'if')?.text === policy.trunk)
        .map((one) => [
          at(one, 'vlanif')?.text || `${at(one, 'if')?.text}.${at(one, 'tag')?.text}`,
          `tag ${at(one, 'tag')?.text} on ${at(one, 'if')?.text}`,
        ]),
    ),
    interface: new Map(
      (at(root, 'interfaces')?.children ?? [])
        .filter((one) => at(one, 'if')?.text.startsWith(`${policy.trunk}.`))
        .map((one) => [
          at(one, 'if')!.text,
          `${at(one, 'ipaddr')?.text || 'no address'}/${at(one, 'subnet')?.text ?? ''}, ${at(one, 'enable') ? 'enabled' : 'disabled'}`,
        ]),
    ),
    dhcp: new Map(
      (at(root, 'dhcpd')?.children ?? [])
        .filter((one) => at(one, 'enable') && ours.has(devices.get(one.name) ?? ''))
        .map((one) => [
          devices.get(one.name)!,
          `${at(one, 'range', 'from')?.text} to ${at(one, 'range', 'to')?.text}`,
        ]),
    ),
    alias: new Map(
      all(at(root, 'aliases'), 'alias')
        .filter((one) => at(one, 'name')?.text.startsWith(aliasName(inventory, '')))
        .map((one) => [
          at(one, 'name')!.text,
          `${at(one, 'type')?.text} ${addressList((at(one, 'address')?.text ?? '').split(/\s+/))}`,
        ]),
    ),
    rule: new Map(rulesOf(root, policy).map(({ name, enabled }) => [name, enabled ? 'enabled' : 'disabled'])),
    forward: new Map(
      all(at(root, 'nat'), 'rule')
        .filter((one) => isOurAddress(at(one, 'target')?.text ?? '') && !at(one, 'disabled'))
        .map((one) => [
          `${at(one, 'protocol')?.text} ${at(one, 'destination', 'port')?.text ?? 'any'}`,
          at(one, 'target')!.text,
        ]),
    ),
    host: byName(
      all(at(root, 'unbound'), 'hosts')
        .map((one) => [`${at(one, 'host')?.text}.${at(one, 'domain')?.text}`, one] as const)
        .filter(([name, one]) => names.has(name) || at(one, 'domain')?.text === inventory.internal_domain)
        .map(([name, one]) => [name, at(one, 'ip')?.text ?? '']),
    ),
  };
}

interface FoundRule {
  readonly device: string;
  readonly floating: boolean;
  readonly name: string;
  readonly enabled: boolean;
}

/**
 * The rules that decide about our VLANs, in their order: all of their own interfaces, and of others (floating ones
 * and groups too) what passes something that may be for us.
 */
function rulesOf(root: XmlElement, policy: FirewallPolicy): FoundRule[] {
  const devices = devicesOf(root);
  const ours = new Set(policy.legs.map((leg) => leg.device));
  return all(at(root, 'filter'), 'rule').flatMap((rule) => {
    const action = at(rule, 'type')?.text || 'pass';
    const floating = at(rule, 'floating') !== undefined;
    const protocol = at(rule, 'protocol')?.text || 'any';
    const source = endOf(at(rule, 'source'));
    const target = endOf(at(rule, 'destination'));
    // None of our rules looks at the port that a connection comes from.
    const from = source.port === '' ? source.who : `${source.who}:${source.port}`;
    return (at(rule, 'interface')?.text || 'any')
      .split(',')
      .map((key) => devices.get(key) || key)
      .filter(
        (device) =>
          (ours.has(device) && !floating) || (action === 'pass' && mayReach(policy, devices, target.who)),
      )
      .map((device) => ({
        device,
        floating,
        enabled: at(rule, 'disabled') === undefined,
        name: `${floating ? 'floating, ' : ''}${ruleName(device, action, protocol, from, target.who, target.port)}`,
      }));
  });
}

/** False only for what is surely elsewhere: another interface's network, an address or alias outside our VLANs. */
function mayReach(policy: FirewallPolicy, devices: ReadonlyMap<string, string>, who: string): boolean {
  if (who === 'any' || who.startsWith('!')) return true;
  if (policy.aliases.some((alias) => alias.name === who)) return true;
  const device = devices.get(who.replace(/ip$/, ''));
  if (device !== undefined) return policy.legs.some((leg) => leg.device === device);
  const subnet = who.includes('/') ? parseSubnet(who) : pointOf(who);
  return subnet !== null && policy.legs.some((leg) => overlap(parseSubnet(leg.vlan.subnet)!, subnet));
}

function pointOf(address: string): { first: number; last: number } | null {
  const value = parseAddress(address);
  return value === null ? null : { first: value, last: value };
}

function endOf(end: XmlElement | undefined): { who: string; port: string } {
  const who = at(end, 'any') ? 'any' : at(end, 'address')?.text || at(end, 'network')?.text || 'any';
  return { who: `${at(end, 'not') ? '!' : ''}${who}`, port: at(end, 'port')?.text ?? '' };
}

/** The rule that blocks the rest must be the last of its interface: what follows it never works. */
function misplaced(root: XmlElement, policy: FirewallPolicy): FirewallDifference[] {
  const rules = rulesOf(root, policy).filter((one) => one.enabled && !one.floating);
  return policy.legs.flatMap(({ device }) => {
    const here = rules.filter((one) => one.device === device);
    const block = here.findIndex((one) => one.name === ruleName(device, 'block', 'any', 'any', 'any', ''));
    if (block < 0 || block === here.length - 1) return [];
    return [
      {
        ...{ kind: 'different' as const, section: 'rule' as const, name: here[block]!.name },
        wanted: 'the last rule of its interface',
        found: `${here.length - 1 - block} rules after it`,
      },
    ];
  });
}
