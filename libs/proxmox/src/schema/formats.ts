import { isIPv4, isIPv6 } from 'node:net';
import type { PropertySchema } from './apidoc.ts';
import { splitList } from './perl.ts';
import { parsePropertyString } from './property-string.ts';

/** Null when the text fits; else the message, with the line break at its end that Perl's `die` puts there. */
type Check = (text: string) => string | null;
type Format = Readonly<Record<string, PropertySchema>>;

const says =
  (fits: (text: string) => boolean, message: string | ((text: string) => string)): Check =>
  (text) =>
    fits(text) ? null : `${typeof message === 'string' ? message : message(text)}\n`;
const like = (pattern: RegExp, message: string | ((text: string) => string)) =>
  says((text) => pattern.test(text), message);

const NAME = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const NODE = new RegExp(`^${NAME}$`);
const DNS = new RegExp(`^(?:${NAME}\\.)*${NAME}$`);
const VMID = /^[1-9][0-9]{2,8}$/;
const HA_RESOURCE = /^(?:ct|vm):[1-9][0-9]{2,8}$/;
const REALM = '[A-Za-z][A-Za-z0-9._-]+';
const EMAIL = /^[\w+-]+(?:\.[\w+-]+)*@[\w-]+(?:\.[\w-]+)*$/;
const STORAGE = /^[a-z][a-z0-9\-_.]*[a-z0-9]$/i;

const isV6 = (text: string) => isIPv6(text) && !text.includes('%');
const isIp = (text: string) => isIPv4(text) || isV6(text);
const isNetwork = (text: string, family: 4 | 6) => {
  const [, address, bits] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  if (address === undefined) return false;
  const wide = Number(bits);
  return wide > 7 && (family === 4 ? isIPv4(address) && wide <= 32 : isV6(address) && wide <= 128);
};
const isV4Network = (text: string) => isNetwork(text, 4);
const isV6Network = (text: string) => isNetwork(text, 6);
const isAnyNetwork = (text: string) => isV4Network(text) || isV6Network(text);
const isAddress = (text: string) => isIp(text) || DNS.test(text);
const isUserName = (text: string) => /^[A-Za-z0-9][A-Za-z0-9_.@-]*$/.test(text);
const isMask = (text: string) => {
  if (!isIPv4(text)) return false;
  const bits = text.split('.').reduce((all, octet) => all * 256 + Number(octet), 0);
  return bits !== 0 && /^1+0*$/.test(bits.toString(2).padStart(32, '0'));
};

function userId(text: string): string | null {
  if (text.length < 3) return `user name '${text}' is too short\n`;
  if (text.length > 64) return `user name '${text}' is too long (${text.length} > 64)\n`;
  return new RegExp(`^[^\\s:/]+@${REALM}$`).test(text)
    ? null
    : `value '${text}' does not look like a valid user name\n`;
}

function mountPath(text: string): string | null {
  return /\/\.\.?\/|\/\.\.?$|^\.\.?\//.test(text) ? `${text} contains illegal character sequences\n` : null;
}

/** `a:b`, `a` alone as the default, or `1`: each to itself. */
function pair(check: Check): Check {
  return (text) => {
    if (text === '1') return null;
    const parts = text.split(':');
    if (parts.length > 2) return `invalid pair '${text}'\n`;
    return parts.map(check).find((message) => message !== null) ?? null;
  };
}

const storageId = like(STORAGE, (text) => `storage ID '${text}' contains illegal characters`);
const bridgeId = like(/^[-_.\w]+$/, (text) => `invalid bridge ID '${text}'`);
const nodeName = like(NODE, 'value does not look like a valid node name');
const haResource = like(HA_RESOURCE, 'value does not look like a valid ha resource id');
const sdnId = (what: string) =>
  like(/^[a-z][a-z0-9]*[a-z0-9]$/i, (text) => `${what} ID '${text}' contains illegal characters`);
const group = (what: string) =>
  like(/^[A-Za-z0-9._-]+$/, (text) => `${what} name '${text}' contains invalid characters`);

/** Formats of one value, by the name that they have in the schema (without `-list` and `-opt`). */
const CHECKS: Readonly<Record<string, Check>> = {
  address: says(isAddress, (text) => `value does not look like a valid address: ${text}`),
  'bridge-pair': pair(bridgeId),
  CIDR: says(isAnyNetwork, 'value does not look like a valid CIDR network'),
  CIDRv4: says(isV4Network, 'value does not look like a valid IPv4 network'),
  CIDRv6: says(isV6Network, 'value does not look like a valid IPv6 network'),
  'disk-size': like(/^\d+(\.\d+)?[KMGT]?$/, (text) => `value does not look like a valid disk size: ${text}`),
  'dns-name': like(DNS, 'value does not look like a valid DNS name'),
  email: like(EMAIL, 'value does not look like a valid email address'),
  'email-or-username': says(
    (text) => EMAIL.test(text) || isUserName(text),
    'value does not look like a valid email address or user name',
  ),
  ip: says(isIp, 'value does not look like a valid IP address'),
  IPorCIDR: says(
    (text) => isIp(text) || isAnyNetwork(text),
    'value does not look like a valid IP address or CIDR network',
  ),
  ipv4: says(isIPv4, 'value does not look like a valid IPv4 address'),
  ipv4mask: says(isMask, 'value does not look like a valid IP netmask'),
  ipv6: says(isV6, 'value does not look like a valid IPv6 address'),
  'lxc-ip-with-ll-iface': says(
    (text) => isIp(text) || (/^fe80:[^%]*%[a-zA-Z][\w.:-]*$/i.test(text) && isV6(text.replace(/%.*/, ''))),
    'value does not look like a valid IP address',
  ),
  'mac-addr': like(
    /^[a-f0-9][02468ace](?::[a-f0-9]{2}){5}$/i,
    'value does not look like a valid unicast MAC address',
  ),
  'mac-prefix': like(
    /^[a-f0-9][02468ace](?::[a-f0-9]{2}){0,2}:?$/i,
    'value is not a valid unicast MAC address prefix',
  ),
  'pve-bridge-id': bridgeId,
  // The real parser is a grammar; what cannot stand in any calendar event is refused here.
  'pve-calendar-event': like(/^[A-Za-z0-9 ,:*/.~-]+$/, 'unable to parse calendar event'),
  'pve-configid': like(/^[a-z][a-z0-9_-]+$/i, (text) => `invalid configuration ID '${text}'`),
  'pve-ct-timezone': like(
    /^(?:host|[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+)*)$/,
    (text) => `invalid time zone '${text}'`,
  ),
  'pve-day-of-week': like(/^(?:mon|tue|wed|thu|fri|sat|sun)$/, (text) => `invalid day '${text}'`),
  'pve-groupid': group('group'),
  'pve-dir-override': like(
    /^[a-z]+=\/[^\s,;]*$|^[a-z]+=[^\s,;/][^\s,;]*$/,
    (text) => `invalid directory override '${text}'`,
  ),
  'pve-ha-group-node': like(
    new RegExp(`^${NAME}(?::\\d+)?$`),
    'value does not look like a valid ha group node',
  ),
  'pve-ha-node': like(new RegExp(`^${NAME}(?::\\d+)?$`), 'value does not look like a valid ha group node'),
  'pve-ha-resource-id': haResource,
  'pve-ha-resource-or-vm-id': says(
    (text) => HA_RESOURCE.test(text) || VMID.test(text),
    'value does not look like a valid ha resource id',
  ),
  'pve-iface': like(
    /^[a-zA-Z][a-zA-Z0-9_]{1,20}(?:[:.]\d+)?$/,
    (text) => `invalid network interface name '${text}'`,
  ),
  'pve-ipv4-config': says(
    (text) => text === 'dhcp' || text === 'manual' || isV4Network(text),
    'value does not look like a valid ipv4 network configuration',
  ),
  'pve-ipv6-config': says(
    (text) => text === 'auto' || text === 'dhcp' || text === 'manual' || isV6Network(text),
    'value does not look like a valid ipv6 network configuration',
  ),
  'pve-lxc-dev-string': (text) =>
    mountPath(text) ?? (text.startsWith('/dev/') ? null : `${text} is not a valid device path\n`),
  'pve-lxc-mp-string': mountPath,
  'pve-node': nodeName,
  'pve-poolid': like(
    /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+){0,2}$/,
    (text) => `pool name '${text}' contains invalid characters`,
  ),
  'pve-priv': like(/^[A-Z][A-Za-z]*(?:\.[A-Z][A-Za-z]*)+$/, (text) => `invalid privilege '${text}'`),
  'pve-realm': like(new RegExp(`^${REALM}$`), 'value does not look like a valid realm'),
  'pve-replication-job-id': like(
    /^[1-9][0-9]{2,8}-\d{1,9}$/,
    (text) => `invalid replication job id '${text}'`,
  ),
  'pve-roleid': group('role'),
  'pve-sdn-controller-id': sdnId('controller'),
  'pve-sdn-vnet-id': sdnId('vnet'),
  'pve-sdn-zone-id': sdnId('zone'),
  'pve-startup-order': says(
    (text) => text.split(',').every((part) => /^(?:(?:order=)?\d+|up=\d+|down=\d+)$/.test(part)),
    'unable to parse startup options',
  ),
  'pve-storage-content': like(
    /^(?:images|rootdir|vztmpl|iso|backup|snippets|import|none)$/,
    (text) => `invalid content type '${text}'`,
  ),
  'pve-storage-id': storageId,
  'pve-storage-options': like(/^\S+$/, 'value does not look like a valid mount options string'),
  'pve-storage-portal-dns': says(
    (text) => isAddress(text.replace(/:\d{1,5}$/, '')),
    'value does not look like a valid portal address',
  ),
  'pve-storage-path': like(/^\/[-/a-zA-Z0-9_.@]+$/, 'value does not look like a valid absolute path'),
  'pve-storage-server': says(isAddress, 'value does not look like a valid DNS name or IP address'),
  'pve-storage-vgname': like(
    /^[a-z0-9][a-z0-9\-_.]*[a-z0-9]$/i,
    (text) => `lvm volume group name '${text}' contains illegal characters`,
  ),
  'pve-tag': like(/^[a-z0-9_][a-z0-9_\-+.]*$/i, 'invalid characters in tag'),
  'pve-task-status-type': like(
    /^(?:ok|error|warning|unknown)$/,
    (text) => `invalid task status type '${text}'`,
  ),
  'pve-tokenid': says(
    (text) => new RegExp(`^[^\\s:/]+@${REALM}!${REALM}$`).test(text),
    (text) => `value '${text}' does not look like a valid token ID`,
  ),
  'pve-userid': userId,
  'pve-vlan-id-or-range': like(/^\d{1,4}(?:-\d{1,4})?$/, (text) => `invalid VLAN tag '${text}'`),
  'pve-vmid': like(VMID, 'value does not look like a valid VM ID'),
  'pve-volume-id': like(/^[a-z][a-z0-9\-_.]*[a-z0-9]:\S+$/i, (text) => `unable to parse volume ID '${text}'`),
  'storage-pair': pair(storageId),
  string: () => null,
  urlencoded: like(/^[-%a-zA-Z0-9_.!~*'()]*$/, (text) => `invalid urlencoded string: ${text}`),
};

const count = { optional: 1, type: 'integer', minimum: 0 } as const;

/** Formats that are property strings themselves; the schema has but their names. */
const COMPOSED: Readonly<Record<string, Format>> = {
  'prune-backups': {
    'keep-all': { optional: 1, type: 'boolean' },
    'keep-last': count,
    'keep-hourly': count,
    'keep-daily': count,
    'keep-weekly': count,
    'keep-monthly': count,
    'keep-yearly': count,
  },
  'backup-fleecing': {
    enabled: { optional: 1, type: 'boolean', default_key: 1 },
    storage: { optional: 1, type: 'string', format: 'pve-storage-id' },
  },
  'backup-performance': {
    'max-workers': { optional: 1, type: 'integer', minimum: 1, maximum: 256 },
    'pbs-entries-max': { optional: 1, type: 'integer', minimum: 1 },
  },
};

function keepAllAlone(values: Readonly<Record<string, string>>): string | null {
  const { 'keep-all': all, ...counts } = values;
  const some = Object.values(counts).some((value) => Number(value) > 0);
  return some && all === '1' ? 'keep-all cannot be set together with other options.\n' : null;
}

/** Checks a text against a named format or a property string; null when it fits, else the message. */
export function checkFormat(format: string | Format, text: string, path: string): string | null {
  if (typeof format !== 'string') {
    const parsed = parsePropertyString(format, text, path);
    return parsed.ok ? null : parsed.message;
  }
  const composed = Object.hasOwn(COMPOSED, format) ? COMPOSED[format] : undefined;
  if (composed) {
    const parsed = parsePropertyString(composed, text, path);
    if (!parsed.ok) return parsed.message;
    return format === 'prune-backups' ? keepAllAlone(parsed.values) : null;
  }
  const [name, kind] = plain(format);
  const check = Object.hasOwn(CHECKS, name) ? CHECKS[name] : undefined;
  if (!check) return null;
  if (kind === 'list')
    return (
      splitList(text)
        .map(check)
        .find((message) => message !== null) ?? null
    );
  return kind === 'opt' && text === '' ? null : check(text);
}

function plain(format: string): [name: string, kind: string | undefined] {
  const [, name = format, kind] = /^(.*?)(?:-(list|opt))?$/.exec(format) ?? [];
  return [name, kind];
}

/** Whether a named format is checked here; what is not (virtual machines, firewall, Ceph) passes as any text. */
export function isCheckedFormat(format: string): boolean {
  return Object.hasOwn(COMPOSED, format) || Object.hasOwn(CHECKS, plain(format)[0]);
}
