import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type MountedVolume, RuntimeFailure, type VolumeId } from '../ports.ts';

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
  /** Storages that stand on the disk of another → whether all nodes have the same one. */
  readonly #made = new Map<string, boolean>();

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
    const known = this.#options.storages.find((one) => one.name === name);
    const made = this.#made.get(name);
    const storage =
      known ??
      (made === undefined
        ? undefined
        : this.#options.storages.find((one) => one.shared === made && !one.nodes));
    if (!storage) throw new RuntimeFailure(`storage '${name}' does not exist`);
    if (!(storage.nodes ?? this.#options.nodes).includes(node))
      throw new RuntimeFailure(`storage '${name}' is not available on node '${node}'`);
    const own = storage.shared ? 'shared' : join('nodes', node);
    const folder = join(this.#options.folder, own, storage.name);
    return { folder: known ? folder : join(folder, 'made', name), storage };
  }

  /** Takes a storage in, with the folders that every one has. */
  adopt(name: string, shared: boolean): void {
    this.#made.set(name, shared);
    for (const node of this.#options.nodes)
      for (const part of ['volumes', 'snapshots', 'unpacked'])
        mkdirSync(join(this.root(node, name), part), { recursive: true });
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

  /** Names of the volumes of a storage; what is half done, or stands beside one, is none. */
  volumes(node: string, storage: string): readonly string[] {
    const folder = join(this.root(node, storage), 'volumes');
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((name) => !/\.(?:json|partial|next|draft)$/.test(name))
      .sort();
  }

  /** The folders of a volume and of those mounted in it, as an archive has them. */
  packed(
    node: string,
    volume: VolumeId,
    snapshot: string | null,
    mounts: readonly MountedVolume[],
  ): readonly { readonly folder: string; readonly path: string }[] {
    return [{ path: '.', volume }, ...mounts].map(({ path, volume: of }) => ({
      path,
      folder: this.existing(node, of, snapshot),
    }));
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
