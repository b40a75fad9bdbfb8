import { badParameter } from '../../errors.ts';

/** How many backups of each kind stay; `all` keeps everything. */
export interface KeepOptions {
  readonly all: boolean;
  readonly last: number;
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  /** As it was given, for logs. */
  readonly given: Readonly<Record<string, number>>;
}

/** A backup that is judged. */
export interface PruneCandidate {
  readonly volid: string;
  /** Seconds since 1970. */
  readonly ctime: number;
  readonly protected?: boolean;
  /** Its name was changed, so it is none of ours. */
  readonly renamed?: boolean;
  /** Guests are judged apart. */
  readonly group: string;
}

/** What happens to a backup. */
export type PruneMark = 'keep' | 'remove' | 'protected' | 'renamed';

const KINDS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

/** Reads `keep-last=3,keep-daily=7`; null: nothing was asked for. @throws 400 as Proxmox VE words it */
export function parseKeep(text: string | null): KeepOptions | null {
  if (text === null || text === '') return null;
  const keep: Record<string, number> = {};
  for (const piece of text.split(',')) {
    const [, kind, value] =
      /^keep-(all|last|hourly|daily|weekly|monthly|yearly)=(\d+)$/.exec(piece.trim()) ?? [];
    if (kind === undefined) throw badParameter({ 'prune-backups': 'invalid format - format error' });
    keep[kind] = Number(value);
  }
  const isAll = keep.all === 1;
  if (isAll && KINDS.some((kind) => (keep[kind] ?? 0) > 0))
    throw badParameter({
      'prune-backups': 'invalid format - keep-all cannot be set together with other options.\n',
    });
  // Without a single positive number all stay, and that is what is kept in mind.
  const all = !KINDS.some((kind) => (keep[kind] ?? 0) > 0);
  return {
    all,
    given: all ? { all: 1 } : keep,
    ...{ last: keep.last ?? 0, hourly: keep.hourly ?? 0, daily: keep.daily ?? 0 },
    ...{ weekly: keep.weekly ?? 0, monthly: keep.monthly ?? 0, yearly: keep.yearly ?? 0 },
  };
}

/** `keep-daily=7, keep-last=3`, as logs have it. */
export const printKeep = ({ given }: KeepOptions): string =>
  Object.keys(given)
    .sort()
    .map((kind) => `keep-${kind}=${given[kind]}`)
    .join(', ');

/** How many backups the rules let stay at most; 0: no number of them. */
export const countOf = (keep: KeepOptions): number =>
  keep.all ? 0 : KINDS.reduce((sum, kind) => sum + keep[kind], 0);

/** Whether options let anything be removed: without a single positive number all stay. */
const removesAny = (keep: KeepOptions | null): keep is KeepOptions =>
  keep !== null && !keep.all && KINDS.some((kind) => keep[kind] > 0);

/**
 * What retention does to each backup: from the newest on, rule by rule. A period that holds a kept backup already is
 * skipped and does not use up the count. Hours, days and weeks are those of the local time.
 */
export function pruneMarks(
  candidates: readonly PruneCandidate[],
  keep: KeepOptions | null,
): ReadonlyMap<string, PruneMark> {
  const marks = new Map<string, PruneMark>();
  const groups = new Map<string, PruneCandidate[]>();
  for (const one of candidates) {
    if (one.renamed) marks.set(one.volid, 'renamed');
    else if (one.protected) marks.set(one.volid, 'protected');
    else groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  }
  for (const group of groups.values()) {
    const newestFirst = [...group].sort((a, b) => b.ctime - a.ctime || (a.volid < b.volid ? -1 : 1));
    if (!removesAny(keep)) for (const one of newestFirst) marks.set(one.volid, 'keep');
    else for (const kind of KINDS) markKind(marks, newestFirst, keep[kind], PERIODS[kind]);
    for (const one of newestFirst) if (!marks.has(one.volid)) marks.set(one.volid, 'remove');
  }
  return marks;
}

function markKind(
  marks: Map<string, PruneMark>,
  newestFirst: readonly PruneCandidate[],
  count: number,
  periodOf: (one: PruneCandidate) => string,
): void {
  const before = new Set(newestFirst.filter((one) => marks.get(one.volid) === 'keep').map(periodOf));
  const taken = new Set<string>();
  for (const one of newestFirst) {
    if (marks.has(one.volid)) continue;
    const period = periodOf(one);
    if (before.has(period)) continue;
    if (taken.has(period)) marks.set(one.volid, 'remove');
    else if (taken.size >= count) return;
    else {
      taken.add(period);
      marks.set(one.volid, 'keep');
    }
  }
}

const two = (value: number) => String(value).padStart(2, '0');
const dateOf = (one: PruneCandidate) => new Date(one.ctime * 1000);
const dayOf = (date: Date) => `${date.getFullYear()}/${two(date.getMonth() + 1)}/${two(date.getDate())}`;

const PERIODS: Readonly<Record<(typeof KINDS)[number], (one: PruneCandidate) => string>> = {
  // Two of one second count as one.
  last: (one) => String(one.ctime),
  hourly: (one) => `${dayOf(dateOf(one))}/${dateOf(one).getHours()}`,
  daily: (one) => dayOf(dateOf(one)),
  weekly: (one) => isoWeek(dateOf(one)),
  monthly: (one) => dayOf(dateOf(one)).slice(0, 7),
  yearly: (one) => String(dateOf(one).getFullYear()),
};

/** `2026/47`: the ISO week, whose year is that of its Thursday. */
function isoWeek(date: Date): string {
  const thursday = new Date(
    date.getFullYear(),
    date.getMonth(),
    date.getDate() + 3 - ((date.getDay() + 6) % 7),
  );
  const first = new Date(thursday.getFullYear(), 0, 1);
  const days = Math.round((thursday.getTime() - first.getTime()) / 86_400_000);
  return `${thursday.getFullYear()}/${Math.floor(days / 7) + 1}`;
}
