import { isIPv4, isIPv6 } from 'node:net';
import { composedFormat } from './composed-formats.ts';
import { FIREWALL_FORMATS, ipOrCidrError } from './firewall-formats.ts';
import { splitList } from './perl.ts';

/** Null when the text fits; else the message, with the line break at its end that Perl's `die` puts there. */
type Check = (text: string) => string | null;

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
const HA_RESOURCE = /^[a-z]+:\S+$/;
const REALM = '[A-Za-z][A-Za-z0-9._-]+';
const MAIL_USER = '[\\w+~-]+(?:\\.[\\w+~-]+)*';
const EMAIL = new RegExp(`^${MAIL_USER}@[a-zA-Z0-9-]+(?:\\.[a-zA-Z0-9-]+)*$`);
const USER = new RegExp(`^${MAIL_USER}$`);
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
const isMask = (text: string) => {
  if (!isIPv4(text)) return false;
  const bits = text.split('.').reduce((all, octet) => all * 256 + Number(octet), 0);
  return bits !== 0 && /^1+0*$/.test(bits.toString(2).padStart(32, '0'));
};

/** A zone as Proxmox takes it: UTC, or one of `zone.tab`, an area and a place. */
export function isZone(text: string): boolean {
  if (text === 'UTC') return true;
  if (!/^[A-Z][A-Za-z]+\/[A-Za-z_/-]+$/.test(text) || text.startsWith('Etc/')) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }) !== null;
  } catch {
    return false;
  }
}

function userId(text: string): string | null {
  if (text.length < 3) return `user name '${text}' is too short\n`;
  if (text.length > 64) return `user name '${text}' is too long (${text.length} > 64)\n`;
  return new RegExp(`^[^\\s:/]+@${REALM}$`).test(text)
    ? null
    : `value '${text}' does not look like a valid user name\n`;
}

function mountPath(text: string): string | null {
  return /\/\.\.?\/|\/\.\.?$|^\.\.\//.test(text) ? `${text} contains illegal character sequences\n` : null;
}

/** `a:b`, `a` alone as the default, or `1`: each to itself (PVE::JSONSchema, parse_idmap). */
function pair(check: Check): Check {
  return (text) => {
    if (text === '1') return null;
    const parts = /^([^:]+):([^:]+)$/.exec(text)?.slice(1) ?? [text];
    const wrong = parts.map(check).find((message) => message !== null);
    return wrong ? `entry '${text}' contains invalid ID - ${wrong}\n\n` : null;
  };
}

const storageId: Check = (text) =>
  text.length < 2
    ? `storage ID '${text}' cannot be shorter than 2 characters\n`
    : STORAGE.test(text)
      ? null
      : `storage ID '${text}' contains illegal characters\n`;
const storageContent = like(
  /^(?:images|rootdir|vztmpl|iso|backup|snippets|import|none)$/,
  (text) => `invalid content type '${text}'`,
);

function vlanRange(text: string): string | null {
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (from === undefined) return `invalid VLAN configuration '${text}'\n`;
  const wrong = [from, ...(to === undefined ? [] : [to])].find(
    (tag) => Number(tag) < 2 || Number(tag) > 4094,
  );
  if (wrong !== undefined) return `invalid VLAN tag '${wrong}'\n`;
  return to !== undefined && Number(from) >= Number(to)
    ? `VLAN range must go from lower to higher tag '${text}'\n`
    : null;
}

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
  CIDRv4: says(isV4Network, 'value does not look like a valid IPv4 CIDR network'),
  CIDRv6: says(isV6Network, 'value does not look like a valid IPv6 CIDR network'),
  'disk-size': like(
    /^\d+(\.\d+)?([KMGT](iB)?)?$/,
    (text) => `value does not look like a valid disk size: ${text}`,
  ),
  'dns-name': like(DNS, 'value does not look like a valid DNS name'),
  email: like(EMAIL, 'value does not look like a valid email address'),
  'email-or-username': says(
    (text) => EMAIL.test(text) || USER.test(text),
    'value does not look like a valid email address or user name',
  ),
  ip: says(isIp, 'value does not look like a valid IP address'),
  IPorCIDR: ipOrCidrError,
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
    /^[a-f0-9][02468ace](?::[a-f0-9]{2}){0,2}(?::[a-f0-9]?)?$/i,
    'value is not a valid unicast MAC address prefix',
  ),
  'pve-bridge-id': bridgeId,
  // The real parser is a grammar; what cannot stand in any calendar event is refused here.
  'pve-calendar-event': like(
    /^(?=.*[A-Za-z0-9*])[A-Za-z0-9 ,:*/.~-]+$/,
    (text) =>
      `invalid calendar event '${text}' - unable to parse calendar event${text.trim() === '' ? ' - event is empty' : ''}\n`,
  ),
  'pve-configid': like(/^[a-z][a-z0-9_-]+$/i, (text) => `invalid configuration ID '${text}'`),
  'pve-ct-timezone': says(
    (text) => text === 'host' || isZone(text),
    (text) => `invalid time zone '${text}'`,
  ),
  'pve-day-of-week': like(/^(?:mon|tue|wed|thu|fri|sat|sun)$/, (text) => `invalid day '${text}'`),
  'pve-groupid': group('group'),
  'pve-dir-override': (text) => {
    const [, kind, path = ''] = /^([a-z]+)=([^.]*(?:\.?[^.]+)+)$/.exec(text) ?? [];
    const wrong = kind === undefined ? null : storageContent(kind);
    if (wrong !== null) return wrong;
    const fits = kind !== undefined && path.length < 1023 && path.split('/').every((one) => one.length < 255);
    return fits ? null : `invalid override '${text}'\n`;
  },
  'pve-ha-group-node': like(
    new RegExp(`^${NAME}(?::\\d+)?$`),
    'value does not look like a valid ha group node',
  ),
  'pve-ha-node': like(new RegExp(`^${NAME}(?::\\d+)?$`), 'value does not look like a valid ha node'),
  'pve-ha-resource-id': haResource,
  'pve-ha-resource-or-vm-id': says(
    (text) => HA_RESOURCE.test(text) || /^\d+$/.test(text),
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
  'pve-lxc-dev-string': says(
    (text) => text.startsWith('/dev/') && !/\/\.\.?(?:\/|$)/.test(text),
    (text) => `${text} is not a valid device path`,
  ),
  'pve-lxc-mp-string': mountPath,
  'pve-node': nodeName,
  'pve-poolid': (text) =>
    text.split('/').length > 3
      ? `pool name '${text}' nested too deeply (max levels = 3)\n`
      : like(
          /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+){0,2}$/,
          `pool name '${text}' contains invalid characters`,
        )(text),
  'pve-priv': like(/^[A-Z][A-Za-z]*(?:\.[A-Z][A-Za-z]*)+$/, (text) => `invalid privilege '${text}'`),
  'pve-realm': like(new RegExp(`^${REALM}$`), 'value does not look like a valid realm'),
  'pve-replication-job-id': (text) => {
    const guest = /^(\d+)-\d+$/.exec(text)?.[1];
    const reserved = guest !== undefined && Number(guest) < 100;
    return guest !== undefined && !reserved
      ? null
      : `invalid replication job id '${text}'${reserved ? ' (guest IDs < 100 are reserved)' : ''}\n`;
  },
  'pve-roleid': group('role'),
  'pve-sdn-controller-id': sdnId('controller'),
  'pve-sdn-vnet-id': sdnId('vnet'),
  'pve-sdn-zone-id': sdnId('zone'),
  'pve-startup-order': says(
    (text) =>
      !['', '0'].includes(text) &&
      text.split(',').every((part) => /^(?:\s*|(?:order=)?\d+|up=\d+|down=\d+)$/.test(part)),
    'unable to parse startup options',
  ),
  'pve-storage-content': storageContent,
  'pve-storage-id': storageId,
  'pve-storage-options': like(/^\S+$/, (text) => `invalid options '${text}'`),
  'pve-storage-portal-dns': says(
    (text) => isAddress(text.replace(/:\d{1,5}$/, '')),
    'value does not look like a valid portal address',
  ),
  'pve-storage-path': like(/^\/[^;()]+/, 'value does not look like a valid absolute path'),
  'pve-storage-server': says(isAddress, 'value does not look like a valid server name or IP address'),
  'pve-storage-vgname': like(
    /^[a-z0-9][a-z0-9\-_.]*[a-z0-9]$/i,
    (text) => `lvm name '${text}' contains illegal characters`,
  ),
  'pve-tag': like(/^[a-z0-9_][a-z0-9_\-+.]*$/i, 'invalid characters in tag'),
  'pve-task-status-type': like(/^(?:ok|error|warning|unknown)$/, (text) => `invalid status '${text}'`),
  'pve-tokenid': says(
    (text) => new RegExp(`^[^\\s:/]+@${REALM}!${REALM}$`).test(text),
    (text) => `value '${text}' does not look like a valid token ID`,
  ),
  'pve-userid': userId,
  'pve-vlan-id-or-range': vlanRange,
  'pve-vmid': like(VMID, 'value does not look like a valid VM ID'),
  'pve-volume-id': like(/^[a-z][a-z0-9\-_.]*[a-z0-9]:.+$/i, (text) => `unable to parse volume ID '${text}'`),
  'storage-pair': pair(storageId),
  string: () => null,
  'ldap-simple-attr': like(
    /^[a-zA-Z0-9]+$/,
    (text) => `value '${text}' does not look like a simple ldap attribute name`,
  ),
  ...FIREWALL_FORMATS,
  urlencoded: like(/^[-%a-zA-Z0-9_.!~*'()]*$/, (text) => `invalid urlencoded string: ${text}`),
};

/** Checks a text against a named format of one value or a list; null when it fits, else the message. */
export function checkFormat(format: string, text: string): string | null {
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
  return composedFormat(format) !== null || Object.hasOwn(CHECKS, plain(format)[0]);
}
