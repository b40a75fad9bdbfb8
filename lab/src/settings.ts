import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { usualSshPort } from './ssh/ssh-port.ts';

/** What a lab is made with: `lab.json` in its folder. */
export interface LabSettings {
  /** Prefix of its namespaces: lower-case letters and digits. */
  readonly name: string;
  readonly runtime: 'lxc' | 'fake';
  /** What Proxmox VE's own slowness is multiplied with. */
  readonly timeFactor: number;
  /** The first three numbers of the nodes' loopback addresses. */
  readonly loopback: string;
  readonly apiPort: number;
  readonly sshPort: number;
  /** Port of the portal on 127.0.0.1. */
  readonly portalPort: number;
  /** GiB of each node's disk, and of the storage that they share. */
  readonly nodeDiskGb: number;
  readonly sharedDiskGb: number;
  /** The release that the inventory names. */
  readonly release: { readonly version: string; readonly directory: string };
  /** Storages of type pbs that the inventory has, by name: the lab plays their Proxmox Backup Servers. */
  readonly backupServers?: readonly string[];
}

const USUAL: LabSettings = {
  name: 'psalab',
  runtime: process.getuid?.() === 0 ? 'lxc' : 'fake',
  timeFactor: 0.1,
  loopback: '127.77.0',
  apiPort: 8006,
  sshPort: usualSshPort(),
  portalPort: 8443,
  nodeDiskGb: 24,
  sharedDiskGb: 24,
  release: { version: '0.1.0', directory: resolve(import.meta.dirname, '../../dist/releases') },
};

/** The settings of a lab; null: there is none in the folder. */
export function readSettings(dir: string): LabSettings | null {
  try {
    return JSON.parse(readFileSync(join(dir, 'lab.json'), 'utf8')) as LabSettings;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The settings of a lab that is brought up: as it was made, or made now. Only the factor of time may change later. */
export function settle(dir: string, wanted: Partial<LabSettings>): LabSettings {
  const known = readSettings(dir);
  const settings = known
    ? { ...known, ...(wanted.timeFactor === undefined ? {} : { timeFactor: wanted.timeFactor }) }
    : { ...USUAL, ...wanted };
  makeLabFolder(dir);
  const draft = join(dir, `lab.json.${process.pid}`);
  writeFileSync(draft, `${JSON.stringify(settings, null, 1)}\n`, { mode: 0o600 });
  renameSync(draft, join(dir, 'lab.json'));
  return settings;
}

/** Makes the folder of a lab. Containers pass through it to their disks; what is secret has folders of its own. */
export function makeLabFolder(dir: string): void {
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o711);
}
