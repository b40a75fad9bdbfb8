import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { run } from '../network/run.ts';
import {
  type AddedFile,
  type MountedVolume,
  RuntimeFailure,
  type VolumeId,
  type VolumeStore,
} from '../ports.ts';
import { checksum, type Ownership, ownershipOf, pack, unpack } from './archive.ts';
import { BtrfsDisk } from './btrfs.ts';
import { type Content, Layout, type StoreOptions } from './layout.ts';

/** What is not finished: removed at the next opening. */
const PARTIAL = '.partial';
/** A rollback's new content: takes the old one's place at the next opening. */
const NEXT = '.next';

/**
 * Volumes as btrfs subvolumes, on file systems of the size that the storages have. A template is unpacked once per
 * storage; a container is a snapshot of it.
 */
export class BtrfsStore implements VolumeStore {
  readonly #layout: Layout;
  readonly #disks: ReadonlyMap<string, BtrfsDisk>;
  /** Templates that are being unpacked, by the folder they go to. */
  readonly #unpacking = new Map<string, Promise<void>>();
  readonly #checksums = new Map<string, { readonly stamp: string; readonly sum: Promise<string> }>();

  constructor(options: StoreOptions) {
    this.#layout = new Layout(options);
    this.#disks = new Map(
      this.#layout.disks().map(({ folder, storage }) => [folder, new BtrfsDisk(folder, storage.sizeBytes)]),
    );
  }

  /** Makes and mounts what is missing, and finishes or removes what a crash left half done. */
  async open(): Promise<void> {
    for (const disk of this.#disks.values()) {
      await disk.open();
      for (const folder of ['volumes', 'snapshots', 'unpacked'].map((name) => join(disk.folder, name))) {
        await mkdir(folder, { recursive: true });
        for (const name of await readdir(folder)) {
          const path = join(folder, name);
          if (name.endsWith(PARTIAL)) await disk.delete(path);
          if (!name.endsWith(NEXT)) continue;
          const wanted = path.slice(0, -NEXT.length);
          if (existsSync(wanted)) await disk.delete(path);
          else await rename(path, wanted);
        }
      }
    }
  }

  /** Unmounts everything; with `remove` nothing is left. No container may run. */
  async close(options: { readonly remove: boolean } = { remove: false }): Promise<void> {
    for (const disk of this.#disks.values()) await (options.remove ? disk.remove() : disk.close());
  }

  async create(node: string, volume: VolumeId, options: Parameters<VolumeStore['create']>[2]): Promise<void> {
    const disk = this.#disk(node, volume.storage);
    const path = this.#layout.newVolume(node, volume);
    const draft = path + PARTIAL;
    const { archive } = options;
    const ownership = options.unprivileged ? 'shifted' : 'as-is';
    await disk.delete(draft);
    try {
      if (archive !== null && this.#isTemplate(archive)) {
        await disk.snapshot(await this.#unpacked(disk, archive, ownership), draft);
        await disk.limit(draft, options.sizeBytes);
      } else {
        await disk.create(draft);
        await disk.limit(draft, options.sizeBytes);
        if (archive !== null) await unpack(archive, draft, ownership, options.part);
        else if (options.unprivileged) await run('give the volume away', 'chown', ['100000:100000', draft]);
      }
      await rename(draft, path);
    } catch (error) {
      await disk.delete(draft).catch(() => {});
      throw error;
    }
  }

  async path(node: string, volume: VolumeId): Promise<string> {
    return this.#layout.existingVolume(node, volume);
  }

  async exists(node: string, volume: VolumeId): Promise<boolean> {
    return existsSync(this.#layout.volume(node, volume));
  }

  async adopt(storage: string, shared: boolean): Promise<void> {
    this.#layout.adopt(storage, shared);
  }

  async list(node: string, storage: string): Promise<readonly string[]> {
    return this.#layout.volumes(node, storage);
  }

  async remove(node: string, volume: VolumeId): Promise<void> {
    const disk = this.#disk(node, volume.storage);
    const snapshots = join(disk.folder, 'snapshots');
    for (const name of await readdir(snapshots))
      if (name.startsWith(`${volume.name}@`)) await disk.delete(join(snapshots, name));
    await disk.delete(this.#layout.volume(node, volume));
  }

  async resize(node: string, volume: VolumeId, sizeBytes: number): Promise<void> {
    await this.#disk(node, volume.storage).limit(await this.path(node, volume), sizeBytes);
  }

  async usage(node: string, volume: VolumeId): Promise<{ used: number; size: number }> {
    const disk = this.#disk(node, volume.storage);
    const { used, limit } = await disk.usage(await this.path(node, volume));
    return { used, size: limit ?? (await this.space(node, volume.storage)).total };
  }

  async copy(
    from: { node: string; volume: VolumeId },
    to: { node: string; volume: VolumeId },
  ): Promise<void> {
    const source = await this.path(from.node, from.volume);
    const target = this.#layout.newVolume(to.node, to.volume);
    const disk = this.#disk(to.node, to.volume.storage);
    const draft = target + PARTIAL;
    await disk.delete(draft);
    try {
      if (disk === this.#disk(from.node, from.volume.storage)) await disk.snapshot(source, draft);
      else {
        await disk.create(draft);
        await run(`copy ${from.volume.name}`, 'cp', ['-a', '--', `${source}/.`, draft]);
      }
      const { limit } = await this.#disk(from.node, from.volume.storage).usage(source);
      await disk.limit(draft, limit ?? 0);
      await rename(draft, target);
    } catch (error) {
      await disk.delete(draft).catch(() => {});
      throw error;
    }
  }

  async snapshot(node: string, volume: VolumeId, name: string): Promise<void> {
    const path = this.#layout.snapshot(node, volume, name);
    await this.#disk(node, volume.storage).snapshot(await this.path(node, volume), path, { readOnly: true });
  }

  async rollback(node: string, volume: VolumeId, name: string): Promise<void> {
    const disk = this.#disk(node, volume.storage);
    const path = await this.path(node, volume);
    const from = this.#layout.existingSnapshot(node, volume, name);
    const { limit } = await disk.usage(path);
    await disk.delete(path + NEXT);
    await disk.snapshot(from, path + NEXT);
    await disk.limit(path + NEXT, limit ?? 0);
    await disk.delete(path);
    await rename(path + NEXT, path);
  }

  async removeSnapshot(node: string, volume: VolumeId, name: string): Promise<void> {
    await this.#disk(node, volume.storage).delete(this.#layout.snapshot(node, volume, name));
  }

  async pack(
    node: string,
    volume: VolumeId,
    snapshot: string | null,
    to: Writable,
    add: readonly AddedFile[] = [],
    mounts: readonly MountedVolume[] = [],
  ): Promise<number> {
    const folders = this.#layout.packed(node, volume, snapshot, mounts);
    return await pack(folders, await ownershipOf(folders[0]!.folder), add, to);
  }

  async folder(node: string, storage: string, content: Content): Promise<string> {
    const folder = this.#layout.content(node, storage, content);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  async space(node: string, storage: string): Promise<{ total: number; used: number; available: number }> {
    const { bsize, blocks, bfree, bavail } = await statfs(this.#layout.root(node, storage));
    return { total: blocks * bsize, used: (blocks - bfree) * bsize, available: bavail * bsize };
  }

  async fill(node: string, storage: string, share: number): Promise<void> {
    const file = this.#layout.filling(node, storage);
    // What is reserved or removed counts once it is written down.
    const settle = () => run(`fill ${storage}`, 'sync', ['--file-system', this.#layout.root(node, storage)]);
    await rm(file, { force: true });
    await settle();
    const { total, used, available } = await this.space(node, storage);
    const wanted = Math.min(Math.floor(total * share) - used, available);
    // Reserved, not written: the file system is full, and the machine's own disk is not.
    if (wanted <= 0) return;
    await run(`fill ${storage}`, 'fallocate', ['--length', String(wanted), file]);
    await settle();
  }

  #disk(node: string, storage: string): BtrfsDisk {
    const root = this.#layout.root(node, storage);
    const host = [...this.#disks.keys()].find(
      (folder) => root === folder || root.startsWith(`${folder}/made/`),
    );
    return this.#disks.get(host!)!;
  }

  /** Templates are used again and again; an archive of a backup is not. */
  #isTemplate(archive: string): boolean {
    return dirname(archive).endsWith(join('template', 'cache'));
  }

  async #unpacked(disk: BtrfsDisk, archive: string, ownership: Ownership): Promise<string> {
    const target = join(disk.folder, 'unpacked', `${await this.#checksum(archive)}-${ownership}`);
    if (existsSync(target)) return target;
    let unpacking = this.#unpacking.get(target);
    if (!unpacking) {
      unpacking = this.#unpack(disk, archive, ownership, target).finally(() =>
        this.#unpacking.delete(target),
      );
      this.#unpacking.set(target, unpacking);
    }
    await unpacking;
    return target;
  }

  async #unpack(disk: BtrfsDisk, archive: string, ownership: Ownership, target: string): Promise<void> {
    const draft = target + PARTIAL;
    await disk.delete(draft);
    await disk.create(draft);
    try {
      await unpack(archive, draft, ownership);
      await disk.setReadOnly(draft);
      await rename(draft, target);
    } catch (error) {
      await disk.delete(draft).catch(() => {});
      throw error;
    }
  }

  async #checksum(archive: string): Promise<string> {
    const found = await stat(archive).catch((error: Error) => {
      throw new RuntimeFailure(`Unable to read ${basename(archive)}: ${error.message}`);
    });
    const stamp = `${found.ino} ${found.size} ${found.mtimeMs}`;
    const known = this.#checksums.get(archive);
    if (known?.stamp === stamp) return known.sum;
    const sum = checksum(archive);
    this.#checksums.set(archive, { stamp, sum });
    sum.catch(() => this.#checksums.delete(archive));
    return sum;
  }
}
