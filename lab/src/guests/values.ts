import { randomBytes } from 'node:crypto';
import { parseNet, printNet } from '@psa/proxmox/conf';
import { splitList } from '@psa/proxmox/schema/perl';
import { type GuestConf, type GuestValues, numbered } from '../cluster/guest-conf.ts';
import { parseSize } from '../cluster/storages.ts';
import { badParameter } from '../errors.ts';

/** Options that the API gives as numbers: flags and whole numbers. `cpulimit` may be a fraction and stays a text. */
const NUMBERS: ReadonlySet<string> = new Set([
  ...['console', 'cores', 'cpuunits', 'debug', 'memory', 'onboot', 'protection', 'swap'],
  ...['template', 'tty', 'unprivileged', 'snaptime'],
]);

/** Options of a container that a create or a change may set. */
const OPTIONS: ReadonlySet<string> = new Set([
  ...[
    'arch',
    'cmode',
    'console',
    'cores',
    'cpulimit',
    'cpuunits',
    'debug',
    'description',
    'entrypoint',
    'env',
  ],
  ...['features', 'hookscript', 'hostname', 'lock', 'memory', 'nameserver', 'onboot', 'ostype', 'protection'],
  ...[
    'parent',
    'snaptime',
    'rootfs',
    'searchdomain',
    'startup',
    'swap',
    'tags',
    'template',
    'timezone',
    'tty',
    'unprivileged',
  ],
]);

/** A value as the API gives it. */
export const apiValue = (key: string, value: string): string | number =>
  NUMBERS.has(key) ? Number(value) : value;

/** Whether a parameter is an option of a container. */
export const isOption = (key: string): boolean =>
  OPTIONS.has(key) || FAMILIES.some((family) => family.test(key));

/** Numbered options: 32 cards, 256 of all else. */
const FAMILIES = [/^net(\d|[12]\d|3[01])$/, /^(mp|dev|unused)(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])$/];

/** The options of a request, in the form in which they are kept (PVE::LXC::Config, update_pct_config). */
export function optionsOf(given: Readonly<Record<string, string>>): GuestValues {
  const values: GuestValues = {};
  for (const [key, text] of Object.entries(given)) if (isOption(key)) values[key] = kept(key, text);
  return values;
}

function kept(key: string, text: string): string {
  if (/^net\d+$/.test(key)) return completeNet(key, text);
  if (key === 'tags') return uniqueTags(text);
  if (key === 'nameserver' || key === 'searchdomain') return splitList(text).join(' ');
  // The limit of cgroup v2; lower numbers pass.
  if (key === 'cpuunits') return String(Math.min(10_000, Number(text)));
  if (key === 'description') return noteOf(text);
  return text;
}

/** A note as a configuration gives it back: every line ends, and none is empty at the end. */
function noteOf(text: string): string {
  const lines = text.replace(/\n+$/, '');
  return lines === '' ? '' : `${lines}\n`;
}

/** Tags as Proxmox VE keeps them: in small letters, sorted, without doubles (PVE::GuestHelpers, get_unique_tags). */
const uniqueTags = (text: string): string =>
  [...new Set(splitList(text).map((tag) => tag.toLowerCase()))].sort().join(';');

/** A network card with what Proxmox VE adds: an address of its own and the type. */
export function completeNet(key: string, text: string): string {
  try {
    const net = parseNet(text);
    return printNet({ ...net, hwaddr: net.hwaddr ?? newHwaddr(), type: 'veth' });
  } catch (error) {
    throw badParameter({ [key]: `invalid format - ${(error as Error).message}\n` });
  }
}

/** A hardware address of Proxmox's own range. */
export function newHwaddr(): string {
  const [a, b, c] = randomBytes(3);
  return `BC:24:11:${[a!, b!, c!].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(':')}`;
}

/** The configuration as it will be at the next start: pending changes are in it. */
export function withPending(conf: GuestConf): GuestValues {
  const values = { ...conf.values, ...conf.pending };
  // As Proxmox VE has it, a value of 0 is not taken away before it is.
  for (const key of conf.pendingDelete) if (values[key] !== '0') delete values[key];
  return values;
}

/** What one setting may hold besides its volume. */
const settingOf = (text: string, key: string): string | undefined =>
  new RegExp(`(?:^|,)${key}=([^,]+)`).exec(text)?.[1];

/** The volume of a disk's setting. */
export const volumeOf = (text: string): string => {
  const first = text.split(',')[0] ?? '';
  return first.startsWith('volume=') ? first.slice('volume='.length) : first;
};

/** Size of a disk by its setting, in bytes. */
export const sizeOf = (text: string | undefined): number =>
  text === undefined ? 0 : (parseSize(settingOf(text, 'size') ?? '') ?? 0);

/** The keys of a container's disks. */
export const diskKeys = (values: GuestValues): readonly string[] => [
  ...(values.rootfs === undefined ? [] : ['rootfs']),
  ...numbered(values, 'mp'),
];

/** How a container is called. */
export const nameOf = (vmid: number, values: GuestValues): string => values.hostname ?? `CT${vmid}`;

export const isTemplate = (values: GuestValues): boolean => values.template === '1';
