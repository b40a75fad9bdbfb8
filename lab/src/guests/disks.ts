import { type LxcMount, parseMount, printMount } from '@psa/proxmox/conf';
import type { GuestConf, GuestValues } from '../cluster/guest-conf.ts';
import { ownerOf, parseSize, printSize } from '../cluster/storages.ts';
import { ApiError, badParameter, failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import type { ArchivePart, VolumeId } from '../ports.ts';
import type { TaskHandle } from '../tasks/task-manager.ts';
import { diskKeys, volumeOf } from './values.ts';

/** A wish for a new disk: `shared:8` (GiB), with what follows in the setting. */
export interface DiskWish {
  readonly storage: string;
  readonly bytes: number;
  /** `,mountoptions=…` and the like, kept as given. */
  readonly rest: string;
}

const WISH = /^([a-zA-Z][a-zA-Z0-9._-]*):(\d+(?:\.\d+)?)$/;

/** The wish in a disk's setting; null: it names a volume that is there, or none at all. */
export function wishOf(text: string): DiskWish | null {
  const [, storage, gib] = WISH.exec(volumeOf(text)) ?? [];
  if (storage === undefined || gib === undefined) return null;
  const rest = text
    .split(',')
    .slice(1)
    .filter((part) => !part.startsWith('size='))
    .map((part) => `,${part}`)
    .join('');
  // Whole MiB: as Proxmox VE rounds them.
  return { storage, bytes: Math.floor(Number(gib) * 1024) * 1024 ** 2, rest };
}

/** A name for a new disk of a container that no volume of the storage has. */
export async function freeVolume(
  lab: Lab,
  node: string,
  storage: string,
  vmid: number,
  kind: 'vm' | 'base' = 'vm',
): Promise<VolumeId> {
  for (let number = 0; ; number++) {
    const volume = { storage, name: `${kind}-${vmid}-disk-${number}` };
    if (!(await lab.volumes.exists(node, volume))) return volume;
  }
}

/** Makes the root disk that a create or a restore wishes for. @returns its setting */
export async function makeDisk(
  lab: Lab,
  node: string,
  vmid: number,
  wish: DiskWish,
  source: {
    readonly archive: string | null;
    /** The archive as the log names it. */
    readonly shown: string;
    readonly unprivileged: boolean;
  },
  task: TaskHandle,
): Promise<{ readonly volume: VolumeId; readonly setting: string }> {
  const volume = await freeVolume(lab, node, wish.storage, vmid);
  task.log(`creating volume '${lab.storages.print(volume)}', size=${wish.bytes}`);
  if (source.archive !== null) task.log(`extracting archive '${source.shown}'`);
  await lab.volumes.create(node, volume, {
    archive: source.archive,
    unprivileged: source.unprivileged,
    sizeBytes: wish.bytes,
  });
  return { volume, setting: `${lab.storages.print(volume)}${wish.rest},size=${printSize(wish.bytes)}` };
}

/** Parses the setting of `rootfs`, `mp0` … `unused0`. @throws 500 `format error`, with the fields, as Proxmox does */
export function mountOf(key: string, text: string | undefined): LxcMount {
  const missing = 'property is missing and it is not optional';
  if (text === undefined || text === '')
    throw new ApiError(500, 'format error', {
      errors: { volume: missing, ...(key.startsWith('mp') ? { mp: missing } : {}) },
    });
  try {
    return parseMount(text);
  } catch (error) {
    throw badParameter({ [key]: `invalid format - ${(error as Error).message}\n` });
  }
}

/** What a disk's setting names: a volume of a storage, a device, or a folder of the host. */
export const kindOf = (volume: string): 'volume' | 'device' | 'bind' =>
  volume.startsWith('/dev/') ? 'device' : volume.startsWith('/') ? 'bind' : 'volume';

/** The storage that a volume's name begins with. @throws `unable to parse volume ID 'none'` */
export function storageOf(volume: string): string {
  const storage = /^([a-z][a-z0-9\-_.]*[a-z0-9]):.+$/i.exec(volume)?.[1];
  if (storage === undefined) throw failure(`unable to parse volume ID '${volume}'`);
  return storage;
}

/** Makes a disk for a mount point, empty unless there is an archive for it. @returns the setting that a configuration keeps */
export async function makeMount(
  lab: Lab,
  node: string,
  vmid: number,
  text: string,
  unprivileged: boolean,
  source: { readonly archive: string | null; readonly part?: ArchivePart } = { archive: null },
): Promise<string> {
  const wish = wishOf(text);
  if (!wish) return rescanned(lab, node, text);
  const volume = await freeVolume(lab, node, wish.storage, vmid);
  await lab.volumes.create(node, volume, { ...source, unprivileged, sizeBytes: wish.bytes });
  return printMount({
    ...parseMount(text),
    volume: lab.storages.print(volume),
    size: printSize(wish.bytes),
  });
}

/** A setting with the size that its volume has now, if that can be found out. */
async function rescanned(lab: Lab, node: string, text: string): Promise<string> {
  const mount = parseMount(text);
  const volume = lab.storages.parse(mount.volume);
  const real = volume && (await lab.volumes.usage(node, volume).catch(() => null));
  const bytes = real?.size || parseSize(mount.size ?? '');
  return printMount({ ...mount, ...(bytes ? { size: printSize(bytes) } : {}) });
}

/** The volume of a setting, as a configuration names it; null: it is none of a storage. */
export function volidOf(text: string | undefined): string | null {
  const volume = volumeOf(text ?? '');
  return volume !== '' && kindOf(volume) === 'volume' ? volume : null;
}

/** Whether a volume is one of a section's disks. */
export const isInUse = (values: GuestValues, volid: string): boolean =>
  diskKeys(values).some((key) => volidOf(values[key]) === volid);

/** Whether a volume is a disk of any snapshot. */
export const isInSnapshot = (conf: GuestConf, volid: string): boolean =>
  Object.values(conf.snapshots).some((values) => isInUse(values, volid));

/** Keeps a volume that is no longer a disk as `unusedN`. @returns its key; null: it is there already */
export function addUnused(values: GuestValues, volid: string): string | null {
  const taken = Object.keys(values).filter((key) => /^unused\d+$/.test(key));
  if (taken.some((key) => values[key] === volid)) return null;
  let number = 0;
  while (values[`unused${number}`] !== undefined) number++;
  values[`unused${number}`] = volid;
  return `unused${number}`;
}

/** Takes away `unusedN` of volumes that are disks again, as every write of a configuration does. */
export function dropUsed(values: GuestValues): void {
  for (const key of Object.keys(values))
    if (/^unused\d+$/.test(key) && isInUse(values, values[key]!)) delete values[key];
}

/** Frees a volume that a container owns; one of another, and one that is not there, is left alone. */
export async function freeOwn(lab: Lab, node: string, vmid: number, volid: string): Promise<void> {
  const volume = lab.storages.parse(volid);
  if (volume && ownerOf(volume) === vmid) await removeVolumes(lab, node, [volume]);
}

/** Volumes of a container, of its snapshots and pending changes too. */
export function volumesOf(lab: Lab, conf: GuestConf): readonly VolumeId[] {
  const found = new Map<string, VolumeId>();
  const take = (values: GuestValues) => {
    const unused = Object.keys(values).filter((key) => /^unused\d+$/.test(key));
    for (const key of [...diskKeys(values), ...unused]) {
      const volume = lab.storages.parse(volumeOf(values[key]!));
      if (volume) found.set(`${volume.storage}:${volume.name}`, volume);
    }
  };
  take(conf.values);
  take(conf.pending);
  Object.values(conf.snapshots).forEach(take);
  return [...found.values()];
}

/** The volumes of a container that are its own, and go with it. */
export const ownVolumesOf = (lab: Lab, vmid: number, conf: GuestConf): readonly VolumeId[] =>
  volumesOf(lab, conf).filter((volume) => ownerOf(volume) === vmid);

/** Removes all volumes of a container; one that is gone already is none of our concern. */
export async function removeVolumes(lab: Lab, node: string, volumes: readonly VolumeId[]): Promise<void> {
  for (const volume of volumes)
    if (await lab.volumes.exists(node, volume)) await lab.volumes.remove(node, volume);
}
