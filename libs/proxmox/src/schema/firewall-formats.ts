import { isIPv4, isIPv6 } from 'node:net';

/** Null when the text fits; else the message, with the line break at its end that Perl's `die` puts there. */
type Check = (text: string) => string | null;

/** Types of ICMP that a rule may name; what both protocols know stands in both. */
export const ICMP_TYPES: Readonly<Record<4 | 6, ReadonlySet<string>>> = {
  4: new Set(
    [
      'any echo-reply destination-unreachable network-unreachable host-unreachable protocol-unreachable',
      'port-unreachable fragmentation-needed source-route-failed network-unknown host-unknown network-prohibited',
      'host-prohibited TOS-network-unreachable TOS-host-unreachable communication-prohibited',
      'host-precedence-violation precedence-cutoff source-quench redirect network-redirect host-redirect',
      'TOS-network-redirect TOS-host-redirect echo-request router-advertisement router-solicitation time-exceeded',
      'ttl-zero-during-transit ttl-zero-during-reassembly parameter-problem ip-header-bad required-option-missing',
      'timestamp-request timestamp-reply address-mask-request address-mask-reply',
    ].flatMap((line) => line.split(' ')),
  ),
  6: new Set(
    [
      'destination-unreachable no-route communication-prohibited beyond-scope address-unreachable port-unreachable',
      'failed-policy reject-route packet-too-big time-exceeded ttl-zero-during-transit ttl-zero-during-reassembly',
      'parameter-problem bad-header unknown-header-type unknown-option echo-request echo-reply router-solicitation',
      'router-advertisement neighbor-solicitation neighbour-solicitation neighbor-advertisement',
      'neighbour-advertisement redirect',
    ].flatMap((line) => line.split(' ')),
  ),
};

/** Names of `/etc/services` that people write into rules; the node's own list is longer. */
const SERVICES: ReadonlySet<string> = new Set(
  [
    'ftp ssh telnet smtp time domain bootps bootpc tftp http kerberos pop3 sunrpc nntp ntp imap2 imap3 snmp bgp ldap',
    'https microsoft-ds submissions isakmp syslog submission ldaps rsync imaps pop3s socks openvpn ms-sql-s nfs',
    'postgresql mysql amqp amqps git http-alt sip xmpp-client xmpp-server zabbix-agent zabbix-trapper munin sane-port',
  ].flatMap((line) => line.split(' ')),
);
/** Of `/etc/protocols`: names; numbers are those of a protocol with a name. */
const PROTOCOLS: Readonly<Record<string, number>> = {
  ...{
    ip: 0,
    icmp: 1,
    igmp: 2,
    ggp: 3,
    ipencap: 4,
    st: 5,
    tcp: 6,
    egp: 8,
    igp: 9,
    pup: 12,
    udp: 17,
    hmp: 20,
  },
  ...{ 'xns-idp': 22, rdp: 27, 'iso-tp4': 29, dccp: 33, xtp: 36, ddp: 37, 'idpr-cmtp': 38, ipv6: 41 },
  ...{ 'ipv6-route': 43, 'ipv6-frag': 44, idrp: 45, rsvp: 46, gre: 47, esp: 50, ah: 51, skip: 57 },
  ...{
    'ipv6-icmp': 58,
    'ipv6-nonxt': 59,
    'ipv6-opts': 60,
    rspf: 73,
    vmtp: 81,
    eigrp: 88,
    ospf: 89,
    'ax.25': 93,
  },
  ...{ ipip: 94, etherip: 97, encap: 98, pim: 103, ipcomp: 108, vrrp: 112, l2tp: 115, isis: 124, sctp: 132 },
  ...{ fc: 133, 'mobility-header': 135, udplite: 136, 'mpls-in-ip': 137, manet: 138, hip: 139, shim6: 140 },
  ...{ wesp: 141, rohc: 142, ethernet: 143 },
};
const HELPERS = /^(?:amanda|ftp|irc|netbios-ns|pptp|sane|sip|snmp|tftp)$/;
const ALIAS = /^(?:dc\/|guest\/)?[A-Za-z][A-Za-z0-9_-]+$/;
const LONGEST_NAME = 64;

/** What is wrong with an address, a network or a range, in the words of Perl's Net::IP; null: nothing. */
export function addressError(text: string): string | null {
  const [, from, to] = /^(.+?)\s*-\s*(.+)$/.exec(text) ?? [];
  if (from !== undefined && to !== undefined) {
    const wrong = addressError(from) ?? (isIPv4(to) || isIPv6(to) ? null : `Not a valid IPv4 address ${to}`);
    if (wrong !== null) return wrong;
    return bitsOf(from) > bitsOf(to) ? `Begin address is greater than End address ${from} - ${to}` : null;
  }
  const [, ip = text, prefix] = /^(\S+?)\/(\S+)$/.exec(text) ?? [];
  if (!isIPv4(ip) && !isIPv6(ip)) return malformed(ip);
  if (prefix === undefined) return null;
  const width = isIPv4(ip) ? 32 : 128;
  if (Number(prefix) > width) return `Prefix length ${prefix} is longer than IP address (${width})`;
  const bits = bitsOf(ip);
  return /1/.test(bits.slice(Number(prefix))) ? `Invalid prefix ${bits}/${prefix}` : null;
}

function malformed(ip: string): string {
  if (!/^[\da-fA-F.:]+$/.test(ip) || (!ip.includes(':') && !/^[\d.]+$/.test(ip)))
    return ip.includes(':') ? `Invalid IP address ${ip}` : `Invalid chars in IP ${ip}`;
  if (ip.includes(':')) return `Invalid number of octets ${ip}`;
  const quads = ip.split('.');
  const large = quads.find((quad) => Number(quad) > 255);
  if (quads.length > 4 || quads.includes('')) return `Invalid IP address ${ip}`;
  return large === undefined ? `Invalid IP address ${ip}` : `Invalid quad in IP address ${ip} - ${large}`;
}

/** The bits of an address as text, so that texts compare as addresses do. */
function bitsOf(ip: string): string {
  if (isIPv4(ip))
    return ip
      .split('.')
      .map((quad) => Number(quad).toString(2).padStart(8, '0'))
      .join('');
  const [head = '', tail] = ip.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [front, back] = [groups(head), groups(tail ?? '')];
  const middle = tail === undefined ? [] : new Array<string>(8 - front.length - back.length).fill('0');
  return [...front, ...middle, ...back]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('');
}

/** An address, or a network whose prefix fits; the bits behind the prefix do not matter. */
export function ipOrCidrError(text: string): string | null {
  const [, ip = '', prefix] = /^([^/]+)(?:\/(\d+))?$/.exec(text) ?? [];
  if (!isIPv4(ip) && !isIPv6(ip)) return 'value does not look like a valid IP address or CIDR network\n';
  const width = isIPv4(ip) ? 32 : 128;
  if (prefix === undefined || (Number(prefix) > 0 && Number(prefix) <= width)) return null;
  return `${addressError(text) ?? ''}\n`.replace(/^\n$/, '') || null;
}

/** 4 or 6 of a list of addresses; null: a name. @returns the message where it is wrong */
export function addressList(text: string): { readonly version: 4 | 6 | null } | string {
  if (/^\+\S+$/.test(text))
    return text.length > LONGEST_NAME + 1 ? 'ipset name too long\n' : { version: null };
  if (ALIAS.test(text)) return text.length > LONGEST_NAME ? 'alias name too long\n' : { version: null };
  if (text.endsWith(',')) return 'extraneous commas in list\n';
  const items = text.split(',');
  let version: 4 | 6 | null = null;
  for (const item of items) {
    const wrong = addressError(item);
    if (wrong !== null) return `invalid IP address: ${wrong}\n`;
    const own = item.includes(':') ? 6 : 4;
    if (version !== null && own !== version)
      return `detected mixed ipv4/ipv6 addresses in address list '${text}'\n`;
    version = own;
  }
  if (items.length > 1 && items.some((item) => item.includes('-')))
    return "you can't use a range in a list\n";
  return { version };
}

/** Ports, ranges and names; with `icmp` also types of ICMP. */
export function portsError(text: string, icmp: boolean): string | null {
  if (text.endsWith(',')) return 'extraneous commas in list\n';
  let count = 0;
  let isIcmp = false;
  for (const item of text.split(',')) {
    const [, from, to] = /^(\d+):(\d+)$/.exec(item) ?? [];
    if (from !== undefined && to !== undefined) {
      count += 2;
      for (const port of [from, to]) if (Number(port) > 65_535) return `invalid port '${port}'\n`;
      if (Number(from) > Number(to))
        return `backwards range '${from}:${to}' not allowed, did you mean '${to}:${from}'?\n`;
    } else if (/^\d+$/.test(item)) {
      count += 1;
      if (Number(item) > 65_535) return `invalid port '${item}'\n`;
    } else if (icmp && (ICMP_TYPES[4].has(item) || ICMP_TYPES[6].has(item))) isIcmp = true;
    else if (!SERVICES.has(item)) return `invalid port '${item}'\n`;
  }
  if (isIcmp && count > 0) return 'ICMP ports not allowed in port range\n';
  return count > 15 ? 'too many entries in port list (> 15 numbers)\n' : null;
}

export const protocolError: Check = (text) =>
  ['', '0'].includes(text) ||
  Object.hasOwn(PROTOCOLS, text) ||
  Object.values(PROTOCOLS).some((number) => String(number) === text)
    ? null
    : `unknown protocol '${text}'\n`;

/** Formats of the firewall's routes (PVE::Firewall), by their names in the schema. */
export const FIREWALL_FORMATS: Readonly<Record<string, Check>> = {
  IPorCIDRorAlias: (text) => (ALIAS.test(text) ? null : ipOrCidrError(text)),
  'pve-fw-addr-spec': (text) => {
    const found = addressList(text);
    return typeof found === 'string' ? found : null;
  },
  'pve-fw-conntrack-helper': (text) => {
    if (text.endsWith(',')) return 'extraneous commas in list\n';
    const unknown = text.split(',').find((one) => !HELPERS.test(one));
    return unknown === undefined
      ? null
      : `unknown helper ${unknown} at /usr/share/perl5/PVE/Firewall.pm line 1166.\n`;
  },
  'pve-fw-dport-spec': (text) => portsError(text, true),
  'pve-fw-icmp-type-spec': (text) =>
    text === '' || ICMP_TYPES[4].has(text) || ICMP_TYPES[6].has(text)
      ? null
      : `invalid icmp-type value '${text}'\n`,
  'pve-fw-protocol-spec': protocolError,
  'pve-fw-sport-spec': (text) => portsError(text, false),
};
