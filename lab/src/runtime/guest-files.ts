import { lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunSpec } from '../ports.ts';
import { pathInside, writeInside } from './inside.ts';

const BEGIN = '# --- BEGIN PVE ---';
const END = '# --- END PVE ---';
const HOSTS = 'etc/hosts';

/** What the files are made from. */
type GuestSpec = Pick<RunSpec, 'hostname' | 'searchDomain' | 'nameservers' | 'cards'>;

/**
 * Files that Proxmox VE writes into a container before each start, by their path in it (PVE::LXC::Setup::Base,
 * pre_start_hook, and Debian's setup_network).
 * @param hosts what `/etc/hosts` says until now; empty: nothing
 */
export function guestFiles(spec: GuestSpec, hosts: string): Map<string, string> {
  const { hostname, searchDomain, nameservers, cards } = spec;
  const files = new Map([
    ['etc/hostname', `${hostname}\n`],
    [HOSTS, hostsOf(spec, hosts)],
    // The container's own ifupdown sets the addresses.
    [
      'etc/network/interfaces',
      `auto lo\niface lo inet loopback\n${cards.map((card) => `\n${stanza(card)}`).join('')}`,
    ],
  ]);
  // Without a word about names in the configuration the template's file stays.
  if (searchDomain !== null || nameservers.length > 0)
    files.set(
      'etc/resolv.conf',
      section([
        ...(searchDomain === null ? [] : [`search ${searchDomain}`]),
        ...nameservers.map((server) => `nameserver ${server}`),
      ]),
    );
  return files;
}

function stanza({ name, address, gateway }: GuestSpec['cards'][number]): string {
  const lines = [`auto ${name}`, `iface ${name} inet ${address === null ? 'manual' : 'static'}`];
  if (address !== null) lines.push(`\taddress ${address}`);
  if (address !== null && gateway !== null) lines.push(`\tgateway ${gateway}`);
  return `${lines.join('\n')}\n`;
}

/** Its own section alone is changed; what else is there stays. */
function hostsOf({ hostname, searchDomain, cards }: GuestSpec, before: string): string {
  const address = cards.find((card) => card.address !== null)?.address?.split('/')[0] ?? '127.0.1.1';
  const [start, rest = ''] = before.split(new RegExp(`^${BEGIN}\\n(?:[^]*?\\n)?${END}\\n?`, 'm'));
  const others = `${start}${rest}`;
  const names = searchDomain === null ? hostname : `${hostname}.${searchDomain} ${hostname}`;
  const local = ['127.0.0.1', '::1'].filter(
    (own) => !others.split('\n').some((line) => line.trim().split(/\s+/)[0] === own),
  );
  const lines = [...local.map((own) => `${own} localhost.localnet localhost`), `${address} ${names}`];
  return `${start}${section(lines)}${rest}`;
}

const section = (lines: readonly string[]) => `${[BEGIN, ...lines, END].join('\n')}\n`;

/** What Proxmox VE presets in containers of Debian 12 and later (setup_systemd_preset). */
const PRESET = `# Added by PVE at create-time for first-boot configuration.
enable container-getty@.service
disable getty@.service
disable sys-kernel-config.mount
disable sys-kernel-debug.mount
disable systemd-networkd.service
`;

/** Writes them. An identity is the container's own affair: systemd makes one where none is. */
export async function writeGuestFiles(spec: RunSpec): Promise<void> {
  const { rootfs } = spec;
  const hosts = await pathInside(rootfs, HOSTS);
  const isFile = hosts !== null && (await lstat(hosts).catch(() => null))?.isFile();
  const files = guestFiles(spec, isFile ? await readFile(hosts, 'utf8') : '');
  const init = await readlink(join(rootfs, 'sbin/init')).catch(() => '');
  if (init.endsWith('/systemd')) files.set('etc/systemd/system-preset/00-pve.preset', PRESET);
  for (const [path, text] of files) await writeInside(rootfs, path, text);
}
