/**
 * Arithmetic in business time. One walk over the calendar answers every question: how far a number of
 * minutes reaches, how many minutes lie between two instants, and why. Sums are kept in whole milliseconds,
 * so totals are exact; minutes have fractions when an instant does not stand on a full minute.
 *
 * The walk goes from one change of the zone's offset to the next and inside it from local day to local day
 * in plain integers: Temporal is asked twice a year of the span, not once a day, and offsets that change at
 * or around midnight need no special case.
 */

import {
  type BusinessCalendar,
  type CompiledCalendar,
  compileCalendar,
  DAY_MS,
  type DayPartKind,
} from './calendar.ts';

export type StepKind = 'counted' | 'outside_hours' | 'break' | 'holiday' | 'paused';

/** One stretch of time of an explanation. Steps are contiguous: each begins where the one before ended. */
export interface ExplainStep {
  at: Temporal.Instant;
  until: Temporal.Instant;
  kind: StepKind;
  /** Real length of the step. Only those of `counted` steps add to the total. */
  minutes: number;
  /** Counted minutes from the start to the end of this step. */
  running_total: number;
  /** Key of the sentence for people: `sla.step.<kind>`. */
  text_key: `sla.step.${StepKind}`;
  /** `holiday`: its `name`. `paused`: its `reason`, and the business minutes by which it moves the due time. */
  params: { name?: string; reason?: string; business_minutes?: number };
}

/** A time in which the clock stands still, whatever the calendar says. `until` is excluded. */
export interface Suspension {
  from: Temporal.Instant;
  until: Temporal.Instant;
  reason: string;
}

export interface WalkResult {
  end: Temporal.Instant;
  counted_minutes: number;
  /** From the start to the end. */
  steps: ExplainStep[];
}

/** Thrown when a number of minutes is not reached within `HORIZON_YEARS` of the start. */
export class HorizonError extends Error {
  constructor(minutes: number) {
    super(
      `${minutes} business minutes are not reached within ${HORIZON_YEARS} years: the calendar is nearly closed`,
    );
    this.name = 'HorizonError';
  }
}

export const HORIZON_YEARS = 100;
const HORIZON_MS = HORIZON_YEARS * 366 * DAY_MS;
const MINUTE_MS = 60_000;

interface Stretch {
  from: number;
  to: number;
  kind: DayPartKind;
  name: string | undefined;
}

/** The whole of [from, to) in contiguous stretches, in order. */
function* stretches(calendar: CompiledCalendar, from: number, to: number): Generator<Stretch> {
  let cursor = from;
  while (cursor < to) {
    const { offset, until } = calendar.offsetAt(cursor);
    const segmentEnd = Math.min(until, to);
    while (cursor < segmentEnd) {
      const day = Math.floor((cursor + offset) / DAY_MS);
      const midnight = day * DAY_MS - offset;
      for (const part of calendar.partsOf(day)) {
        const end = Math.min(midnight + part.until, segmentEnd);
        if (end <= cursor) continue;
        yield { from: cursor, to: end, kind: part.kind, name: part.name };
        cursor = end;
      }
    }
  }
}

interface Pause {
  from: number;
  to: number;
  reason: string;
}

/** In order and free of overlaps; where two overlap, the earlier one keeps its time. */
function normalise(suspensions: readonly Suspension[]): Pause[] {
  const pauses: Pause[] = [];
  const sorted = suspensions
    .map((s) => ({ from: s.from.epochMilliseconds, to: s.until.epochMilliseconds, reason: s.reason }))
    .sort((a, b) => a.from - b.from || a.to - b.to);
  for (const pause of sorted) {
    const from = Math.max(pause.from, pauses.at(-1)?.to ?? pause.from);
    if (from < pause.to) pauses.push({ ...pause, from });
  }
  return pauses;
}

interface OpenStep {
  from: number;
  to: number;
  kind: StepKind;
  label: string | undefined;
  totalMs: number;
  /** Open time inside the step; differs from its length for pauses only. */
  openMs: number;
}

function toStep(step: OpenStep): ExplainStep {
  const params: ExplainStep['params'] = {};
  if (step.kind === 'holiday' && step.label !== undefined) params.name = step.label;
  if (step.kind === 'paused') {
    if (step.label !== undefined) params.reason = step.label;
    params.business_minutes = step.openMs / MINUTE_MS;
  }
  return {
    at: Temporal.Instant.fromEpochMilliseconds(step.from),
    until: Temporal.Instant.fromEpochMilliseconds(step.to),
    kind: step.kind,
    minutes: (step.to - step.from) / MINUTE_MS,
    running_total: step.totalMs / MINUTE_MS,
    text_key: `sla.step.${step.kind}`,
    params,
  };
}

/** Where a walk ends: when so many minutes are counted, or at an instant. */
export type WalkGoal = { minutes: number } | { until: Temporal.Instant };

/** The walk in plain numbers. Instants are made for those steps only that somebody reads. */
function walk(
  start: Temporal.Instant,
  goal: WalkGoal,
  calendar: BusinessCalendar | CompiledCalendar,
  suspensions: readonly Suspension[],
): { endMs: number; totalMs: number; open: OpenStep[] } {
  const compiled = 'partsOf' in calendar ? calendar : compileCalendar(calendar);
  const startMs = start.epochMilliseconds;
  let targetMs = Number.POSITIVE_INFINITY;
  let endMs = startMs + HORIZON_MS;
  if ('minutes' in goal) {
    if (!Number.isFinite(goal.minutes) || goal.minutes < 0) {
      throw new RangeError(`Business minutes must be a number from 0 up, not ${goal.minutes}`);
    }
    targetMs = Math.round(goal.minutes * MINUTE_MS);
  } else endMs = goal.until.epochMilliseconds;

  const pauses = normalise(suspensions);
  const open: OpenStep[] = [];
  let nextPause = 0;
  let totalMs = 0;
  let cursor = startMs;

  const push = (to: number, kind: StepKind, label: string | undefined, openMs: number): void => {
    if (kind === 'counted') totalMs += to - cursor;
    const last = open.at(-1);
    if (last && last.kind === kind && last.label === label) {
      last.to = to;
      last.totalMs = totalMs;
      last.openMs += openMs;
    } else open.push({ from: cursor, to, kind, label, totalMs, openMs });
    cursor = to;
  };

  days: for (const stretch of targetMs === 0 ? [] : stretches(compiled, startMs, endMs)) {
    while (cursor < stretch.to) {
      while (nextPause < pauses.length && pauses[nextPause]!.to <= cursor) nextPause += 1;
      const pause = pauses[nextPause];
      if (pause && pause.from <= cursor) {
        const to = Math.min(stretch.to, pause.to);
        push(to, 'paused', pause.reason, stretch.kind === 'open' ? to - cursor : 0);
        continue;
      }
      const to = Math.min(stretch.to, pause?.from ?? stretch.to);
      if (stretch.kind === 'open') {
        push(Math.min(to, cursor + (targetMs - totalMs)), 'counted', undefined, 0);
        if (totalMs >= targetMs) break days;
      } else push(to, stretch.kind, stretch.name, 0);
    }
  }
  if ('minutes' in goal && totalMs < targetMs) throw new HorizonError(goal.minutes);
  return { endMs: cursor, totalMs, open };
}

/**
 * Walks from `start` to the goal, counting the open time that is not suspended.
 * With `minutes`, the end is the **earliest** instant at which they are counted: eight hours from Monday
 * 09:00 in a day of 09:00 to 17:00 end on Monday at 17:00, and no minutes end where they start.
 * Instants are taken to the millisecond.
 * @throws InvalidCalendarError, HorizonError, RangeError for minutes that are negative or not finite
 */
export function walkBusinessTime(
  start: Temporal.Instant,
  goal: WalkGoal,
  calendar: BusinessCalendar | CompiledCalendar,
  suspensions: readonly Suspension[] = [],
): WalkResult {
  const { endMs, totalMs, open } = walk(start, goal, calendar, suspensions);
  return {
    end: Temporal.Instant.fromEpochMilliseconds(endMs),
    counted_minutes: totalMs / MINUTE_MS,
    steps: open.map(toStep),
  };
}

/** The instant at which `minutes` of business time have passed since `start`, and how it comes about. */
export function addBusinessMinutes(
  start: Temporal.Instant,
  minutes: number,
  calendar: BusinessCalendar | CompiledCalendar,
): { due: Temporal.Instant; steps: ExplainStep[] } {
  const { end, steps } = walkBusinessTime(start, { minutes }, calendar);
  return { due: end, steps };
}

/** Open time of one UTC year: where each open stretch begins and ends, and what is open before it. Epoch milliseconds. */
interface OpenYear {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly before: readonly number[];
  readonly total: number;
}

/** Per calendar, its years as far as somebody asked; about 500 stretches each. */
const openYears = new WeakMap<CompiledCalendar, Map<number, OpenYear>>();

function openYear(calendar: CompiledCalendar, year: number): OpenYear {
  let years = openYears.get(calendar);
  if (!years) openYears.set(calendar, (years = new Map()));
  let known = years.get(year);
  if (!known) {
    const from: number[] = [];
    const to: number[] = [];
    const before: number[] = [];
    let total = 0;
    for (const stretch of stretches(calendar, Date.UTC(year, 0), Date.UTC(year + 1, 0))) {
      if (stretch.kind !== 'open') continue;
      from.push(stretch.from);
      to.push(stretch.to);
      before.push(total);
      total += stretch.to - stretch.from;
    }
    years.set(year, (known = { from, to, before, total }));
  }
  return known;
}

/** Open milliseconds of the year before `ms`. */
function openBefore(year: OpenYear, ms: number): number {
  let low = 0;
  let high = year.from.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (year.from[middle]! < ms) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return 0;
  return year.before[low - 1]! + Math.min(ms, year.to[low - 1]!) - year.from[low - 1]!;
}

/** Open milliseconds in [from, to); two look-ups in a table that is made once per calendar and year. */
function openMs(calendar: CompiledCalendar, from: number, to: number): number {
  if (to <= from) return 0;
  const first = new Date(from).getUTCFullYear();
  const last = new Date(to).getUTCFullYear();
  let total = openBefore(openYear(calendar, last), to) - openBefore(openYear(calendar, first), from);
  for (let year = first; year < last; year++) total += openYear(calendar, year).total;
  return total;
}

/** A year without holidays, and without a leap day. */
const PLAIN_YEAR = 2001;

/** Open minutes of the year that has the fewest: a plain one, or one of those for which holidays are listed. */
export function fewestMinutesOfYear(calendar: BusinessCalendar): number {
  const compiled = compileCalendar(calendar);
  const years = new Set(calendar.holidays.map(({ date }) => Number(date.slice(0, 4)))).add(PLAIN_YEAR);
  return Math.min(...[...years].map((year) => openYear(compiled, year).total)) / MINUTE_MS;
}

/**
 * Business minutes from `a` to `b` that are not suspended; negative when `b` lies before `a`. With a compiled
 * calendar its cost does not grow with the distance: a page of tickets is reckoned in less than a millisecond.
 */
export function businessMinutesBetween(
  a: Temporal.Instant,
  b: Temporal.Instant,
  calendar: BusinessCalendar | CompiledCalendar,
  suspensions: readonly Suspension[] = [],
): number {
  const compiled = 'partsOf' in calendar ? calendar : compileCalendar(calendar);
  const [from, to] = [a.epochMilliseconds, b.epochMilliseconds];
  return to < from
    ? -openMinutesBetween(to, from, compiled, suspensions)
    : openMinutesBetween(from, to, compiled, suspensions);
}

/** As {@link businessMinutesBetween}, of epoch milliseconds in their order: for each row of a list. */
export function openMinutesBetween(
  from: number,
  to: number,
  calendar: CompiledCalendar,
  suspensions: readonly Suspension[],
): number {
  let total = openMs(calendar, from, to);
  if (suspensions.length === 0) return total / MINUTE_MS;
  for (const pause of normalise(suspensions)) {
    total -= openMs(calendar, Math.max(pause.from, from), Math.min(pause.to, to));
  }
  return total / MINUTE_MS;
}
