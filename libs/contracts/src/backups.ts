import Type from 'typebox';
import { Closed, Line, Nullable, StringEnum, Text, Timestamp } from './common.ts';

/** What can be wrong with backups; psactl finds it (libs/recovery, `findings`). */
export const BACKUP_FINDINGS = [
  'missing',
  'partial_run',
  'damaged',
  'too_small',
  'unproven',
  'restore_failed',
  'offsite_behind',
  'drill_failed',
  'drill_overdue',
  'wal_gap',
  'wal_lag',
  'standby_silent',
  'standby_behind',
  'clock',
] as const;

/** What backups may stand for one another: `database`, `container-300`. */
const Series = Line(80);

const Backup = Closed({
  id: Line(120),
  at: Type.String({ format: 'date-time', description: 'when it was begun' }),
  bytes: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
});

/** How the backups of a site were at a moment, as "psactl backup metrics --report" tells it. */
export const BackupReport = Closed({
  site: Type.String({
    minLength: 1,
    maxLength: 80,
    pattern: '^[^\\u0000-\\u001f\\u007f]*$',
    description: 'the names of the inventory and of the site in it, or `embedded`',
  }),
  at: Type.String({ format: 'date-time', description: 'when psactl looked' }),
  series: Type.Array(
    Closed({
      series: Series,
      newest_good: Nullable(Backup),
      newest_proven: Nullable(Backup),
      last_proof_at: Nullable(Timestamp),
      newest_outside_at: Nullable(Timestamp),
    }),
    { maxItems: 1_000 },
  ),
  drills: Type.Array(
    Closed({
      what: Series,
      at: Timestamp,
      ok: Nullable(Type.Boolean()),
      why: Nullable(Text(2_000)),
    }),
    { maxItems: 50 },
  ),
  findings: Type.Array(
    Closed({
      kind: StringEnum(BACKUP_FINDINGS),
      severity: StringEnum(['critical', 'warning']),
      series: Series,
      figure: Nullable(
        Type.Number({ description: 'seconds; of too_small, wal_lag and standby_behind bytes' }),
      ),
      text: Text(2_000),
    }),
    { maxItems: 1_000 },
  ),
});
