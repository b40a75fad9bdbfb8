import type { Alias, FirewallPolicy, Rule } from '@psa/appliance/render/firewall-policy';

/** Where the policy's interfaces are on the machine. */
export interface RulesetPlace {
  /** The link of a VLAN in the router. */
  readonly leg: (vlan: number) => string;
  readonly wan: string;
  /** The router's address on the internet. */
  readonly outside: string;
}

const PRIVATE = '{ 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 }';

/**
 * The firewall's policy in the words of nftables. What pfSense does without being told stands here too: established
 * connections pass, a sender must stand behind the interface it comes in by, the machines share the public address.
 */
export function renderRuleset(policy: FirewallPolicy, place: RulesetPlace): string {
  const legs = policy.legs.map(({ vlan, device }) => ({ vlan, device, link: place.leg(vlan.id) }));
  const rules = legs.map((leg) => policy.rules.filter((rule) => rule.device === leg.device));
  const toFirewall = (rule: Rule, at: number) => rule.destination === legs[at]!.vlan.gateway;
  const chain = (wanted: (rule: Rule, at: number) => boolean) =>
    legs.flatMap(({ link }, at) =>
      rules[at]!.filter((rule) => rule.action === 'block' || wanted(rule, at)).map(
        (rule) => `iifname "${link}" ${matchOf(rule)}`,
      ),
    );
  return `table inet psa
delete table inet psa
table inet psa {
${policy.aliases.map(set).join('\n')}
  chain antispoof {
    type filter hook prerouting priority raw; policy accept;
${lines([
  ...legs.map(({ vlan, link }) => `iifname != { "lo", "${link}" } ip saddr ${vlan.subnet} counter drop`),
  ...legs.map(({ vlan }) => `iifname != "lo" ip saddr ${vlan.gateway} counter drop`),
  `iifname "${place.wan}" ip saddr ${PRIVATE} counter drop`,
])}
  }
  chain forwards {
    type nat hook prerouting priority dstnat; policy accept;
${lines(
  policy.forwards.map(
    ({ protocol, port, target, description }) =>
      `iifname "${place.wan}" ip daddr ${place.outside} ${protocol} dport ${port} dnat ip to ${target} comment "${quoted(description)}"`,
  ),
)}
  }
  chain share {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${place.wan}" ip saddr ${PRIVATE} masquerade
  }
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
${lines(chain(toFirewall))}
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iifname "${place.wan}" ct status dnat accept
${lines(chain((rule, at) => !toFirewall(rule, at)))}
    counter drop
  }
}
`;
}

const lines = (list: readonly string[]) => list.map((line) => `    ${line}`).join('\n');

function set({ name, addresses }: Alias): string {
  const elements = addresses.length > 0 ? ` elements = { ${addresses.join(', ')} };` : '';
  return `  set ${name} { type ipv4_addr; flags interval;${elements} }`;
}

function matchOf(rule: Rule): string {
  const protocol =
    rule.protocol === 'any'
      ? []
      : rule.protocol === 'icmp'
        ? ['ip protocol icmp']
        : [`${rule.protocol} dport ${rule.port}`];
  return [
    ...end('saddr', rule.source),
    ...end('daddr', rule.destination),
    ...protocol,
    rule.action === 'pass' ? 'accept' : 'counter drop',
    `comment "${quoted(rule.description)}"`,
  ].join(' ');
}

/** An alias ("!" before it: everything else), an address, or "any", as the policy has it. */
function end(field: 'saddr' | 'daddr', name: string): string[] {
  if (name === 'any') return [];
  if (/^\d/.test(name)) return [`ip ${field} ${name}`];
  return [name.startsWith('!') ? `ip ${field} != @${name.slice(1)}` : `ip ${field} @${name}`];
}

/** nftables takes no quotes inside a comment, and 128 bytes of it. */
const quoted = (text: string) => text.replace(/[^\x20-\x7e]|["\\]/g, ' ').slice(0, 120);
