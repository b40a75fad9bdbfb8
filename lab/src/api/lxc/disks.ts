import type { GuestConf, GuestValues } from '../../cluster/guest-conf.ts';
import { printSize } from '../../cluster/storages.ts';
import type { VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { badParameter } from '../errors.ts';
import type { Lab } from '../lab.ts';
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

/** Removes all volumes of a container; one that is gone already is none of our concern. */
export async function removeVolumes(lab: Lab, node: string, volumes: readonly VolumeId[]): Promise<void> {
  for (const volume of volumes)
    if (await lab.volumes.exists(node, volume)) await lab.volumes.remove(node, volume);
}

/** @throws when a change wants mount points, which the lab does not have */
export function refuseMounts(values: GuestValues): void {
  for (const key of Object.keys(values))
    if (/^mp\d+$/.test(key)) throw badParameter({ [key]: 'the lab has no mount points beside rootfs' });
}
