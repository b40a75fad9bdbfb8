import type { Params } from '../schema/api-schema.ts';

/** How a task ended. */
interface Ended {
  readonly exitStatus: string;
  readonly log: readonly string[];
}

/** A lock that a request, or the task that it started, did not get. */
export interface Lock {
  /**
   * `file` a lock file of the node (PVE::Tools::lock_file: a guest's configuration, a local storage) · `cluster` a
   * directory of pmxcfs (PVE::Cluster: shared storages, HA, users, jobs) · `guest` the word "lock" in a guest's
   * configuration (PVE::AbstractConfig::check_lock) · `backup` the one vzdump of a node (PVE::VZDump::getlock).
   */
  readonly kind: 'file' | 'cluster' | 'guest' | 'backup';
  /** The file, the lock's id, or the word. Empty when Proxmox names none. */
  readonly name: string;
  /** Whether it goes by itself, as a rule: then it is waited for. */
  readonly passes: boolean;
  /** What to do when it does not go. */
  readonly hint: string;
}

/** The words that a container's configuration may hold (PVE::LXC::Config, "lock"), and what each takes to go. */
const GUEST_LOCKS: Readonly<Record<string, { readonly passes: boolean; readonly hint: string }>> = {
  backup: {
    passes: true,
    hint: 'A backup is made of it. An aborted backup leaves this lock, which only "pct unlock" on the node removes.',
  },
  create: {
    passes: true,
    hint: 'It is being made or restored. A node that went down meanwhile leaves this lock: "pct unlock", then "pct destroy".',
  },
  destroyed: {
    passes: false,
    hint: 'Its removal stopped half way and its disks are gone: "pct unlock", then "pct destroy" on the node.',
  },
  disk: { passes: true, hint: 'A disk of it is copied or moved; left behind: "pct unlock" on the node.' },
  fstrim: { passes: true, hint: 'Its disks are trimmed; left behind: "pct unlock" on the node.' },
  migrate: {
    passes: true,
    hint: 'It is on its way to another node; left behind: "pct unlock" on the node.',
  },
  mounted: { passes: false, hint: 'Somebody has mounted its disk by hand: "pct unmount" on the node.' },
  rollback: { passes: true, hint: 'It goes back to a snapshot; left behind: "pct unlock" on the node.' },
  snapshot: { passes: true, hint: 'A snapshot of it is made; left behind: "pct unlock" on the node.' },
  'snapshot-delete': {
    passes: true,
    hint: 'A snapshot of it is removed; left behind: "pct unlock" on the node.',
  },
};

const BUSY = 'Something else works on the same thing; the task list of the node says what.';

/**
 * How Proxmox says that it did not get a lock, anywhere in a text: callers put words before it ("unable to create CT 300
 * - …", "create resource failed: …"). Not here, though they speak of locks: "no quorum!", which does not pass;
 * "'x'-locked command timed out", which means that the lock was held and the work given up half way; "trying to acquire
 * lock...", which only says that somebody waits; "can't lock file 'x' - can't open file", which is a full or broken disk.
 */
const TEXTS: readonly {
  readonly text: RegExp;
  read(name: string): Omit<Lock, 'name'>;
}[] = [
  {
    text: /can't lock file '([^']*)' - got timeout/,
    read: () => ({ kind: 'file', passes: true, hint: BUSY }),
  },
  {
    text: /cfs-lock '([^']*)' error: got lock (?:request )?timeout/,
    read: () => ({ kind: 'cluster', passes: true, hint: BUSY }),
  },
  {
    text: /\b(?:CT|VM) is locked(?: \(([\w-]*)\)|$)/m,
    read: (name) => ({ kind: 'guest', ...(GUEST_LOCKS[name] ?? { passes: true, hint: BUSY }) }),
  },
  {
    text: /can't acquire lock '([^']*vzdump[^']*)' (?:\(wait = 0\)|- got timeout)/,
    read: () => ({
      kind: 'backup',
      passes: true,
      hint: 'A node makes one backup after the other; look for one that hangs in its task list.',
    }),
  },
];

/** The lock that a text of Proxmox names; null when it names none. */
export function lockIn(text: string): Lock | null {
  for (const { text: pattern, read } of TEXTS) {
    const match = pattern.exec(text);
    if (match) return { ...read(match[1] ?? ''), name: match[1] ?? '' };
  }
  return null;
}

/** Endings that only say that something failed; what it was stands in the log. */
const VAGUE = /: exit code \d+$|^job errors$|^migration aborted$|^startup for container '\d+' failed$/;
/** How far from its end a log is read for a lock. Further up it is what somebody else met. */
const LOG_LINES = 12;

/** The lock that a task failed on: by its exit status, or by the end of its log where the status says nothing. */
export function lockOfTask({ exitStatus, log }: Ended): Lock | null {
  const own = lockIn(exitStatus);
  if (own || !VAGUE.test(exitStatus.trim())) return own;
  for (const line of log.slice(-LOG_LINES).toReversed()) {
    const found = lockIn(line);
    if (found) return found;
  }
  return null;
}

/** The task that met a lock. */
export interface MetInTask extends Ended {
  /** Of the UPID: `vzcreate`. */
  readonly type: string;
  /** Of the request that started it. */
  readonly params: Params;
}

/**
 * What a task that met a lock leaves behind so that the same request must not be sent again; null when it leaves
 * nothing, as nearly all do: they take the lock first, or take back what they did (a container that could not get its
 * disk is removed by Proxmox, its id free again).
 */
export function leftBehind(lock: Lock, { type, params, log }: MetInTask): string | null {
  switch (type) {
    case 'vzcreate':
    case 'vzrestore':
      // PVE::API2::LXC writes the configuration before the task; what fails within is taken back, this is before it.
      return lock.kind === 'file' && /pve-config-\d+\.lock$/.test(lock.name) && !params.force
        ? 'An empty configuration with the lock "create" is left behind: "pct unlock", then "pct destroy" on the node.'
        : null;
    case 'vzmigrate':
      return log.some((line) => line.includes('aborting phase 1'))
        ? 'Copies of its disks may be left on the other node, and are not to become two.'
        : null;
    case 'vzdump':
      return params.all ||
        params.pool ||
        String(params.vmid ?? '').includes(',') ||
        Array.isArray(params.vmid)
        ? 'The other containers of this backup were saved already.'
        : null;
    case 'vzrollback':
    case 'vzdelsnapshot':
      return lock.kind === 'cluster' || lock.name.includes('pve-storage-')
        ? 'The container keeps the lock of what was begun: "pct unlock" on the node.'
        : null;
    default:
      return null;
  }
}
