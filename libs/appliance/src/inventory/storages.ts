/** What a kind of storage can do for containers, in the words of Proxmox. */
export interface StorageKind {
  /** What it may hold at all (`plugindata` of its plugin). A disk of a container is `rootdir`. */
  readonly content: readonly ('rootdir' | 'images' | 'vztmpl' | 'iso' | 'backup' | 'snippets')[];
  /** The fields that the inventory must have for it. */
  readonly needs: readonly ('path' | 'pool' | 'server' | 'export' | 'share' | 'datastore' | 'username')[];
  /**
   * How a container's disk lies there (PVE::LXC alloc_disk): a `file` with ext4 in it, a block `device` with ext4, a
   * `dataset` whose size is a quota. Null: it holds none.
   */
  readonly disk: 'file' | 'device' | 'dataset' | null;
  /**
   * Whether a container's disk there can have snapshots (`volume_has_feature`): files cannot, for they are raw. Then
   * `vzdump --mode snapshot` suspends a running container instead, and there is no rollback.
   */
  readonly snapshots: boolean;
  /** Whether all nodes see the same: never, always, or as its `shared` says. What is not shared is copied in a move. */
  readonly shared: 'never' | 'always' | 'flag';
  /**
   * What of a container's disk a move to another node copies, where nodes do not share it (PVE::LXC::Migrate): the disk
   * `alone`, so that one with snapshots is refused, or `with-snapshots`. Null: nothing, a disk that is not shared stays.
   */
  readonly move: 'alone' | 'with-snapshots' | null;
  /** A disk's size is a multiple of this, in KiB: what is asked for is rounded up. */
  readonly stepKb: number;
  /** Whether it opens with a password, which no inventory holds: it is added by hand. */
  readonly hasPassword: boolean;
}

const FILES = ['rootdir', 'images', 'vztmpl', 'iso', 'backup', 'snippets'] as const;
const DISKS = ['rootdir', 'images'] as const;
/** The usual size of an LVM extent. */
const EXTENT_KB = 4_096;
/** Where disks are plain files. */
const FILE = { disk: 'file', snapshots: false, stepKb: 1, hasPassword: false } as const;
/** What a server gives to all nodes. */
const SERVED = { shared: 'always', move: null } as const;

/** The storages of Proxmox VE (PVE::Storage::*Plugin, 8.4 and 9 alike): the one table that checks, plans, doctor and lab read. */
export const STORAGE_KINDS = {
  dir: { ...FILE, content: FILES, needs: ['path'], shared: 'flag', move: 'alone' },
  btrfs: {
    ...{ ...FILE, content: FILES, needs: ['path'], snapshots: true },
    ...{ shared: 'never', move: 'with-snapshots' },
  },
  nfs: { ...FILE, ...SERVED, content: FILES, needs: ['server', 'export'] },
  cifs: { ...FILE, ...SERVED, content: FILES, needs: ['server', 'share', 'username'], hasPassword: true },
  cephfs: { ...FILE, ...SERVED, content: ['vztmpl', 'iso', 'backup', 'snippets'], needs: [], disk: null },
  lvm: {
    ...{ content: DISKS, needs: ['pool'], disk: 'device', snapshots: false, hasPassword: false },
    ...{ shared: 'flag', move: 'alone', stepKb: EXTENT_KB },
  },
  lvmthin: {
    ...{ content: DISKS, needs: ['pool'], disk: 'device', snapshots: true, hasPassword: false },
    ...{ shared: 'never', move: 'alone', stepKb: EXTENT_KB },
  },
  zfspool: {
    ...{ content: DISKS, needs: ['pool'], disk: 'dataset', snapshots: true, hasPassword: false },
    ...{ shared: 'never', move: 'with-snapshots', stepKb: 1 },
  },
  rbd: {
    ...SERVED,
    ...{ content: DISKS, needs: ['pool'], disk: 'device', snapshots: true, hasPassword: false },
    stepKb: 1_024,
  },
  pbs: {
    ...{ ...FILE, ...SERVED, content: ['backup'], needs: ['server', 'datastore', 'username'] },
    ...{ disk: null, hasPassword: true },
  },
} as const satisfies Readonly<Record<string, StorageKind>>;
export type StorageType = keyof typeof STORAGE_KINDS;

/** Every kind, in the order of the table. */
export const STORAGE_TYPES = Object.keys(STORAGE_KINDS) as StorageType[];

/** What the table says of a kind; null: Proxmox has it and psactl does not know it (`iscsi`, a plugin of others). */
export const storageKind = (type: string): StorageKind | null =>
  STORAGE_TYPES.some((one) => one === type) ? STORAGE_KINDS[type as StorageType] : null;

/** Whether a container's disk there can have snapshots. */
export const canSnapshot = (type: StorageType): boolean => STORAGE_KINDS[type].snapshots;

/** Whether a kind of storage may hold something at all. */
export const mayHold = (type: StorageType, content: StorageKind['content'][number]): boolean =>
  (STORAGE_KINDS[type].content as readonly string[]).includes(content);

/** By how much a disk may be larger than was asked for, in GiB; of a kind that is not known, as of the coarsest. */
export const stepGb = (type: string | undefined): number =>
  (storageKind(type ?? '')?.stepKb ?? Math.max(...Object.values(STORAGE_KINDS).map(({ stepKb }) => stepKb))) /
  1024 ** 2;
