import { FINDING_KINDS } from './health.ts';
import type { BackupSummary } from './summary.ts';
import type { WatchedBackup } from './watched.ts';

/** Room where backups go. */
export interface Room {
  /** A storage of the cluster, with its node where each has its own; or a folder. */
  readonly place: string;
  readonly free_bytes: number;
  readonly size_bytes: number;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [Labels, number | null];
interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/**
 * The state of the backups for Prometheus, in the text format that OpenMetrics has in common with it: gauges alone, moments
 * in seconds since 1970, so that an age goes on growing where nobody writes this any more.
 */
export function metricsText(
  { site, at, series, drills, wal, standby, findings }: BackupSummary,
  backups: readonly WatchedBackup[],
  rooms: readonly Room[],
): string {
  const each = (value: (one: BackupSummary['series'][number]) => number | null): Sample[] =>
    series.map((one) => [{ site, series: one.series }, value(one)]);
  const counts = Map.groupBy(backups, ({ tier, state }) => JSON.stringify([tier ?? '', state]));
  const metrics: readonly Metric[] = [
    {
      ...{ name: 'metrics_timestamp_seconds', help: 'When these figures were taken.' },
      samples: [[{ site }, seconds(at)]],
    },
    {
      ...{ name: 'newest_good_timestamp_seconds', help: 'When the newest good backup was begun.' },
      samples: each(({ newest_good }) => seconds(newest_good?.at)),
    },
    {
      ...{ name: 'newest_proven_timestamp_seconds', help: 'When the newest restored backup was begun.' },
      samples: each(({ newest_proven }) => seconds(newest_proven?.at)),
    },
    {
      ...{ name: 'last_proof_timestamp_seconds', help: 'When a backup was last restored.' },
      samples: each(({ last_proof_at }) => seconds(last_proof_at)),
    },
    {
      ...{ name: 'outside_timestamp_seconds', help: 'When the newest with a copy outside was begun.' },
      samples: each(({ newest_outside_at }) => seconds(newest_outside_at)),
    },
    {
      ...{ name: 'newest_bytes', help: 'Size of the newest good backup.' },
      samples: each(({ newest_good }) => newest_good?.bytes ?? null),
    },
    {
      ...{ name: 'newest_duration_seconds', help: 'How long the newest good backup took.' },
      samples: each(({ newest_good }) =>
        typeof newest_good?.duration_ms === 'number' ? newest_good.duration_ms / 1000 : null,
      ),
    },
    {
      ...{ name: 'artefacts', help: 'Backups by generation and state.' },
      samples: [...counts].map(([key, list]): Sample => {
        const [tier, state] = JSON.parse(key) as [string, string];
        return [{ site, tier, state }, list.length];
      }),
    },
    {
      ...{ name: 'drill_passed', help: 'Whether the last drill passed.' },
      samples: drills.map(({ what, ok }): Sample => [{ site, drill: what }, ok === true ? 1 : 0]),
    },
    {
      ...{ name: 'drill_timestamp_seconds', help: 'When the last drill was begun.' },
      samples: drills.map(({ what, at: began }): Sample => [{ site, drill: what }, seconds(began)]),
    },
    {
      ...{ name: 'wal_archived_timestamp_seconds', help: 'When the last segment of the log arrived.' },
      samples: [[{ site }, seconds(wal?.lastArchived?.at)]],
    },
    {
      ...{ name: 'wal_lag_bytes', help: 'Bytes of the log that are not archived yet.' },
      samples: [[{ site }, wal?.lagBytes ?? null]],
    },
    {
      ...{ name: 'standby_asked_timestamp_seconds', help: 'When the standby site last asked for the log.' },
      samples: [[{ site }, seconds(standby?.asked_at)]],
    },
    {
      ...{ name: 'standby_replayed_timestamp_seconds', help: 'The last commit that its database has.' },
      samples: [[{ site }, seconds(standby?.replayed_at)]],
    },
    {
      ...{ name: 'standby_behind_bytes', help: 'Bytes of the log that it has and its database has not.' },
      samples: [[{ site }, standby?.behind_bytes ?? null]],
    },
    {
      ...{ name: 'free_bytes', help: 'Room that is left where backups go.' },
      samples: rooms.map(({ place, free_bytes }): Sample => [{ site, place }, free_bytes]),
    },
    {
      ...{ name: 'size_bytes', help: 'Room that there is where backups go.' },
      samples: rooms.map(({ place, size_bytes }): Sample => [{ site, place }, size_bytes]),
    },
    {
      // Zeros as well: an alert ends by its figure, and what is not there could be forgotten.
      ...{ name: 'findings', help: 'What is wrong, by kind.' },
      samples: FINDING_KINDS.map(
        (kind): Sample => [{ site, kind }, findings.filter((one) => one.kind === kind).length],
      ),
    },
    {
      ...{ name: 'finding', help: 'What is wrong, one by one.' },
      // Two of a kind and a series, as on two remotes, would be the same sample.
      samples: [...new Map(findings.map((one) => [`${one.kind} ${one.series}`, one])).values()].map(
        ({ kind, severity, series: of }): Sample => [{ site, kind, severity, series: of }, 1],
      ),
    },
  ];
  return `${metrics.map(familyText).join('')}# EOF\n`;
}

/** Whole seconds since 1970; null: there is no moment. */
const seconds = (at: string | null | undefined): number | null =>
  at ? Math.floor(Date.parse(at) / 1000) : null;

function familyText({ name, help, samples }: Metric): string {
  const known = samples.filter(([, value]) => value !== null);
  if (known.length === 0) return '';
  const full = `psa_backup_${name}`;
  const lines = known.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${full}{${pairs.join(',')}} ${value}\n`;
  });
  return `# HELP ${full} ${help}\n# TYPE ${full} gauge\n${lines.join('')}`;
}

const escaped = (text: string): string =>
  text.replace(/[\\"\n]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`));
