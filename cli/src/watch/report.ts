import type { BackupReport } from '@psa/contracts/backups';
import type { BackupSummary, SummaryBackup } from '@psa/recovery/summary';
import type { Static } from 'typebox';

/** Longer texts are cut: a failure may say a lot. */
const MOST_CHARACTERS = 1_000;
const MOST_ROWS = 1_000;

/** A summary as the platform takes it. Pure. */
export function reportOf({ site, at, series, drills, findings }: BackupSummary): Static<typeof BackupReport> {
  return {
    ...{ site, at },
    series: series.slice(0, MOST_ROWS).map((one) => ({
      series: one.series,
      ...{ newest_good: backupOf(one.newest_good), newest_proven: backupOf(one.newest_proven) },
      ...{ last_proof_at: one.last_proof_at, newest_outside_at: one.newest_outside_at },
    })),
    drills: drills.map(({ what, at: began, ok, why }) => ({ what, at: began, ok, why: why && cut(why) })),
    findings: findings.slice(0, MOST_ROWS).map(({ kind, severity, series: of, figure, text }) => ({
      ...{ kind, severity, series: of, figure, text: cut(text) },
    })),
  };
}

const backupOf = (one: SummaryBackup | null) => one && { id: one.id, at: one.at, bytes: one.bytes };
const cut = (text: string) => text.replaceAll('\0', '').slice(0, MOST_CHARACTERS);
