import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../network/run.ts';
import { RuntimeFailure } from '../ports.ts';

/**
 * `nobarrier`: what the lab's nodes lose is their processes, never the machine's own power, so a write need not wait
 * for the disk under the file.
 */
const MOUNT_OPTIONS = 'noatime,nobarrier,discard=async';

const UNMOUNT_TRIES = 40;

/** One file system of the lab: btrfs in a file that takes no more room than is used. */
export class BtrfsDisk {
  readonly folder: string;
  readonly #image: string;
  readonly #size: number;
  #id: string | null = null;
  /** Numbers of subvolumes, with the device that each had. */
  readonly #ids = new Map<string, { readonly dev: number; readonly id: string }>();

  constructor(folder: string, size: number) {
    this.folder = folder;
    this.#image = `${folder}.img`;
    this.#size = size;
  }

  /** Makes and mounts what is missing. */
  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    if (!(await isMounted(this.folder))) {
      if (!existsSync(this.#image)) await this.#format();
      await this.#mount();
    }
    // The containers' own users must be able to reach their root file systems.
    await chmod(this.folder, 0o755);
    const shown = await run('look at the file system', 'btrfs', ['filesystem', 'show', this.folder]);
    this.#id = /uuid: (\S+)/.exec(shown)?.[1] ?? null;
    await run('count the use of volumes', 'btrfs', ['quota', 'enable', this.folder]);
    // Otherwise the kernel stops counting when a large volume is removed.
    const threshold = `/sys/fs/btrfs/${this.#id}/qgroups/drop_subtree_threshold`;
    await writeFile(threshold, '8').catch(() => {});
  }

  async close(): Promise<void> {
    if (!(await isMounted(this.folder))) return;
    // The kernel lets go of a container's view of it a moment after the container has ended.
    for (let attempt = 1; ; attempt++)
      try {
        await run(`unmount ${this.folder}`, 'umount', [this.folder]);
        return;
      } catch (error) {
        if (attempt === UNMOUNT_TRIES) throw error;
        await sleep(250);
      }
  }

  /** Takes the disk and everything on it away. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.#image, { force: true });
    await rm(this.folder, { recursive: true, force: true });
  }

  async #format(): Promise<void> {
    const draft = `${this.#image}.${randomUUID()}`;
    try {
      await writeFile(draft, '', { mode: 0o600 });
      await truncate(draft, this.#size);
      await run(`format ${this.#image}`, 'mkfs.btrfs', ['--quiet', '--metadata', 'single', draft]);
      await rename(draft, this.#image);
    } finally {
      await rm(draft, { force: true });
    }
  }

  /**
   * A container that starts takes a copy of the mounts along, and holds the file system for a while after it was
   * unmounted here. Through the loop device that it holds one sees the same file system. A second device on the image
   * would be a second file system to the kernel (btrfs's "temp fsid"): one without what the first has not written out
   * yet, and both would write into one image.
   */
  async #mount(): Promise<void> {
    for (let held = await this.#loopDevice(); held !== null; held = await this.#loopDevice())
      try {
        return await this.#mountDevice(held);
      } catch (error) {
        // It may have been let go of between the two.
        if ((await this.#loopDevice()) === held) throw error;
      }
    const find = ['--find', '--show'];
    // Without it every page stands in memory twice: for the file and for the file system in it.
    const device = (
      await run('attach a loop device', 'losetup', [...find, '--direct-io=on', this.#image]).catch(() =>
        run('attach a loop device', 'losetup', [...find, this.#image]),
      )
    ).trim();
    try {
      await this.#mountDevice(device);
    } finally {
      // Mounted, it stays until the file system is unmounted; a failed one goes now.
      await run('detach a loop device', 'losetup', ['--detach', device]);
    }
  }

  async #mountDevice(device: string): Promise<void> {
    await run(`mount ${this.#image}`, 'mount', ['-t', 'btrfs', '-o', MOUNT_OPTIONS, device, this.folder]);
  }

  /** The loop device that the image is attached to (null: none). */
  async #loopDevice(): Promise<string | null> {
    const options = ['--noheadings', '--output', 'NAME', '--associated', this.#image];
    const [device = ''] = (await run('list loop devices', 'losetup', options)).trim().split('\n');
    return device === '' ? null : device.trim();
  }

  async create(path: string): Promise<void> {
    await run(`create ${path}`, 'btrfs', ['subvolume', 'create', path]);
  }

  async snapshot(from: string, to: string, options: { readOnly?: boolean } = {}): Promise<void> {
    const flags = options.readOnly ? ['-r'] : [];
    await run(`copy ${from}`, 'btrfs', ['subvolume', 'snapshot', ...flags, from, to]);
  }

  async setReadOnly(path: string): Promise<void> {
    await run(`close ${path}`, 'btrfs', ['property', 'set', '-ts', path, 'ro', 'true']);
  }

  /** Removes a subvolume, with those that a container made in it. */
  async delete(path: string): Promise<void> {
    this.#ids.delete(path);
    if (!existsSync(path)) return;
    const remove = () => run(`remove ${path}`, 'btrfs', ['subvolume', 'delete', path]);
    await remove().catch(async (error) => {
      const inner = await this.#inside(path);
      if (inner.length === 0) throw error;
      for (const one of inner) await run(`remove ${one}`, 'btrfs', ['subvolume', 'delete', one]);
      await remove();
    });
  }

  /** Subvolumes below a path, the deepest first. */
  async #inside(path: string): Promise<string[]> {
    const list = await run('list subvolumes', 'btrfs', ['subvolume', 'list', this.folder]);
    return list
      .split('\n')
      .flatMap((line) => / path (.+)$/.exec(line)?.[1] ?? [])
      .map((name) => join(this.folder, name))
      .filter((one) => one.startsWith(`${path}/`))
      .sort((a, b) => b.length - a.length);
  }

  async limit(path: string, bytes: number): Promise<void> {
    await run(`limit ${path}`, 'btrfs', ['qgroup', 'limit', bytes === 0 ? 'none' : String(bytes), path]);
  }

  /** A program for each look at each container would take seconds on a busy machine. */
  async #idOf(path: string): Promise<string> {
    const { dev } = await stat(path);
    const known = this.#ids.get(path);
    // The kernel gives every subvolume a device of its own as long as it is in use.
    if (known?.dev === dev) return known.id;
    const id = (await run(`look at ${path}`, 'btrfs', ['inspect-internal', 'rootid', path])).trim();
    this.#ids.set(path, { dev, id });
    return id;
  }

  /** Bytes that a subvolume refers to, and its limit (null: none). */
  async usage(path: string): Promise<{ used: number; limit: number | null }> {
    const id = await this.#idOf(path);
    const group = `/sys/fs/btrfs/${this.#id}/qgroups`;
    const read = async (name: string) =>
      Number((await readFile(join(group, name), 'utf8').catch(() => '0')).trim());
    if ((await read('inconsistent')) === 1)
      run('count anew', 'btrfs', ['quota', 'rescan', this.folder]).catch(() => {});
    const limit = await read(`0_${id}/max_referenced`);
    return { used: await read(`0_${id}/referenced`), limit: limit === 0 ? null : limit };
  }
}

/** Whether something is mounted on a folder. */
async function isMounted(folder: string): Promise<boolean> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch((error: Error) => {
    throw new RuntimeFailure(`Unable to see what is mounted: ${error.message}`);
  });
  const escaped = folder.replaceAll('\\', '\\134').replaceAll(' ', '\\040');
  return table.split('\n').some((line) => line.split(' ')[4] === escaped);
}
