import { randomBytes } from 'node:crypto';
import { parseNet, printNet } from '@psa/proxmox/conf';
import { type GuestConf, type GuestValues, numbered } from '../../cluster/guest-conf.ts';
import { parseSize } from '../../cluster/storages.ts';
import { badParameter } from '../errors.ts';
import type { RouteParams } from '../params.ts';

/** Options that the API gives as numbers. */
const NUMBERS: ReadonlySet<string> = new Set([
  ...['console', 'cores', 'cpulimit', 'cpuunits', 'debug', 'memory', 'onboot', 'protection', 'swap'],
  ...['template', 'tty', 'unprivileged'],
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
  ...['rootfs', 'searchdomain', 'startup', 'swap', 'tags', 'template', 'timezone', 'tty', 'unprivileged'],
]);

/** A value as the API gives it. */
export const apiValue = (key: string, value: string): string | number =>
  NUMBERS.has(key) ? Number(value) : value;

/** Whether a parameter is an option of a container. */
export const isOption = (key: string): boolean => OPTIONS.has(key) || /^(net|mp|dev|unused)\d+$/.test(key);

/** The options of a request, in the form in which they are kept. */
export function optionsOf(params: RouteParams): GuestValues {
  const values: GuestValues = {};
  for (const [key, text] of Object.entries(params.texts())) {
    if (!isOption(key)) continue;
    values[key] = /^net\d+$/.test(key) ? completeNet(key, text) : key === 'tags' ? sortTags(text) : text;
  }
  if (values.description !== undefined) values.description = `${values.description.replace(/\n$/, '')}\n`;
  return values;
}

/** Tags as Proxmox VE keeps them: sorted, without doubles. */
const sortTags = (text: string): string =>
  [...new Set(text.split(/[,;\s]+/).filter((tag) => tag !== ''))].sort().join(';');

/** A network card with what Proxmox VE adds: an address of its own and the type. */
function completeNet(key: string, text: string): string {
  try {
    const net = parseNet(text);
    return printNet({ ...net, hwaddr: net.hwaddr?.toUpperCase() ?? newHwaddr(), type: 'veth' });
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
  for (const key of conf.pendingDelete) delete values[key];
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
