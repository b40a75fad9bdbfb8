import { lstat, readFile, rm } from 'node:fs/promises';
import { pathInside, writeInside } from './inside.ts';

const MACHINE_ID = 'etc/machine-id';
const OF_DBUS = 'var/lib/dbus/machine-id';

/**
 * What Proxmox VE does with the identity of a new container. Of one from a template it goes: systemd takes the next
 * start for the machine's first and presets its units. Of a clone it is emptied: it gets a new one, but is no new
 * machine. (PVE::LXC::Setup::Base, clear_machine_id)
 */
export async function forgetMachine(rootfs: string, from: 'template' | 'clone'): Promise<void> {
  // What D-Bus keeps may be a link to the system's.
  if (await isFile(rootfs, OF_DBUS)) await rm(`${rootfs}/${OF_DBUS}`);
  if (!(await isFile(rootfs, MACHINE_ID))) return;
  const file = `${rootfs}/${MACHINE_ID}`;
  if (from === 'template') await rm(file);
  else if ((await readFile(file, 'utf8')).trim() !== 'uninitialized')
    await writeInside(rootfs, MACHINE_ID, '\n');
}

async function isFile(rootfs: string, path: string): Promise<boolean> {
  const found = await pathInside(rootfs, path);
  return found !== null && ((await lstat(found).catch(() => null))?.isFile() ?? false);
}
