import type { Readable, Writable } from 'node:stream';
import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';

/** A network card of a container, as its configuration has it. */
export interface NetworkCard {
  /** `eth0` */
  readonly name: string;
  readonly hwaddr: string;
  /** `vmbr0` */
  readonly bridge: string;
  /** 802.1Q tag; null: untagged. */
  readonly vlan: number | null;
  /** `10.0.20.11/24`; null: none. */
  readonly address: string | null;
  readonly gateway: string | null;
  /** Its cable is out. */
  readonly isUnplugged?: boolean;
}

/** What a container needs to run. */
export interface RunSpec {
  readonly id: number;
  readonly node: string;
  readonly hostname: string;
  readonly searchDomain: string | null;
  readonly nameservers: readonly string[];
  /** Folder of its root file system on the machine. */
  readonly rootfs: string;
  /** Folders of the machine that it sees at paths of its own. */
  readonly mounts?: readonly {
    readonly folder: string;
    readonly path: string;
    readonly isReadOnly: boolean;
  }[];
  readonly unprivileged: boolean;
  readonly nesting: boolean;
  readonly cards: readonly NetworkCard[];
  readonly limits: Limits;
}

/** MiB and CPU cores; `cores` null: all of the node. */
export interface Limits {
  readonly memoryMb: number;
  readonly swapMb: number;
  readonly cores: number | null;
}

/** A container as the machine sees it. Bytes, seconds. */
export interface RunState {
  readonly state: 'running' | 'stopped' | 'frozen';
  /** Process id of its init on the machine; null: stopped. */
  readonly pid: number | null;
  readonly uptime: number;
  readonly memory: number;
  readonly swap: number;
  /** CPU time used since the start, in seconds. */
  readonly cpuSeconds: number;
  readonly netIn: number;
  readonly netOut: number;
}

/** A container that does not run. */
export const STOPPED: RunState = {
  state: 'stopped',
  pid: null,
  uptime: 0,
  memory: 0,
  swap: 0,
  cpuSeconds: 0,
  netIn: 0,
  netOut: 0,
};

/** How a program is run in a container. */
export interface ExecOptions {
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  readonly signal?: AbortSignal;
}

/** Where `pct exec` finds programs in a container: nothing of `/usr/local` (PVE::CLIHandler). */
export const GUEST_PATH = '/sbin:/bin:/usr/sbin:/usr/bin';

/** How a node's shell gets into a running container without asking the daemon. `%` stands for the id. */
export interface DirectAccess {
  /** A file that has a line as long as the container runs. */
  readonly probe: string;
  /** Command that runs what follows it in the container: `--keep-env` or `--clear-env`, `--`, program and arguments. */
  readonly attach: readonly string[];
}

/** What could not be done; the message is what the task's log shows. */
export class RuntimeFailure extends Error {
  override name = 'RuntimeFailure';
}

/**
 * Runs containers: real LXC, or a fake for machines without root. Both pass one contract suite. Every method may be
 * called again after a crash of the caller: what is running is found by asking the machine, not by memory.
 */
export interface ContainerRuntime {
  /** Boots it, and answers when its init runs. @throws RuntimeFailure when it does not come up */
  start(spec: RunSpec): Promise<void>;
  /** Takes the identity out of a new root file system, as Proxmox VE does after it is unpacked or copied. */
  forgetMachine(rootfs: string, from: 'template' | 'clone'): Promise<void>;
  /** Asks init to end, and answers when it has. @throws RuntimeFailure after the time */
  shutdown(node: string, id: number, timeoutMs: number): Promise<void>;
  /** Ends it at once. Nothing happens to a stopped one. */
  stop(node: string, id: number): Promise<void>;
  freeze(node: string, id: number): Promise<void>;
  unfreeze(node: string, id: number): Promise<void>;
  state(node: string, id: number): Promise<RunState>;
  /** Ids that run (or are frozen) on a node. */
  running(node: string): Promise<readonly number[]>;
  /** Changes the limits of a running one. */
  setLimits(node: string, id: number, limits: Limits): Promise<void>;
  /** Runs a program in a running one. @returns its exit code; 128 + signal when one ended it */
  exec(node: string, id: number, argv: readonly string[], options?: ExecOptions): Promise<number>;
  /** Cards with their addresses, as the container itself sees them. */
  interfaces(
    node: string,
    id: number,
  ): Promise<readonly { name: string; hwaddr: string; inet: string | null }[]>;
  /** The node loses power: everything on it is gone at once. */
  killNode(node: string): Promise<void>;
}

/** Where a volume is: storage and name, as in `local-lvm:vm-101-disk-0`. */
export interface VolumeId {
  readonly storage: string;
  readonly name: string;
}

/** A file that goes into an archive, as `etc/vzdump/pct.conf`. */
export interface AddedFile {
  /** From the root of the archive, without a slash before it. */
  readonly path: string;
  readonly text: string;
}

/** Which part of an archive a volume gets: what lies below a path (`srv/data`), or all but what lies below some. */
export interface ArchivePart {
  readonly below?: string;
  readonly without?: readonly string[];
}

/** Another volume of a container, and where it lies in it: `srv/data`. */
export interface MountedVolume {
  readonly path: string;
  readonly volume: VolumeId;
}

/**
 * Root file systems and files of the storages. A local storage has a content of its own on every node, so every
 * method says the node that acts.
 */
export interface VolumeStore {
  /** Makes a volume: from an archive (`.tar`, `.tar.zst`, `.tar.gz`), shifted to the ids of unprivileged containers, or empty. */
  create(
    node: string,
    volume: VolumeId,
    options: {
      readonly archive: string | null;
      /** All of the archive unless told otherwise. */
      readonly part?: ArchivePart;
      readonly unprivileged: boolean;
      readonly sizeBytes: number;
    },
  ): Promise<void>;
  /** Folder of the volume on the machine. @throws RuntimeFailure when there is none */
  path(node: string, volume: VolumeId): Promise<string>;
  exists(node: string, volume: VolumeId): Promise<boolean>;
  /** Names of all volumes that a node has on a storage. */
  list(node: string, storage: string): Promise<readonly string[]>;
  remove(node: string, volume: VolumeId): Promise<void>;
  resize(node: string, volume: VolumeId, sizeBytes: number): Promise<void>;
  usage(node: string, volume: VolumeId): Promise<{ readonly used: number; readonly size: number }>;
  /** A copy of its own, at once where the storage can. */
  copy(from: { node: string; volume: VolumeId }, to: { node: string; volume: VolumeId }): Promise<void>;
  snapshot(node: string, volume: VolumeId, name: string): Promise<void>;
  rollback(node: string, volume: VolumeId, name: string): Promise<void>;
  removeSnapshot(node: string, volume: VolumeId, name: string): Promise<void>;
  /**
   * Writes the volume (or a snapshot of it) as a tar with unshifted ids, after the files that are added to it; then the
   * volumes that are mounted in it, or their snapshots of that name.
   */
  pack(
    node: string,
    volume: VolumeId,
    snapshot: string | null,
    to: Writable,
    add?: readonly AddedFile[],
    mounts?: readonly MountedVolume[],
  ): Promise<number>;
  /** Takes in a folder storage that someone made by the API: it has its room on the disk of one that was there. */
  adopt(storage: string, shared: boolean): Promise<void>;
  /** Folder that holds files of a kind (`vztmpl` → `<root>/template/cache`, `backup` → `<root>/dump`, as Proxmox lays them out). */
  folder(
    node: string,
    storage: string,
    content: 'vztmpl' | 'backup' | 'iso' | 'snippets' | 'import',
  ): Promise<string>;
  /** Bytes of a storage on a node. */
  space(
    node: string,
    storage: string,
  ): Promise<{ readonly total: number; readonly used: number; readonly available: number }>;
  /** Fills a storage of a node up to a share of its size (0 takes the filling away). */
  fill(node: string, storage: string, share: number): Promise<void>;
}

/** The lab's wires. */
export interface LabNetwork {
  /** Makes what is missing and applies the inventory's flows and names anew; again after each change of them. */
  up(inventory: Inventory, site: Site): Promise<void>;
  /** Removes everything, whoever made it. */
  down(): Promise<void>;
  /** Power of a node's cards: down cuts its containers and itself off from everything. */
  setNode(node: string, up: boolean): Promise<void>;
  /** Cuts a node off from the others and the router; its containers still see one another. */
  partition(node: string): Promise<void>;
  heal(node: string): Promise<void>;
  /** Nodes that are cut off now, also those that an earlier process cut. */
  partitioned(): readonly string[];
  /** Whether two nodes reach each other now (their cluster link). */
  linked(a: string, b: string): Promise<boolean>;
  /** The network namespace that a node's containers are started in, and the name of the bridge for a VLAN in it. */
  attachment(
    node: string,
    bridge: string,
    vlan: number | null,
  ): { readonly namespace: string; readonly link: string };
}
