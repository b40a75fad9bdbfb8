import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RuntimeFailure, type VolumeId } from '../ports.ts';

/** A storage and the disk under it. */
export interface StorageDisk {
  readonly name: string;
  /** One for all nodes; otherwise each node has its own. */
  readonly shared: boolean;
  readonly sizeBytes: number;
  /** Nodes that have it; all when absent. */
  readonly nodes?: readonly string[];
}

/** Where a lab's storages stand. */
export interface StoreOptions {
  /** The lab's folder. */
  readonly folder: string;
  readonly nodes: readonly string[];
  readonly storages: readonly StorageDisk[];
}

/** What Proxmox VE calls the folders of a file storage. */
const CONTENT = {
  vztmpl: 'template/cache',
  iso: 'template/iso',
  backup: 'dump',
  snippets: 'snippets',
  import: 'import',
} as const;

/** Kinds of files that a storage keeps. */
export type Content = keyof typeof CONTENT;

/** Paths of everything on the storages. */
export class Layout {
  readonly #options: StoreOptions;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  /** Every disk there is, with the folder it is mounted on. */
  disks(): { readonly folder: string; readonly storage: StorageDisk }[] {
    return this.#options.storages.flatMap((storage) =>
      storage.shared
        ? [{ folder: join(this.#options.folder, 'shared', storage.name), storage }]
        : this.#options.nodes
            .filter((node) => storage.nodes?.includes(node) ?? true)
            .map((node) => ({ folder: join(this.#options.folder, 'nodes', node, storage.name), storage })),
    );
  }

  /** Folder of a storage as a node has it. @throws RuntimeFailure as Proxmox VE says it */
  root(node: string, name: string): string {
    return this.disk(node, name).folder;
  }

  disk(node: string, name: string): { readonly folder: string; readonly storage: StorageDisk } {
    const storage = this.#options.storages.find((one) => one.name === name);
    if (!storage) throw new RuntimeFailure(`storage '${name}' does not exist`);
    if (!(storage.nodes ?? this.#options.nodes).includes(node))
      throw new RuntimeFailure(`storage '${name}' is not available on node '${node}'`);
    const own = storage.shared ? 'shared' : join('nodes', node);
    return { folder: join(this.#options.folder, own, storage.name), storage };
  }

  volume(node: string, { storage, name }: VolumeId): string {
    return join(this.root(node, storage), 'volumes', safe(name));
  }

  snapshot(node: string, { storage, name }: VolumeId, snapshot: string): string {
    return join(this.root(node, storage), 'snapshots', `${safe(name)}@${safe(snapshot)}`);
  }

  /** @throws RuntimeFailure when there is no such volume */
  existingVolume(node: string, volume: VolumeId): string {
    const path = this.volume(node, volume);
    if (existsSync(path)) return path;
    throw new RuntimeFailure(`volume '${volume.storage}:${volume.name}' does not exist`);
  }

  /** Where a volume is about to be made. @throws RuntimeFailure when there is one already */
  newVolume(node: string, volume: VolumeId): string {
    const path = this.volume(node, volume);
    if (!existsSync(path)) return path;
    throw new RuntimeFailure(`volume '${volume.storage}:${volume.name}' already exists`);
  }

  /** @throws RuntimeFailure when there is no such snapshot */
  existingSnapshot(node: string, volume: VolumeId, name: string): string {
    const path = this.snapshot(node, volume, name);
    if (existsSync(path)) return path;
    throw new RuntimeFailure(`snapshot '${name}' does not exist`);
  }

  /** A volume, or a snapshot of it. @throws RuntimeFailure when there is none */
  existing(node: string, volume: VolumeId, snapshot: string | null): string {
    return snapshot === null
      ? this.existingVolume(node, volume)
      : this.existingSnapshot(node, volume, snapshot);
  }

  content(node: string, storage: string, content: Content): string {
    return join(this.root(node, storage), CONTENT[content]);
  }

  filling(node: string, storage: string): string {
    return join(this.root(node, storage), '.filling');
  }
}

/** A name that stays in its folder. */
function safe(name: string): string {
  if (!/^[A-Za-z0-9][\w.+-]*$/.test(name)) throw new RuntimeFailure(`unable to parse volume name '${name}'`);
  return name;
}
