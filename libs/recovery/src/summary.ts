import { type Finding, findings, type WatchPolicy } from './health.ts';
import {
  seriesFigures,
  type Watched,
  type WatchedDrill,
  type WatchedStandby,
  type WatchedWal,
} from './watched.ts';

/** A backup in a summary. */
export interface SummaryBackup {
  readonly id: string;
  /** When it was begun; ISO 8601. */
  readonly at: string;
  readonly bytes: number;
  readonly duration_ms: number | null;
}

/** A series in a summary. */
export interface SummarySeries {
  readonly series: string;
  readonly newest_good: SummaryBackup | null;
  readonly newest_proven: SummaryBackup | null;
  /** When one of them was last restored, and what came of it was right; ISO 8601. */
  readonly last_proof_at: string | null;
  /** When the newest that has a good copy outside was begun; null: none has, or nobody asked. */
  readonly newest_outside_at: string | null;
  /** How many there are, good or not. */
  readonly count: number;
}

/** How the backups of a site were at a moment. */
export interface BackupSummary {
  /** Version of this form. */
  readonly summary: 1;
  /** `psa/main`; of a folder of the platform in one process: `embedded`. */
  readonly site: string;
  readonly at: string;
  readonly series: readonly SummarySeries[];
  /** The last of each drill. */
  readonly drills: readonly WatchedDrill[];
  readonly wal: WatchedWal | null;
  /** What the standby site said of itself last; null: none follows. */
  readonly standby: WatchedStandby | null;
  /** The worst first. */
  readonly findings: readonly Finding[];
}

/** What people and programs are told of the backups of a site. Pure. */
export function summarise(site: string, seen: Watched, policy: WatchPolicy, now: number): BackupSummary {
  const expected = policy.expected.map(({ series }) => series);
  const last = new Map<string, WatchedDrill>();
  for (const one of seen.drills ?? []) {
    const other = last.get(one.what);
    if (!other || one.at > other.at) last.set(one.what, one);
  }
  return {
    ...{ summary: 1, site, at: new Date(now).toISOString() },
    series: seriesFigures(seen, expected, now).map(
      ({ series, newest_good, newest_proven, last_proof_at, newest_outside_at, backups }) => ({
        ...{ series, newest_good: brief(newest_good), newest_proven: brief(newest_proven) },
        ...{ last_proof_at, newest_outside_at, count: backups.length },
      }),
    ),
    drills: [...last.values()].toSorted((a, b) => (a.what < b.what ? -1 : 1)),
    wal: seen.wal,
    standby: seen.standby,
    findings: findings(seen, policy, now),
  };
}

const brief = (one: SummaryBackup | null): SummaryBackup | null =>
  one && { id: one.id, at: one.at, bytes: one.bytes, duration_ms: one.duration_ms };
