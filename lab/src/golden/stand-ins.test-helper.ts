import { cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import {
  type AddedFile,
  type ContainerRuntime,
  type Limits,
  type MountedVolume,
  type RunSpec,
  type RunState,
  RuntimeFailure,
  type VolumeId,
  type VolumeStore,
} from '../ports.ts';
import { forgetMachine } from '../runtime/machine-id.ts';
import { pack, unpack } from '../storage/archive.ts';
import { Layout, type StoreOptions } from '../storage/layout.ts';

const STOPPED: RunState = {
  ...{ state: 'stopped', pid: null, uptime: 0, memory: 0, swap: 0, cpuSeconds: 0, netIn: 0, netOut: 0 },
};

/** Guests that only remember whether they run. Some do not listen when they are asked to end. */
export class RememberedGuests implements ContainerRuntime {
  readonly forgetMachine = forgetMachine;
  /** Guests that no shutdown ends, as the first template of the recording made them. */
  readonly deaf = new Set<number>();
  /** Guests that do not come up. */
  readonly broken = new Set<number>();
  readonly #running = new Map<string, { since: number; pid: number; frozen: boolean; spec: RunSpec }>();
  #pid = 2000;

  async start(spec: RunSpec): Promise<void> {
    if (this.broken.has(spec.id)) throw new RuntimeFailure('it did not come up');
    const key = `${spec.node}/${spec.id}`;
    if (!this.#running.has(key))
      this.#running.set(key, { since: Date.now(), pid: ++this.#pid, frozen: false, spec });
  }

  async shutdown(node: string, id: number, timeoutMs: number): Promise<void> {
    if (this.deaf.has(id)) {
      await new Promise((resolve) => setTimeout(resolve, timeoutMs / 100).unref());
      throw new RuntimeFailure('it did not end in time');
    }
    this.#running.delete(`${node}/${id}`);
  }

  async stop(node: string, id: number): Promise<void> {
    this.#running.delete(`${node}/${id}`);
  }

  async freeze(node: string, id: number): Promise<void> {
    this.#need(node, id).frozen = true;
  }

  async unfreeze(node: string, id: number): Promise<void> {
    this.#need(node, id).frozen = false;
  }

  async state(node: string, id: number): Promise<RunState> {
    const guest = this.#running.get(`${node}/${id}`);
    if (!guest) return STOPPED;
    return {
      ...STOPPED,
      ...{ state: guest.frozen ? 'frozen' : 'running', pid: guest.pid, memory: 900_000 },
      uptime: Math.floor((Date.now() - guest.since) / 1000),
    };
  }

  async running(node: string): Promise<readonly number[]> {
    return [...this.#running.keys()]
      .filter((key) => key.startsWith(`${node}/`))
      .map((key) => Number(key.split('/')[1]));
  }

  async setLimits(node: string, id: number, _: Limits): Promise<void> {
    this.#need(node, id);
  }

  async exec(node: string, id: number): Promise<number> {
    this.#need(node, id);
    return 0;
  }

  async interfaces(node: string, id: number) {
    const { spec } = this.#need(node, id);
    return [
      { name: 'lo', hwaddr: '00:00:00:00:00:00', inet: null },
      ...spec.cards.map(({ name, hwaddr, address }) => ({ name, hwaddr, inet: address })),
    ];
  }

  async killNode(node: string): Promise<void> {
    for (const id of await this.running(node)) this.#running.delete(`${node}/${id}`);
  }

  #need(node: string, id: number) {
    const guest = this.#running.get(`${node}/${id}`);
    if (!guest) throw new RuntimeFailure(`CT ${id} not running`);
    return guest;
  }
}

/** Volumes as plain folders. */
export class FolderStore implements VolumeStore {
  readonly #layout: Layout;
  readonly #sizes = new Map<string, number>();

  constructor(options: StoreOptions) {
    this.#layout = new Layout(options);
  }

  async create(node: string, volume: VolumeId, options: Parameters<VolumeStore['create']>[2]): Promise<void> {
    const folder = this.#layout.volume(node, volume);
    if (await isThere(folder)) throw new RuntimeFailure(`volume '${printed(volume)}' already exists`);
    await mkdir(folder, { recursive: true });
    this.#sizes.set(folder, options.sizeBytes);
    try {
      if (options.archive !== null) await unpack(options.archive, folder, 'mine', options.part);
    } catch (error) {
      await rm(folder, { recursive: true });
      throw error;
    }
  }

  async path(node: string, volume: VolumeId): Promise<string> {
    const folder = this.#layout.volume(node, volume);
    if (!(await isThere(folder))) throw new RuntimeFailure(`volume '${printed(volume)}' does not exist`);
    return folder;
  }

  async exists(node: string, volume: VolumeId): Promise<boolean> {
    return isThere(this.#layout.volume(node, volume));
  }

  async adopt(storage: string, shared: boolean): Promise<void> {
    this.#layout.adopt(storage, shared);
  }

  async list(node: string, storage: string): Promise<readonly string[]> {
    return this.#layout.volumes(node, storage);
  }

  async remove(node: string, volume: VolumeId): Promise<void> {
    await rm(this.#layout.volume(node, volume), { recursive: true, force: true });
  }

  async resize(node: string, volume: VolumeId, sizeBytes: number): Promise<void> {
    this.#sizes.set(await this.path(node, volume), sizeBytes);
  }

  async usage(node: string, volume: VolumeId) {
    return { used: 2_000_000, size: this.#sizes.get(await this.path(node, volume)) ?? 0 };
  }

  async copy(
    from: { node: string; volume: VolumeId },
    to: { node: string; volume: VolumeId },
  ): Promise<void> {
    const source = await this.path(from.node, from.volume);
    const target = this.#layout.volume(to.node, to.volume);
    await cp(source, target, { recursive: true, errorOnExist: true, force: false });
    this.#sizes.set(target, this.#sizes.get(source) ?? 0);
  }

  async snapshot(node: string, volume: VolumeId, name: string): Promise<void> {
    const source = await this.path(node, volume);
    await cp(source, this.#layout.snapshot(node, volume, name), { recursive: true });
  }

  async rollback(node: string, volume: VolumeId, name: string): Promise<void> {
    const kept = this.#layout.snapshot(node, volume, name);
    if (!(await isThere(kept))) throw new RuntimeFailure(`snapshot '${name}' does not exist`);
    const folder = await this.path(node, volume);
    await rm(folder, { recursive: true });
    await cp(kept, `${folder}.draft`, { recursive: true });
    await rename(`${folder}.draft`, folder);
  }

  async removeSnapshot(node: string, volume: VolumeId, name: string): Promise<void> {
    const kept = this.#layout.snapshot(node, volume, name);
    if (!(await isThere(kept))) throw new RuntimeFailure(`snapshot '${name}' does not exist`);
    await rm(kept, { recursive: true });
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

  async folder(
    node: string,
    storage: string,
    content: 'vztmpl' | 'backup' | 'iso' | 'snippets' | 'import',
  ): Promise<string> {
    const folder = this.#layout.content(node, storage, content);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  async space() {
    return { total: 100e9, used: 1e9, available: 99e9 };
  }

  async fill(): Promise<void> {}
}

const printed = (volume: VolumeId) => `${volume.storage}:${volume.name}`;
const isThere = (path: string): Promise<boolean> => stat(path).then(Boolean, () => false);
