import type { WalGap } from './wal.ts';

/** A copy of the whole database in pgBackRest's repository, as its `info` lists it. */
export interface BaseBackup {
  /** pgBackRest's own name: `20261130-020000F`, `20261130-020000F_20261201-020000D`. */
  readonly label: string;
  readonly type: 'full' | 'diff' | 'incr';
  /** ISO 8601. */
  readonly start: string;
  /** From this moment on the database can be had; ISO 8601. */
  readonly stop: string;
  /** Where the log stood when it began, and where it is whole. */
  readonly lsn: { readonly start: string; readonly stop: string };
  /** The first piece of the log that it needs. */
  readonly wal: string;
  /** Bytes of the database. */
  readonly content_bytes: number;
  /** Bytes that this one takes in the repository. */
  readonly bytes: number;
  /** Labels without which it cannot be restored. */
  readonly needs: readonly string[];
  /** A page of it has a wrong checksum. */
  readonly error: boolean;
  /** What whoever made it wrote on it. */
  readonly notes: Readonly<Record<string, string>>;
}

/** What a repository holds. */
export interface RepositoryInfo {
  /** 0: well; 1 and 3: the stanza is missing; 2: no backup yet (pgBackRest, `info`, "status"). */
  readonly code: number;
  readonly message: string;
  /** The newest last. */
  readonly backups: readonly BaseBackup[];
  /** Pieces of the log, the first and the last, and the folder that they are in (`15-1`); null: none. */
  readonly wal: { readonly id: string; readonly min: string; readonly max: string } | null;
}

interface RawBackup {
  readonly label: string;
  readonly type: BaseBackup['type'];
  readonly error?: boolean;
  readonly timestamp: { readonly start: number; readonly stop: number };
  readonly lsn?: { readonly start: string; readonly stop: string };
  readonly archive: { readonly start: string };
  readonly info: { readonly size: number; readonly repository: { readonly delta: number } };
  readonly reference?: readonly string[] | null;
  readonly annotation?: Readonly<Record<string, string>> | null;
}
interface RawStanza {
  readonly name: string;
  readonly status: { readonly code: number; readonly message: string };
  readonly backup?: readonly RawBackup[];
  readonly archive?: readonly {
    readonly id: string;
    readonly min: string | null;
    readonly max: string | null;
  }[];
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

/**
 * Reads what `pgbackrest info --output=json` prints.
 * @throws SyntaxError when it is none of that
 */
export function readRepositoryInfo(text: string, stanza: string): RepositoryInfo {
  const found = (JSON.parse(text) as readonly RawStanza[]).find(({ name }) => name === stanza);
  if (!found) return { code: 1, message: 'missing stanza path', backups: [], wal: null };
  // Of a database that was made anew there are several, the newest last.
  const archives = (found.archive ?? []).filter(({ max }) => max !== null);
  const newest = archives.at(-1);
  return {
    ...{ code: found.status.code, message: found.status.message },
    backups: (found.backup ?? []).map((one) => ({
      ...{ label: one.label, type: one.type, error: one.error ?? false },
      ...{ start: iso(one.timestamp.start), stop: iso(one.timestamp.stop) },
      lsn: one.lsn ?? { start: '', stop: '' },
      wal: one.archive.start,
      ...{ content_bytes: one.info.size, bytes: one.info.repository.delta },
      ...{ needs: one.reference ?? [], notes: one.annotation ?? {} },
    })),
    wal: newest?.min && newest.max ? { id: newest.id, min: newest.min, max: newest.max } : null,
  };
}

const DAY_MS = 86_400_000;

/**
 * Whether the next copy is of everything, or of what has changed since the last full one. A full one each week: what it
 * takes to restore stays short, and one bad full backup spoils no more than a week. Pure.
 */
export function baseBackupType(backups: readonly BaseBackup[], now: Date): 'full' | 'diff' {
  const fulls = backups.filter(({ type, error }) => type === 'full' && !error);
  // Some hours are given: who makes one each Sunday night is not punctual to the second.
  const isRecent = ({ stop }: BaseBackup) => now.getTime() - new Date(stop).getTime() < 6.5 * DAY_MS;
  return fulls.some(isRecent) ? 'diff' : 'full';
}

/** Between what moments the database can be had. */
export interface PitrWindow {
  /** ISO 8601; null: there is no copy to begin with. */
  readonly from: string | null;
  /** As far as the log in the repository surely reaches; ISO 8601. Null: not known. */
  readonly to: string | null;
}

/** @param archivedAt when the last piece of the log was handed over, as the primary says; null: it cannot be asked */
export function pitrWindow({ backups }: RepositoryInfo, archivedAt: string | null): PitrWindow {
  const good = backups.filter(({ error }) => !error);
  const stops = good.map(({ stop }) => stop).toSorted();
  const from = stops[0] ?? null;
  const newest = stops.at(-1) ?? null;
  return { from, to: archivedAt !== null && newest !== null && archivedAt < newest ? newest : archivedAt };
}

/** The copy that a restore begins with: the newest that was complete by then; null: none was. */
export const baseFor = ({ backups }: RepositoryInfo, at: Date): BaseBackup | null =>
  backups.filter(({ stop, error }) => !error && new Date(stop) <= at).at(-1) ?? null;

/** What is wrong with a repository. */
export interface RepositoryTrouble {
  /** The log: in pgBackRest's words; null: nothing. */
  readonly log: string | null;
  /** Copies that are damaged, by label: in pgBackRest's words. */
  readonly backups: Readonly<Record<string, string>>;
  /** Pieces of the log that are missing, by the copy that they are missing behind. */
  readonly gaps: ReadonlyMap<string, readonly WalGap[]>;
}

/**
 * What `pgbackrest verify --output=text` found wrong. It says nothing of what is right, and ends with 0 either way. That a
 * piece of the log is missing it does not see; `walGaps` does.
 */
export function readVerification(text: string): Pick<RepositoryTrouble, 'log' | 'backups'> {
  const backups: Record<string, string> = {};
  let log: string | null = null;
  // Of what the lines that follow are: an archive, a copy, or the whole.
  let of: string | null = null;
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '' || /^(stanza:|status:)/.test(line)) continue;
    const [, label, of_backup] = /^backup: (\S+), (.*)$/.exec(line) ?? [];
    if (label !== undefined) {
      of = label;
      backups[label] = of_backup!;
    } else if (of !== null && !line.startsWith('archiveId:')) backups[of] += `, ${line}`;
    else {
      of = null;
      log = log === null ? line : `${log}, ${line}`;
    }
  }
  return { log, backups };
}
