import { madeLast } from './made-last.ts';
import {
  checkPolicy,
  isTiered,
  KEEP_OPTIONS,
  type KeepOption,
  type KeepPolicy,
  type RetentionPolicy,
  type TieredPolicy,
} from './policy.ts';
import { isTierDay } from './tier.ts';

/** A moment: ISO 8601 with an offset or `Z`, milliseconds since 1970, or a `Date`. */
export type Moment = string | number | Date;

/** What is known of a backup when it is decided whether it stays. */
export interface RetainedBackup {
  readonly id: string;
  /** When it was begun. */
  readonly at: Moment;
  /** Somebody said that it stays. It stands outside of the policy and uses nothing of it up. */
  readonly protected: boolean;
  /** It was restored, and what came of it was right. */
  readonly proven: boolean;
  /** False: it is partial, damaged, or failed its verification. Keeps nothing else from being kept. Absent: good. */
  readonly good?: boolean;
  /** Backups without which it cannot be restored (a differential's full one). */
  readonly needs?: readonly string[];
  /** Backups that are dated later and were there when it was made. */
  readonly after?: readonly string[];
}

/** Everything given, in the order given: what stays with all its reasons, what goes with its reason. */
export interface RetentionDecision {
  readonly keep: readonly { readonly id: string; readonly reasons: readonly string[] }[];
  readonly remove: readonly { readonly id: string; readonly reason: string }[];
}

interface Dated extends RetainedBackup {
  readonly instant: Temporal.Instant;
  /** The same in milliseconds since 1970: of a million backups nearly all are only compared, and never dated. */
  readonly ms: number;
}

/**
 * Which backups a policy keeps. Pure: the same list, policy and moment give the same answer.
 *
 * Beside the policy these always stay: protected ones; those dated after `now` (a clock was wrong: nobody knows how old
 * they are); the newest good one, and the one that was made last where a clock was set back; the newest proven one; and what
 * any of the kept cannot be restored without. One that is not good stays while it is newer than every good one, since it may
 * be all that there is of that day.
 *
 * A day, a week and a month are those of the policy's zone; weeks are ISO 8601's.
 * @throws PolicyError when the policy would keep nothing, or cannot be read
 * @throws TypeError when a moment cannot be read or an id stands twice
 */
export function decideRetention(
  list: readonly RetainedBackup[],
  policy: RetentionPolicy,
  now: Moment,
): RetentionDecision {
  checkPolicy(policy);
  const zone = policy.zone ?? 'UTC';
  const backups = list.map((one): Dated => {
    const instant = toInstant(one.at, `at of "${one.id}"`);
    return { ...one, instant, ms: instant.epochMilliseconds };
  });
  const ids = new Set<string>();
  for (const { id } of backups) {
    if (ids.has(id)) throw new TypeError(`Unable to decide on "${id}": it stands in the list twice.`);
    ids.add(id);
  }
  const reasons = new Map<string, string[]>();
  const keep = (id: string, reason: string) => {
    const said = reasons.get(id);
    if (said) said.push(reason);
    else reasons.set(id, [reason]);
  };
  const end = toInstant(now, 'now');
  const isFuture = (one: Dated) => Temporal.Instant.compare(one.instant, end) > 0;
  // The newest first. Of two of the same moment the one that stands later in the list counts as the newer.
  const newest = backups
    .map((one, index) => ({ one, index }))
    .sort(
      (a, b) =>
        b.one.ms - a.one.ms || Temporal.Instant.compare(b.one.instant, a.one.instant) || b.index - a.index,
    )
    .map(({ one }) => one);

  for (const one of newest) {
    if (one.protected) keep(one.id, 'protected');
    if (isFuture(one)) keep(one.id, 'dated in the future');
  }
  const counted = newest.filter((one) => one.good !== false && !one.protected && !isFuture(one));
  if (isTiered(policy)) keepTiers(counted, policy, zone, keep);
  else keepAsProxmox(counted, policy, zone, keep);

  const good = newest.filter((one) => one.good !== false && !isFuture(one));
  if (good[0]) keep(good[0].id, 'the newest good one');
  // Of those that are dated in the future, too: what was made after them is dated before them.
  const last = madeLast(newest.filter((one) => one.good !== false));
  if (last && last !== good[0] && !isFuture(last)) keep(last.id, 'the good one that was made last');
  const proven = good.find((one) => one.proven);
  if (proven) keep(proven.id, 'the newest proven one');
  for (const one of newest) {
    if (one === good[0]) break;
    if (one.good === false) keep(one.id, 'not good, but nothing newer is');
  }
  keepNeeded(backups, reasons, keep);

  return {
    keep: backups.flatMap(({ id }) => {
      const said = reasons.get(id);
      return said ? [{ id, reasons: said }] : [];
    }),
    remove: backups
      .filter(({ id }) => !reasons.has(id))
      .map((one) => ({ id: one.id, reason: one.good === false ? 'not good' : 'not covered by the policy' })),
  };
}

type Keep = (id: string, reason: string) => void;

function keepTiers(newest: readonly Dated[], { tiers }: TieredPolicy, zone: string, keep: Keep): void {
  for (const { name, on, keep: count } of tiers) {
    const days = new Set<string>();
    for (const { id, instant } of newest) {
      if (days.size === count) break;
      const date = instant.toZonedDateTimeISO(zone).toPlainDate();
      if (!isTierDay(on, date) || days.has(date.toString())) continue;
      days.add(date.toString());
      keep(id, name);
    }
  }
}

/** What two backups have in common when they are of the same period. */
const PERIODS: Readonly<Record<KeepOption, (time: Temporal.ZonedDateTime) => string>> = {
  // Two of the same moment count once, as there.
  'keep-last': (time) => String(time.epochNanoseconds),
  // Twice an hour when the clock is set back: Proxmox takes its local name alone.
  'keep-hourly': (time) => time.toPlainDateTime().toString({ smallestUnit: 'minute' }).slice(0, 13),
  'keep-daily': (time) => time.toPlainDate().toString(),
  'keep-weekly': (time) => `${time.yearOfWeek}-${time.weekOfYear}`,
  'keep-monthly': (time) => time.toPlainDate().toPlainYearMonth().toString(),
  'keep-yearly': (time) => String(time.year),
};

/** PVE::Storage::prune_mark_backup_group: a period with a backup that an option before kept uses nothing up. */
function keepAsProxmox(newest: readonly Dated[], policy: KeepPolicy, zone: string, keep: Keep): void {
  if (policy['keep-all']) {
    for (const { id } of newest) keep(id, 'keep-all');
    return;
  }
  // Kept, or out of the race: the older ones of a period that an option has kept one of.
  const decided = new Map<string, 'kept' | 'out'>();
  for (const option of KEEP_OPTIONS) {
    const count = policy[option] ?? 0;
    if (count === 0) continue;
    const periodOf = ({ instant }: Dated) => PERIODS[option](instant.toZonedDateTimeISO(zone));
    const covered = new Set(newest.filter(({ id }) => decided.get(id) === 'kept').map(periodOf));
    const added = new Set<string>();
    for (const one of newest) {
      const period = periodOf(one);
      if (decided.has(one.id) || covered.has(period)) continue;
      if (added.has(period)) {
        decided.set(one.id, 'out');
        continue;
      }
      if (added.size === count) break;
      added.add(period);
      decided.set(one.id, 'kept');
      keep(one.id, option);
    }
  }
}

/** Keeps what those that are kept cannot be restored without, and what these in turn need. @param reasons of the kept */
export function keepNeeded(
  backups: readonly RetainedBackup[],
  reasons: ReadonlyMap<string, unknown>,
  keep: Keep,
): void {
  const byId = new Map(backups.map((one) => [one.id, one]));
  const open = backups.filter(({ id }) => reasons.has(id));
  const said = new Set<string>();
  for (let one = open.pop(); one; one = open.pop())
    for (const id of one.needs ?? []) {
      const needed = byId.get(id);
      if (!needed || said.has(`${one.id}\0${id}`)) continue;
      said.add(`${one.id}\0${id}`);
      if (!reasons.has(id)) open.push(needed);
      keep(id, `needed by ${one.id}`);
    }
}

/** @param what for the message: what the moment is of. @throws TypeError when it cannot be read */
export function toInstant(moment: Moment, what: string): Temporal.Instant {
  try {
    if (typeof moment === 'string') return Temporal.Instant.from(moment);
    return Temporal.Instant.fromEpochMilliseconds(typeof moment === 'number' ? moment : moment.getTime());
  } catch {
    throw new TypeError(
      `Unable to read ${what}: "${String(moment)}" is no moment; write it as in 2026-11-29T02:00:00Z.`,
    );
  }
}
