import { BEHIND_BYTES, SILENT_MS } from './dr/standby.ts';
import { type DueTier, lastDue } from './due.ts';
import {
  CLOCK_SLACK_MS,
  isFuture,
  isGood,
  type SeriesFigures,
  seriesFigures,
  type Watched,
  type WatchedBackup,
} from './watched.ts';

/** What can be wrong with the backups. */
export const FINDING_KINDS = [
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
export type FindingKind = (typeof FINDING_KINDS)[number];

/** Something that is wrong. */
export interface Finding {
  readonly kind: FindingKind;
  /** `critical`: data would be lost now. `warning`: it may come to that. */
  readonly severity: 'critical' | 'warning';
  /** What it is of: `database`, `container-300`; a drill's or a remote's name. */
  readonly series: string;
  /** What was measured: seconds, but bytes of `too_small`, `wal_lag` and `standby_behind`. Null: there is nothing to measure. */
  readonly figure: number | null;
  readonly text: string;
}

/** A series that shall be there. */
export interface Expected {
  readonly series: string;
  /** `run`: taken by every run. `once`: what is there stays right. A number: every so many minutes. */
  readonly every: 'run' | 'once' | number;
  /** Days after which the proof that it restores is too old; null: none is asked for. */
  readonly unproven_days: number | null;
}

/** What is expected of the backups of a site. */
export interface WatchPolicy {
  /** IANA name. */
  readonly zone: string;
  readonly tiers: readonly (DueTier & {
    /** The remote that gets a copy; null: none. */
    readonly remote: string | null;
    /** The storage of a backup server outside that takes the archives of containers by its own sync job; null: none. */
    readonly synced?: string | null;
  })[];
  readonly expected: readonly Expected[];
  /** How long a run may take before what it has not brought is missing. */
  readonly grace_minutes: number;
  /** The same of copies outside. */
  readonly offsite_grace_minutes: number;
  /** Drills by name, and the days after which the last one is too long ago; null: whenever it is. */
  readonly drills: readonly { readonly what: string; readonly days: number | null }[];
  /** Minutes within which a segment of the log arrives, and bytes that may be on the way; null: none is archived. */
  readonly wal: { readonly minutes: number; readonly bytes: number } | null;
}

/**
 * A backup is too small when it has less than half of the median of the last seven good ones before it; of fewer than
 * three nothing is said.
 */
export const TOO_SMALL = { share: 0.5, last: 7, atLeast: 3 } as const;

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/**
 * What is wrong with the backups of a site, the worst first. Pure: the same facts, policy and moment give the same answer.
 * What was not asked is not judged.
 */
export function findings(seen: Watched, policy: WatchPolicy, now: number): readonly Finding[] {
  const figures = new Map(
    seriesFigures(
      seen,
      policy.expected.map(({ series }) => series),
      now,
    ).map((one) => [one.series, one]),
  );
  const all = [
    ...policy.expected.flatMap((one) => {
      const of = figures.get(one.series)!;
      return [
        ...missing(of, one, policy, now),
        ...tooSmall(of),
        ...unproven(of, one, now),
        ...restoreFailed(of, now),
      ];
    }),
    ...notGood(seen.backups, figures),
    ...offsiteBehind(seen, policy, figures, now),
    ...drills(seen, policy, now),
    ...writeAheadLog(seen, policy, now),
    ...standby(seen, now),
    ...clocks(seen.backups, now),
  ];
  const rank = ({ severity }: Finding) => (severity === 'critical' ? 0 : 1);
  return all.toSorted((a, b) => rank(a) - rank(b));
}

/** When the last run before a moment was due, in ms since 1970; null: none is ever due. */
const dueAt = (tiers: WatchPolicy['tiers'], zone: string, moment: number): number | null =>
  lastDue(tiers, Temporal.Instant.fromEpochMilliseconds(moment), zone)?.at.epochMilliseconds ?? null;

function missing(
  { series, newest_good }: SeriesFigures,
  { every }: Expected,
  { zone, tiers, grace_minutes }: WatchPolicy,
  now: number,
): Finding[] {
  const of = (figure: number | null, text: string): Finding[] => [
    { kind: 'missing', severity: 'critical', series, figure, text },
  ];
  if (!newest_good) return of(null, `There is no good backup of ${series}.`);
  const at = Date.parse(newest_good.at);
  const since = oldestAllowed();
  if (since === null || at >= since - CLOCK_SLACK_MS) return [];
  return of(
    (now - at) / 1000,
    `The newest good backup of ${series} is ${age(now - at)} old; one was due ${age(now - since)} ago.`,
  );

  function oldestAllowed(): number | null {
    if (every === 'once') return null;
    // Of what is taken every so many minutes one may fail.
    if (typeof every === 'number') return now - 2 * every * MINUTE;
    return dueAt(tiers, zone, now - grace_minutes * MINUTE);
  }
}

function tooSmall({ series, newest_good, backups }: SeriesFigures): Finding[] {
  if (!newest_good) return [];
  const good = backups.filter(isGood);
  const before = good
    .slice(good.indexOf(newest_good) + 1)
    .slice(0, TOO_SMALL.last)
    .map(({ bytes }) => bytes);
  if (before.length < TOO_SMALL.atLeast) return [];
  const usual = median(before);
  if (newest_good.bytes >= usual * TOO_SMALL.share) return [];
  return [
    {
      ...{ kind: 'too_small', severity: 'warning', series, figure: newest_good.bytes },
      text: `The newest backup of ${series} has ${newest_good.bytes} bytes; ${usual} is usual.`,
    },
  ];
}

function unproven(
  { series, newest_good, last_proof_at, backups }: SeriesFigures,
  { unproven_days }: Expected,
  now: number,
): Finding[] {
  // Where there is none, that it is missing is enough to say.
  if (unproven_days === null || !newest_good) return [];
  const proven = last_proof_at === null ? null : now - Date.parse(last_proof_at);
  // A site that is younger than that has had no drill yet.
  const oldest = oldestAge(backups, now);
  if ((proven ?? oldest) <= unproven_days * DAY) return [];
  return [
    {
      ...{ kind: 'unproven', severity: 'warning', series, figure: proven === null ? null : proven / 1000 },
      text:
        proven === null
          ? `No backup of ${series} was ever restored.`
          : `A backup of ${series} was last restored ${age(proven)} ago; every ${unproven_days} days is asked for.`,
    },
  ];
}

/** Of all attempts to restore one of a series the last one went wrong. */
function restoreFailed({ series, backups, last_proof_at }: SeriesFigures, now: number): Finding[] {
  const failed = backups
    .filter((one) => one.failed !== null)
    .toSorted((a, b) => (a.failed!.at < b.failed!.at ? 1 : -1))[0];
  if (!failed || (last_proof_at !== null && last_proof_at > failed.failed!.at)) return [];
  const { at, why } = failed.failed!;
  const ago = now - Date.parse(at);
  return [
    {
      ...{ kind: 'restore_failed', severity: 'critical', series, figure: ago / 1000 },
      text: `${failed.id} was tried ${age(ago)} ago and was not right: ${why ?? 'no reason is known'}.`,
    },
  ];
}

/** The newest of a series that are not good, and newer than what is: a run left them, or something broke them since. */
function notGood(backups: readonly WatchedBackup[], figures: ReadonlyMap<string, SeriesFigures>): Finding[] {
  const fresh = backups.filter((one) => {
    const good = figures.get(one.series)?.newest_good;
    return !isGood(one) && (!good || one.at > good.at);
  });
  const runs = Map.groupBy(
    fresh.filter(({ state }) => state === 'partial'),
    ({ run }) => run,
  );
  return [
    ...fresh
      .filter(({ state }) => state !== 'partial')
      .map(
        ({ series, id, state }): Finding => ({
          ...{ kind: 'damaged', severity: 'critical', series, figure: null },
          text:
            state === 'gone'
              ? `The archive of ${id} is gone; nothing newer of ${series} is good.`
              : state === 'newer'
                ? `${id} was made by a newer psactl, and this one cannot judge it; nothing newer of ${series} is good.`
                : `${id} is damaged; nothing newer of ${series} is good.`,
        }),
      ),
    ...[...runs].map(
      ([run, parts]): Finding => ({
        ...{ kind: 'partial_run', severity: 'warning', series: run, figure: parts.length },
        text: `The run ${run} is not whole: ${parts.map(({ series }) => series).join(', ')} did not come to an end.`,
      }),
    ),
  ];
}

function offsiteBehind(
  { copies }: Watched,
  { zone, tiers, expected, offsite_grace_minutes }: WatchPolicy,
  figures: ReadonlyMap<string, SeriesFigures>,
  now: number,
): Finding[] {
  if (copies === null) return [];
  return tiers.flatMap(({ name, remote, synced = null }): Finding[] => {
    if (remote === null && synced === null) return [];
    const due = lastDueOf(name);
    if (due === null) return [];
    return expected.flatMap(({ series, every }): Finding[] => {
      const isSynced = figures.get(series)?.newest_good?.is_synced === true;
      // Of what is synced the archives of containers alone are a backup server's.
      const place = !isSynced ? remote : series.startsWith('container-') ? synced : null;
      if (typeof every === 'number' || place === null) return [];
      const there = copies.filter((one) => one.series === series && one.remote === place);
      const newest = there
        .filter((one) => !isFuture(one, now))
        .reduce((last, { at }) => Math.max(last, Date.parse(at)), Number.NEGATIVE_INFINITY);
      if (newest >= due - CLOCK_SLACK_MS || (every === 'once' && there.length > 0)) return [];
      const isNone = newest === Number.NEGATIVE_INFINITY;
      return [
        {
          ...{ kind: 'offsite_behind', severity: 'warning', series },
          figure: isNone ? null : (now - newest) / 1000,
          text: isNone
            ? `${place} has no copy of ${series}.`
            : `The newest copy of ${series} on ${place} is ${age(now - newest)} old; one was due ${age(now - due)} ago.`,
        },
      ];
    });
  });

  /** Of the runs of all generations the last that was this one's: some of its days are a rarer one's. */
  function lastDueOf(name: string): number | null {
    let moment = now - offsite_grace_minutes * MINUTE;
    const oldest = moment - 42 * DAY;
    while (moment > oldest) {
      const due = lastDue(tiers, Temporal.Instant.fromEpochMilliseconds(moment), zone);
      if (!due) return null;
      if (due.tier.name === name) return due.at.epochMilliseconds;
      moment = due.at.epochMilliseconds - 1;
    }
    return null;
  }
}

function drills({ drills: done, backups }: Watched, policy: WatchPolicy, now: number): Finding[] {
  if (done === null) return [];
  return policy.drills.flatMap(({ what, days }): Finding[] => {
    const of = done
      .filter((one) => one.what === what && !isFuture(one, now))
      .toSorted((a, b) => (a.at < b.at ? 1 : -1));
    const last = of[0];
    const since = (moment: string) => now - Date.parse(moment);
    const passed = of.find(({ ok }) => ok === true);
    const first = oldestAge(backups, now);
    return [
      ...(last && last.ok !== true && (last.ok === false || since(last.at) > DAY)
        ? [
            {
              ...{ kind: 'drill_failed' as const, severity: 'critical' as const, series: what },
              figure: since(last.at) / 1000,
              text: `The drill "${what}" ${age(since(last.at))} ago ${last.ok === null ? 'did not come to its end' : `failed: ${last.why ?? 'no reason is known'}`}.`,
            },
          ]
        : []),
      ...(days !== null && (passed ? since(passed.at) : first) > days * DAY
        ? [
            {
              ...{ kind: 'drill_overdue' as const, severity: 'warning' as const, series: what },
              figure: passed ? since(passed.at) / 1000 : null,
              text: passed
                ? `The last drill "${what}" that passed was ${age(since(passed.at))} ago; every ${days} days is asked for.`
                : `No drill "${what}" has ever passed.`,
            },
          ]
        : []),
    ];
  });
}

function writeAheadLog({ wal: seen }: Watched, { wal }: WatchPolicy, now: number): Finding[] {
  if (seen === null || wal === null) return [];
  const { lastArchived, gap, lagBytes } = seen;
  const old = lastArchived === null ? null : now - Date.parse(lastArchived.at);
  // The database hands its log over at least that often, where there is anything to hand over; one segment may be on its way.
  const isOld = old === null || (old > 3 * wal.minutes * MINUTE && lagBytes !== 0);
  const isMuch = lagBytes !== null && lagBytes > wal.bytes;
  return [
    ...(gap
      ? [
          {
            ...{ kind: 'wal_gap' as const, severity: 'critical' as const, series: 'wal', figure: null },
            text: 'A segment of the write-ahead log is missing: the database cannot be restored to a time after it.',
          },
        ]
      : []),
    ...(isOld || isMuch
      ? [
          {
            ...{ kind: 'wal_lag' as const, severity: 'critical' as const, series: 'wal', figure: lagBytes },
            text:
              old === null
                ? 'No segment of the write-ahead log has arrived.'
                : `The last segment of the write-ahead log arrived ${age(old)} ago${lagBytes === null ? '' : `; ${lagBytes} bytes are not archived`}.`,
          },
        ]
      : []),
  ];
}

/** What would be lost with the site grows with each minute of it. */
function standby({ standby: seen }: Watched, now: number): Finding[] {
  if (seen === null) return [];
  const { asked_at, role, behind_bytes } = seen;
  const of = (kind: 'standby_silent' | 'standby_behind', figure: number | null, text: string): Finding[] => [
    { ...{ kind, severity: 'critical', series: 'standby' }, figure, text },
  ];
  const silent = asked_at === null ? null : now - Date.parse(asked_at);
  if (silent === null)
    return of('standby_silent', null, 'No standby site has asked for the log of the database yet.');
  if (silent > SILENT_MS)
    return of(
      'standby_silent',
      silent / 1000,
      `The standby site last asked for the log of the database ${age(silent)} ago.`,
    );
  if (role === 'standby_leader' && behind_bytes <= BEHIND_BYTES) return [];
  return of(
    'standby_behind',
    role === 'standby_leader' ? behind_bytes : null,
    role === 'primary'
      ? 'The database of the standby site takes writes by itself and follows no longer.'
      : role === 'none'
        ? 'The standby site copies the log, and no database follows there.'
        : `The database of the standby site has not taken over ${behind_bytes} bytes of log that it has.`,
  );
}

function clocks(backups: readonly WatchedBackup[], now: number): Finding[] {
  const future = backups.filter((one) => isFuture(one, now));
  if (future.length === 0) return [];
  const furthest = future.reduce((far, { at }) => Math.max(far, Date.parse(at)), now);
  return [
    {
      ...{ kind: 'clock', severity: 'warning', series: future[0]!.series, figure: (furthest - now) / 1000 },
      text: `${future.length} of the backups are dated up to ${age(furthest - now)} in the future: a clock was wrong, or is.`,
    },
  ];
}

/** The age of the oldest good one in ms; 0 where there is none. Not by spreading: there may be a million. */
const oldestAge = (backups: readonly WatchedBackup[], now: number): number =>
  backups.filter(isGood).reduce((oldest, { at }) => Math.max(oldest, now - Date.parse(at)), 0);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** `3 d`, `26 h`, `12 min`: the largest unit of which there are two. */
export function age(ms: number): string {
  const minutes = Math.floor(ms / MINUTE);
  if (minutes >= 2 * 24 * 60) return `${Math.floor(minutes / (24 * 60))} d`;
  if (minutes >= 2 * 60) return `${Math.floor(minutes / 60)} h`;
  return `${minutes} min`;
}
