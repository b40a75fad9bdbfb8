import { failure } from '../api/errors.ts';
import type { VolumeId } from '../ports.ts';

/** A storage of the cluster, as `storage.cfg` has it. */
export interface StorageConf {
  readonly name: string;
  readonly type: 'dir' | 'lvmthin' | 'zfspool' | 'btrfs' | 'nfs' | 'cephfs' | 'rbd';
  readonly shared: boolean;
  readonly content: readonly string[];
  readonly path?: string;
  /** Nodes that have it; all when absent. */
  readonly nodes?: readonly string[];
  /** `keep-last=3`: what a backup leaves standing unless it says otherwise. */
  readonly pruneBackups?: string;
}

const FILE_BASED: ReadonlySet<string> = new Set(['dir', 'nfs', 'cephfs', 'btrfs']);
const SNAPSHOTS: ReadonlySet<string> = new Set(['lvmthin', 'zfspool', 'btrfs', 'rbd']);

/** The storages, and how volumes are called on them. */
export class Storages {
  readonly all: readonly StorageConf[];

  constructor(all: readonly StorageConf[]) {
    this.all = all;
  }

  /** @throws `storage 'nope' does not exist` */
  get(name: string): StorageConf {
    const found = this.all.find((one) => one.name === name);
    if (!found) throw failure(`storage '${name}' does not exist`);
    return found;
  }

  /** The storages that a node has. */
  on(node: string): readonly StorageConf[] {
    return this.all.filter((one) => one.nodes?.includes(node) ?? true);
  }

  /** A storage that a node has. @throws as Proxmox VE says it */
  onNode(node: string, name: string): StorageConf {
    const found = this.get(name);
    if (!this.on(node).includes(found)) throw failure(`storage '${name}' is not available on node '${node}'`);
    return found;
  }

  /** Whether the storage can keep snapshots and linked clones of a container's disk. */
  canSnapshot(name: string): boolean {
    return SNAPSHOTS.has(this.get(name).type);
  }

  /** A volume in the words of a configuration: `shared:101/vm-101-disk-0.raw`, `local-lvm:vm-101-disk-0`. */
  print(volume: VolumeId): string {
    const vmid = ownerOf(volume);
    return FILE_BASED.has(this.get(volume.storage).type) && vmid !== null
      ? `${volume.storage}:${vmid}/${volume.name}.raw`
      : `${volume.storage}:${volume.name}`;
  }

  /** The volume that a configuration names; null: it is none (a path of the host, a wish for a new one). */
  parse(text: string): VolumeId | null {
    const [, storage, name] =
      /^([a-zA-Z][a-zA-Z0-9._-]*):(?:\d+\/)?((?:vm|base|subvol)-\d+-\S+?)(?:\.raw)?$/.exec(text) ?? [];
    return storage === undefined || name === undefined ? null : { storage, name };
  }
}

/** The container that a volume belongs to. */
export function ownerOf(volume: VolumeId): number | null {
  const id = /^(?:vm|base|subvol)-(\d+)-/.exec(volume.name)?.[1];
  return id === undefined ? null : Number(id);
}

/** Bytes of `8G`, `102M`, `512K` or a plain number; null: no size. */
export function parseSize(text: string): number | null {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text) ?? [];
  if (number === undefined) return null;
  return Math.floor(Number(number) * 1024 ** ' KMGT'.indexOf(unit === '' ? ' ' : unit));
}

/** A size as a configuration has it: the largest unit that leaves no rest. */
export function printSize(bytes: number): string {
  let value = bytes;
  let unit = '';
  for (const next of ['K', 'M', 'G', 'T']) {
    if (value < 1024 || value % 1024 !== 0) break;
    value /= 1024;
    unit = next;
  }
  return `${value}${unit}`;
}
