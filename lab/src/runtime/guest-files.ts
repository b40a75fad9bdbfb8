import { randomBytes } from 'node:crypto';
import { chown, lstat, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunSpec } from '../ports.ts';
import { RuntimeFailure } from '../ports.ts';
import { ID_SHIFT } from './lxc-config.ts';

const BEGIN = '# --- BEGIN PVE ---';
const END = '# --- END PVE ---';

/** Files that Proxmox VE writes into a container before each start, by their path in it. */
export function guestFiles(
  spec: Pick<RunSpec, 'hostname' | 'searchDomain' | 'nameservers' | 'cards'>,
): Map<string, string> {
  const { hostname, searchDomain, nameservers, cards } = spec;
  const address = cards.find((card) => card.address !== null)?.address?.split('/')[0] ?? '127.0.1.1';
  const names = searchDomain === null ? hostname : `${hostname}.${searchDomain} ${hostname}`;
  const files = new Map([
    ['etc/hostname', `${hostname}\n`],
    [
      'etc/hosts',
      [
        '127.0.0.1 localhost',
        '::1 localhost ip6-localhost ip6-loopback',
        section([`${address} ${names}`]),
      ].join('\n'),
    ],
    [
      'etc/network/interfaces',
      // LXC has set the addresses by the time ifupdown reads this.
      [
        'auto lo',
        'iface lo inet loopback',
        ...cards.flatMap(({ name }) => ['', `auto ${name}`, `iface ${name} inet manual`]),
        '',
      ].join('\n'),
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

const section = (lines: readonly string[]) => `${[BEGIN, ...lines, END].join('\n')}\n`;

/**
 * Writes them, and gives the container an identity of its own. The root file system belongs to the container: what it
 * makes of its folders is not followed out of them.
 */
export async function writeGuestFiles(spec: RunSpec): Promise<void> {
  const owner = spec.unprivileged ? ID_SHIFT : 0;
  const files = guestFiles(spec);
  // An empty one would make systemd take this for a first boot and enable everything that is installed.
  const identity = await readFile(join(spec.rootfs, 'etc/machine-id'), 'utf8').catch(() => '');
  if (!/^[0-9a-f]{32}\n?$/.test(identity))
    files.set('etc/machine-id', `${randomBytes(16).toString('hex')}\n`);
  for (const [path, text] of files) await put(spec, path, text, owner);
}

async function put(spec: RunSpec, path: string, text: string, owner: number): Promise<void> {
  const folders = path.split('/').slice(0, -1);
  let folder = spec.rootfs;
  for (const name of folders) {
    folder = join(folder, name);
    const found = await lstat(folder).catch(() => null);
    if (found === null) {
      // A template without ifupdown has no use for its file; one without /etc is no system at all.
      await mkdir(folder, { mode: 0o755 });
      await chown(folder, owner, owner);
    } else if (!found.isDirectory())
      throw new RuntimeFailure(`unable to write '/${path}' of CT ${spec.id}: '${name}' is no folder`);
  }
  const target = join(spec.rootfs, path);
  const draft = `${target}.psa-${randomBytes(4).toString('hex')}`;
  const file = await open(draft, 'wx', 0o644);
  try {
    await file.writeFile(text);
    await file.chmod(0o644);
    await file.chown(owner, owner);
  } finally {
    await file.close();
  }
  await rename(draft, target);
}
