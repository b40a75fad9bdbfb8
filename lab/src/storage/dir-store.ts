import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import {
  type AddedFile,
  type MountedVolume,
  RuntimeFailure,
  type VolumeId,
  type VolumeStore,
} from '../ports.ts';
import { pack, unpack } from './archive.ts';
import { type Content, Layout, type StoreOptions } from './layout.ts';

/** What a folder cannot say of itself. Bytes. */
interface Volume {
  readonly size: number;
  /** When it was made; later changes are not counted. */
  readonly used: number;
}

const PARTIAL = '.partial';
/** What fills a template and nothing reads in a fake container, whose programs are the machine's: not `usr/local`. */
const PROGRAMS = [
  ...['usr/bin/*', 'usr/sbin/*', 'usr/lib/*/*', 'usr/lib32/*', 'usr/lib64/*', 'usr/share/*', 'usr/include/*'],
  ...['opt/psa/node/*', 'var/lib/dpkg/*', 'var/cache/*'],
];

/**
 * Volumes as plain folders, for the fake runtime: no root needed, and sizes are words. Files belong to whoever runs it.
 * Of a template the programs are left out: an appliance is then a matter of seconds.
 */
export class DirStore implements VolumeStore {
  readonly #layout: Layout;
  /** Templates that are being unpacked, by the folder they go to. */
  readonly #unpacking = new Map<string, Promise<void>>();

  constructor(options: StoreOptions) {
    this.#layout = new Layout(options);
  }

  /** Makes what is missing, and removes what a crash left half done. */
  async open(): Promise<void> {
    for (const { folder } of this.#layout.disks())
      for (const part of ['volumes', 'snapshots', 'unpacked']) {
        await mkdir(join(folder, part), { recursive: true });
        for (const name of await readdir(join(folder, part)))
          if (name.endsWith(PARTIAL)) await remove(join(folder, part, name));
      }
  }

  async close(options: { readonly remove: boolean } = { remove: false }): Promise<void> {
    if (options.remove) for (const { folder } of this.#layout.disks()) await remove(folder);
  }

  async create(node: string, volume: VolumeId, options: Parameters<VolumeStore['create']>[2]): Promise<void> {
    const path = this.#layout.newVolume(node, volume);
    const draft = path + PARTIAL;
    const { archive } = options;
    await remove(draft);
    try {
      if (archive !== null && dirname(archive).endsWith(join('template', 'cache')))
        await duplicate(await this.#unpacked(node, volume.storage, archive), draft);
      else {
        await mkdir(draft, { recursive: true });
        if (archive !== null) await unpack(archive, draft, 'mine', options.part);
      }
      const used = await usedBy(draft);
      if (used > (await this.space(node, volume.storage)).available)
        throw new RuntimeFailure(`Unable to create ${volume.name}: No space left on device`);
      await this.#note(path, { size: options.sizeBytes, used });
      await rename(draft, path);
    } catch (error) {
      await remove(draft);
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
    const path = this.#layout.volume(node, volume);
    const snapshots = join(this.#layout.root(node, volume.storage), 'snapshots');
    for (const name of await readdir(snapshots))
      if (name.startsWith(`${volume.name}@`)) await remove(join(snapshots, name));
    await remove(path);
    await rm(`${path}.json`, { force: true });
  }

  async resize(node: string, volume: VolumeId, sizeBytes: number): Promise<void> {
    const path = await this.path(node, volume);
    await this.#note(path, { ...(await this.#known(path)), size: sizeBytes });
  }

  async usage(node: string, volume: VolumeId): Promise<{ used: number; size: number }> {
    const { used, size } = await this.#known(await this.path(node, volume));
    return { used, size };
  }

  async copy(
    from: { node: string; volume: VolumeId },
    to: { node: string; volume: VolumeId },
  ): Promise<void> {
    const source = await this.path(from.node, from.volume);
    const target = this.#layout.newVolume(to.node, to.volume);
    await this.#note(target, await this.#known(source));
    await duplicate(source, target);
  }

  async snapshot(node: string, volume: VolumeId, name: string): Promise<void> {
    await duplicate(await this.path(node, volume), this.#layout.snapshot(node, volume, name));
  }

  async rollback(node: string, volume: VolumeId, name: string): Promise<void> {
    const path = await this.path(node, volume);
    const from = this.#layout.existingSnapshot(node, volume, name);
    await remove(path);
    await duplicate(from, path);
  }

  async removeSnapshot(node: string, volume: VolumeId, name: string): Promise<void> {
    await remove(this.#layout.snapshot(node, volume, name));
  }

  async pack(
    node: string,
    volume: VolumeId,
    snapshot: string | null,
    to: Writable,
    add: readonly AddedFile[] = [],
    mounts: readonly MountedVolume[] = [],
  ): Promise<number> {
    return await pack(this.#layout.packed(node, volume, snapshot, mounts), 'mine', add, to);
  }

  async folder(node: string, storage: string, content: Content): Promise<string> {
    const folder = this.#layout.content(node, storage, content);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  async space(node: string, storage: string): Promise<{ total: number; used: number; available: number }> {
    const { folder, storage: disk } = this.#layout.disk(node, storage);
    const total = disk.sizeBytes;
    const filled = total * Number(await readFile(this.#layout.filling(node, storage), 'utf8').catch(() => 0));
    const used = Math.min(total, Math.max(Math.floor(filled), await this.#content(node, storage, folder)));
    return { total, used, available: total - used };
  }

  async fill(node: string, storage: string, share: number): Promise<void> {
    const file = this.#layout.filling(node, storage);
    if (share === 0) return rm(file, { force: true });
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, String(share));
  }

  /** A template without its programs, unpacked once per storage. */
  async #unpacked(node: string, storage: string, archive: string): Promise<string> {
    const found = await stat(archive).catch((error: Error) => {
      throw new RuntimeFailure(`Unable to read ${basename(archive)}: ${error.message}`);
    });
    const name = `${basename(archive)}-${found.ino}-${found.size}-${found.mtimeMs}`;
    const target = join(this.#layout.root(node, storage), 'unpacked', name);
    if (existsSync(target)) return target;
    let unpacking = this.#unpacking.get(target);
    if (!unpacking) {
      unpacking = unpackTemplate(archive, target).finally(() => this.#unpacking.delete(target));
      this.#unpacking.set(target, unpacking);
    }
    await unpacking;
    return target;
  }

  /** Bytes of the files and of the volumes as they were noted. */
  async #content(node: string, storage: string, folder: string): Promise<number> {
    let bytes = 0;
    for (const content of ['vztmpl', 'iso', 'backup', 'snippets', 'import'] as const) {
      const path = this.#layout.content(node, storage, content);
      for (const name of await readdir(path).catch(() => [])) {
        // An upload beside has another name once it is whole.
        bytes += await stat(join(path, name)).then(
          ({ size }) => size,
          () => 0,
        );
      }
    }
    for (const name of await readdir(join(folder, 'volumes')))
      if (name.endsWith('.json'))
        bytes += (await this.#known(join(folder, 'volumes', name.slice(0, -5)))).used;
    return bytes;
  }

  async #note(path: string, volume: Volume): Promise<void> {
    await writeFile(`${path}.json.new`, JSON.stringify(volume));
    await rename(`${path}.json.new`, `${path}.json`);
  }

  async #known(path: string): Promise<Volume> {
    return JSON.parse(await readFile(`${path}.json`, 'utf8').catch(() => '{"size":0,"used":0}')) as Volume;
  }
}

async function unpackTemplate(archive: string, target: string): Promise<void> {
  const draft = target + PARTIAL;
  await remove(draft);
  await mkdir(draft);
  try {
    await unpack(archive, draft, 'mine', { without: PROGRAMS });
    await rename(draft, target);
  } catch (error) {
    await remove(draft);
    throw error;
  }
}

/** A copy beside, put in place at once. */
async function duplicate(from: string, to: string): Promise<void> {
  const draft = to + PARTIAL;
  await remove(draft);
  await promisify(execFile)('cp', ['-a', '--reflink=auto', '--', from, draft]);
  await rename(draft, to);
}

/** Also what an archive made unwritable for its owner. */
async function remove(path: string): Promise<void> {
  if (!existsSync(path)) return;
  await rm(path, { recursive: true, force: true }).catch(async () => {
    await promisify(execFile)('chmod', ['-R', 'u+rwX', path]);
    await rm(path, { recursive: true, force: true });
  });
}

async function usedBy(path: string): Promise<number> {
  const { stdout } = await promisify(execFile)('du', ['-sb', path]);
  return Number(stdout.split('\t')[0]);
}
