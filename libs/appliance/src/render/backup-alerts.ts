import type { Inventory } from '../inventory/schema.ts';
import { type Alert, alert } from '../parts/part.ts';

/** The container group whose timers make the backups and these figures. */
export const OPS_GROUP = 'ops';
/** Figures that are older are no news: they are written every few minutes. */
const STALE_SECONDS = 3600;

/**
 * What is wrong with the backups, as "psactl backup metrics" finds it: its rules stand in libs/recovery alone, and these
 * only wake people. Each has its section in backup/RUNBOOKS.md.
 */
export function backupAlerts({ containers }: Inventory): readonly Alert[] {
  const stale = `time() - max by (site) (psa_backup_metrics_timestamp_seconds) > ${STALE_SECONDS}`;
  const isTaken = containers.some(({ name }) => name === OPS_GROUP);
  return [
    finding('BackupMissing', 'critical', 'missing', {
      summary: 'There is no good backup of {{ $labels.series }} that is as new as it should be.',
      runbook: 'Run "psactl backup list", then "psactl backup run" and read what it says',
    }),
    finding('BackupDamaged', 'critical', 'damaged', {
      summary: 'The newest backup of {{ $labels.series }} is damaged, or its archive is gone.',
      runbook: 'Run "psactl backup verify" for what is left, then "psactl backup run"',
    }),
    finding('BackupIncomplete', 'warning', 'partial_run', {
      summary: 'The run {{ $labels.series }} left parts behind that did not come to their end.',
      runbook: 'Run "psactl backup run" again, and look for what killed the one before',
    }),
    finding('BackupTooSmall', 'warning', 'too_small', {
      summary: 'The newest backup of {{ $labels.series }} has less than half of what is usual.',
      runbook:
        'Look whether data are gone before the good ones are pruned: "psactl backup protect" one of them',
    }),
    finding('BackupUnproven', 'warning', 'unproven|drill_overdue', {
      summary: 'No backup of {{ $labels.series }} was restored for too long.',
      runbook: 'Run "psactl drill run"; see why the timer did not',
    }),
    finding('DrillFailed', 'critical', 'drill_failed|restore_failed', {
      summary: 'A backup of {{ $labels.series }} was restored and was not right, or was not restored at all.',
      runbook: 'Run "psactl drill report": it says what differs; take a new backup and drill it',
    }),
    finding('OffsiteBehind', 'warning', 'offsite_behind', {
      summary: 'The copy of {{ $labels.series }} outside is older than it should be.',
      runbook: 'Run "psactl offsite send" and read what the remote says',
    }),
    finding('WalGap', 'critical', 'wal_gap', {
      summary: 'A segment of the write-ahead log is missing in the archive.',
      runbook: 'Run "psactl backup run --only pitr": from that copy on any time can be restored again',
    }),
    finding('WalArchiveLag', 'critical', 'wal_lag', {
      summary: 'The write-ahead log does not arrive in the archive.',
      runbook:
        'Look at the log of PostgreSQL on the primary for archive_command, and at the room in the archive',
    }),
    finding('StandbySilent', 'critical', 'standby_silent', {
      summary: 'The standby site no longer asks for the log of the database.',
      runbook: 'Run "psactl dr status": it says since when, and what the standby says of it',
    }),
    finding('StandbyBehind', 'critical', 'standby_behind', {
      summary: 'The database of the standby site no longer follows.',
      runbook: 'Run "psactl dr status"; "psactl dr follow --anew" makes it anew',
    }),
    finding('BackupDatedInFuture', 'warning', 'clock', {
      summary: 'A backup of {{ $labels.series }} is dated in the future.',
      runbook:
        'Set the clock of the machine that made it right; nothing that is dated so counts or is pruned',
    }),
    ofBackup(
      'BackupDiskFilling',
      'warning',
      'max by (site, place) (psa_backup_free_bytes / psa_backup_size_bytes) < 0.1 or max by (site, place) (predict_linear(psa_backup_free_bytes[1d], 3 * 86400)) < 0',
      '1h',
      {
        summary: '{{ $labels.place }} has little room left for backups, or is full within three days.',
        runbook: 'Run "psactl backup prune --dry-run": it says what stays and why; keep less, or make room',
      },
    ),
    ofBackup(
      'BackupMetricsStale',
      'critical',
      isTaken ? `${stale} or absent(psa_backup_metrics_timestamp_seconds)` : stale,
      '15m',
      {
        summary:
          'Nobody has looked at the backups for more than an hour: what is wrong with them is not told.',
        runbook: 'Look at psa-metrics.service in the container ops, or run "psactl backup metrics" by hand',
      },
    ),
  ];
}

/** Whatever psactl has found of a kind, by what it is of. */
const finding = (
  name: string,
  severity: 'critical' | 'warning',
  kinds: string,
  texts: Alert['annotations'],
): Alert =>
  ofBackup(
    name,
    severity,
    `max by (site, series) (psa_backup_finding{kind=~"${kinds}"}) == 1`,
    // Longer than a run that is being mended by hand takes to be seen.
    '15m',
    texts,
  );

const ofBackup = (
  name: string,
  severity: 'critical' | 'warning',
  expr: string,
  lasting: string,
  { summary, runbook }: Alert['annotations'],
): Alert =>
  alert(name, severity, expr, lasting, { summary, runbook: `${runbook} (backup/RUNBOOKS.md).` }, 'backup');
