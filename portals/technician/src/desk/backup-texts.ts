import type { BackupReport } from '@psa/app/api/types';
import type { Formats } from '@psa/ui/i18n/format';
import type { backupMessages } from '../i18n/backup-messages.ts';

type T = ReturnType<(typeof backupMessages)['useT']>;
type Finding = BackupReport['findings'][number];

const KNOWN = [
  ...['database', 'pitr', 'redis', 'rabbitmq', 'configs', 'releases', 'secrets', 'embedded'],
  ...['wal', 'containers'],
] as const;
const isKnown = (series: string): series is 'database' => (KNOWN as readonly string[]).includes(series);

/** What backups may stand for one another, in the reader's words; what has none (a run) by its own name. */
export function seriesName(series: string, t: T): string {
  const [, id] = /^container-(\d+)$/.exec(series) ?? [];
  if (id) return t('series.container', { id });
  // Several platforms keep theirs in one folder.
  const [, platform] = /^embedded-(\d+)$/.exec(series) ?? [];
  if (platform) return `${t('series.embedded')} …${platform.slice(-4)}`;
  return isKnown(series) ? t(`series.${series}`) : series;
}

/** A finding in the reader's words: psactl's own are English. */
export function findingText({ kind, series, figure }: Finding, t: T, formats: Formats): string {
  const name = seriesName(series, t);
  const age = figure === null ? null : formats.duration(figure * 1000);
  if (kind === 'missing')
    return age === null
      ? t('finding.missing_ever', { series: name })
      : t('finding.missing_age', { series: name, age });
  if (kind === 'unproven' && age !== null) return t('finding.unproven_age', { series: name, age });
  if (kind === 'too_small') return t('finding.too_small', { series: name, size: formats.bytes(figure ?? 0) });
  if (kind === 'wal_gap' || kind === 'wal_lag' || kind === 'standby_silent' || kind === 'standby_behind')
    return t(`finding.${kind}`);
  return t(`finding.${kind}`, { series: name });
}

/** A report that is older says nothing of now: psactl looks every few minutes. */
const STALE_MS = 3_600_000;

/** How long ago psactl looked, where that is too long; null: it is not. */
export function staleMs(at: string, now: number): number | null {
  const age = now - Date.parse(at);
  return age > STALE_MS ? age : null;
}

/** The newest backup that was restored, of whatever; null: none was. */
export const newestProven = (series: BackupReport['series']) =>
  series
    .flatMap((one) => (one.newest_proven === null ? [] : [{ series: one.series, at: one.newest_proven.at }]))
    .toSorted((a, b) => (a.at < b.at ? 1 : -1))[0] ?? null;
