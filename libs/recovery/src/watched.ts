import { newestFirst, type ShelvedBackup } from './shelf.ts';

/** What is known of a backup when it is judged whether all is well. */
export interface WatchedBackup extends Pick<ShelvedBackup, 'id' | 'series' | 'run' | 'state' | 'tier'> {
  /** When it was begun; ISO 8601. */
  readonly at: string;
  readonly bytes: number;
  readonly duration_ms: number | null;
  /** When it was restored, and what came of it was right; ISO 8601. Null: never. */
  readonly proven_at: string | null;
  /** The last attempt to restore it went wrong; null: it did not, or there was none. */
  readonly failed: { readonly at: string; readonly why: string | null } | null;
  /** A Proxmox Backup Server or pgBackRest's repository has it, which is copied by a way of its own. */
  readonly is_synced: boolean;
}

/** A good copy outside the site. */
export interface WatchedCopy {
  readonly id: string;
  readonly series: string;
  /** When the backup was begun; ISO 8601. */
  readonly at: string;
  /** The rclone remote that has it, or the storage of a backup server outside. */
  readonly remote: string;
}

/** What came of a drill; `ok` null: it did not come to its end. */
export interface WatchedDrill {
  readonly what: string;
  /** When it was begun; ISO 8601. */
  readonly at: string;
  readonly ok: boolean | null;
  /** Why it failed. */
  readonly why: string | null;
}

/** What pgBackRest says of the write-ahead log in its repository. */
export interface WatchedWal {
  /** The last segment that arrived, and when; null: none has. */
  readonly lastArchived: { readonly wal: string; readonly at: string } | null;
  /** A segment between two that are there is missing. */
  readonly gap: boolean;
  /** Bytes that are written and not yet archived; null: not known. */
  readonly lagBytes: number | null;
}

/** What a standby site that follows has said of itself when it asked for the log last. */
export interface WatchedStandby {
  /** ISO 8601; null: nobody has asked yet. */
  readonly asked_at: string | null;
  /** Its database follows; it takes writes; there is none, or it is being made. */
  readonly role: 'standby_leader' | 'primary' | 'none';
  /** The last commit of this site that its database has; ISO 8601, null: it has seen none. */
  readonly replayed_at: string | null;
  /** Bytes of the log that it has and that its database has not taken over. */
  readonly behind_bytes: number;
}

/** All that is known at a moment. Null: it was not asked, or did not answer, and nothing is said of it. */
export interface Watched {
  readonly backups: readonly WatchedBackup[];
  readonly copies: readonly WatchedCopy[] | null;
  readonly drills: readonly WatchedDrill[] | null;
  readonly wal: WatchedWal | null;
  readonly standby: WatchedStandby | null;
}

/** Backups that may stand for one another, in figures. */
export interface SeriesFigures {
  readonly series: string;
  readonly newest_good: WatchedBackup | null;
  /** The newest of those that were restored. */
  readonly newest_proven: WatchedBackup | null;
  /** When one of them was last restored; ISO 8601. */
  readonly last_proof_at: string | null;
  /** When the newest that has a good copy outside was begun; null: none has, or nobody asked. */
  readonly newest_outside_at: string | null;
  readonly backups: readonly WatchedBackup[];
}

/** Clocks of machines that are in order lie no further apart. */
export const CLOCK_SLACK_MS = 5 * 60_000;

/** It is there, as far as anybody can tell: one whose storage was not asked counts. */
export const isGood = ({ state }: Pick<WatchedBackup, 'state'>): boolean =>
  state === 'good' || state === 'elsewhere';

/**
 * The figures of each series, by name. One that is dated in the future counts nowhere as the newest: nobody knows how old
 * it is.
 * @param expected series that have figures also where there is no backup of them
 */
export function seriesFigures(
  { backups, copies }: Pick<Watched, 'backups' | 'copies'>,
  expected: readonly string[],
  now: number,
): readonly SeriesFigures[] {
  const by = Map.groupBy(backups.toSorted(newestFirst), ({ series }) => series);
  const names = new Set([...expected, ...by.keys()]);
  return [...names].toSorted().map((series): SeriesFigures => {
    const all = by.get(series) ?? [];
    const past = all.filter((one) => isGood(one) && !isFuture(one, now));
    const outside = (copies ?? []).filter((one) => one.series === series && !isFuture(one, now));
    const last = (moments: readonly string[]) => moments.toSorted().at(-1) ?? null;
    return {
      ...{ series, backups: all, newest_good: past[0] ?? null },
      newest_proven: past.find(({ proven_at }) => proven_at !== null) ?? null,
      last_proof_at: last(past.flatMap(({ proven_at }) => proven_at ?? [])),
      newest_outside_at: last(outside.map(({ at }) => at)),
    };
  });
}

/** Its clock, or this one, was wrong. */
export const isFuture = ({ at }: { readonly at: string }, now: number): boolean =>
  Date.parse(at) > now + CLOCK_SLACK_MS;
