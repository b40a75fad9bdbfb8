import { type StorageType, storageKind } from '@psa/appliance/inventory/storages';
import { failure } from '../errors.ts';
import type { VolumeId } from '../ports.ts';
import type { ClusterFiles } from './cluster-files.ts';

/** A storage of the cluster, as `storage.cfg` has it. */
export interface StorageConf {
  readonly name: string;
  readonly type: StorageType;
  readonly shared: boolean;
  readonly content: readonly string[];
  readonly path?: string;
  /** Nodes that have it; all when absent. */
  readonly nodes?: readonly string[];
  /** `keep-last=3`: what a backup leaves standing unless it says otherwise. */
  readonly pruneBackups?: string;
  readonly isDisabled?: boolean;
  /** Everything that was said of it, for who asks; absent: what the fields above say. */
  readonly options?: Readonly<Record<string, string>>;
}

/** What `storage.cfg` says of storages that someone made, changed or took away (null). */
type Changes = Readonly<Record<string, Readonly<Record<string, string>> | null>>;

const FILE = 'storage.json';
/** Whether all nodes have it at once, without being told. */
const isServed = (type: string): boolean => storageKind(type)?.shared === 'always';

/** A storage by its options. */
function confOf(name: string, options: Readonly<Record<string, string>>): StorageConf {
  const listed = (text: string) => text.split(/[,;\s]+/).filter((one) => one !== '');
  const { type = 'dir', content = '', path, nodes, shared } = options;
  return {
    ...{ name, type: type as StorageType, options, content: listed(content) },
    shared: shared === '1' || isServed(type),
    ...(path === undefined ? {} : { path }),
    ...(nodes === undefined ? {} : { nodes: listed(nodes) }),
    ...(options['prune-backups'] === undefined ? {} : { pruneBackups: options['prune-backups'] }),
    ...(options.disable === '1' ? { isDisabled: true } : {}),
  };
}

/** The options of a storage, as its section of the file has them. */
export function storageOptions(conf: StorageConf): Readonly<Record<string, string>> {
  if (conf.options) return conf.options;
  return {
    ...{ type: conf.type, content: conf.content.join(',') },
    ...(conf.shared && !isServed(conf.type) ? { shared: '1' } : {}),
    ...(conf.path === undefined ? {} : { path: conf.path }),
    ...(conf.nodes === undefined ? {} : { nodes: conf.nodes.join(',') }),
    ...(conf.pruneBackups === undefined ? {} : { 'prune-backups': conf.pruneBackups }),
  };
}

/** The storages, and how volumes are called on them. */
export class Storages {
  readonly #given: readonly StorageConf[];
  readonly #files: ClusterFiles;
  #all: readonly StorageConf[] | null = null;

  constructor(given: readonly StorageConf[], files: ClusterFiles) {
    this.#given = given;
    this.#files = files;
  }

  /** Those of the inventory, with what was changed since; nobody else writes the file. */
  get all(): readonly StorageConf[] {
    if (this.#all !== null) return this.#all;
    const changes = this.#files.readJson<Changes>(FILE, {});
    // A node's own storage keeps every backup unless it is told otherwise.
    const given = this.#given.map((one) =>
      one.name === 'local' && one.pruneBackups === undefined ? { ...one, pruneBackups: 'keep-all=1' } : one,
    );
    this.#all = [
      ...given.filter((one) => !(one.name in changes)),
      ...Object.entries(changes).flatMap(([name, options]) =>
        options === null ? [] : [confOf(name, options)],
      ),
    ];
    return this.#all;
  }

  /** Writes what holds of a storage from now on; null: it is taken away. */
  change(name: string, options: Readonly<Record<string, string>> | null): void {
    this.#files.writeJson(FILE, { ...this.#files.readJson<Changes>(FILE, {}), [name]: options });
    this.#all = null;
  }

  /** @throws `storage 'nope' does not exist` */
  get(name: string): StorageConf {
    const found = this.all.find((one) => one.name === name);
    if (!found) throw failure(`storage '${name}' does not exist`);
    return found;
  }

  /** The storages that a node has. */
  on(node: string): readonly StorageConf[] {
    return this.all.filter((one) => !one.isDisabled && (one.nodes?.includes(node) ?? true));
  }

  /** Whether a node would have a storage of these options. */
  isOn(node: string, options: Readonly<Record<string, string>>): boolean {
    const { nodes, isDisabled } = confOf('', options);
    return !isDisabled && (nodes?.includes(node) ?? true);
  }

  /** A storage that a node has. @throws as Proxmox VE says it */
  onNode(node: string, name: string): StorageConf {
    const found = this.get(name);
    if (found.isDisabled) throw failure(`storage '${name}' is disabled`);
    if (!this.on(node).includes(found)) throw failure(`storage '${name}' is not available on node '${node}'`);
    return found;
  }

  /** Whether the storage can keep snapshots and linked clones of a container's disk. */
  canSnapshot(name: string): boolean {
    return storageKind(this.get(name).type)?.snapshots === true;
  }

  /** A volume in the words of a configuration: `shared:101/vm-101-disk-0.raw`, `local-lvm:vm-101-disk-0`. */
  print(volume: VolumeId): string {
    const vmid = ownerOf(volume);
    return storageKind(this.get(volume.storage).type)?.disk === 'file' && vmid !== null
      ? `${volume.storage}:${vmid}/${volume.name}${/\.(?:qcow2|vmdk|subvol)$/.test(volume.name) ? '' : '.raw'}`
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
