import type { ErrorDetail } from '@psa/contracts/common';
import { isTimeZone } from '@psa/contracts/time-zones';
import { isDate } from './dates.ts';

/**
 * Business calendars: when an MSP works. The arithmetic on them stands in business-time.ts.
 *
 * An instant is open when its wall-clock time in the calendar's zone lies in one of that day's intervals
 * (start included, end not). This one sentence settles daylight saving: local times that a gap skips never
 * happen and count for nothing; local times that a fold repeats are open both times they happen; minutes
 * are always real, elapsed minutes. A day from 00:00 to 24:00 therefore has 23, 24 or 25 hours.
 */

/** Local times as `HH:MM`; `24:00` is allowed as an end. Work over midnight is two intervals. */
export interface Interval {
  readonly start: string;
  readonly end: string;
}

export interface Holiday {
  /** `YYYY-MM-DD` in the calendar's zone. */
  date: string;
  name: string;
  /** Opening hours of a half-day; none, or an empty list, means closed all day. They replace the week's. */
  hours?: readonly Interval[] | undefined;
}

/**
 * Plain JSON. The keys of `week` are ISO weekdays, '1' (Monday) to '7' (Sunday); a missing one is closed.
 * A lunch break is the time between two intervals of one day.
 */
export interface BusinessCalendar {
  /** An IANA name, `Europe/Berlin`. */
  time_zone: string;
  week: { readonly [weekday: string]: readonly Interval[] | undefined };
  holidays: readonly Holiday[];
}

export type FieldProblem = ErrorDetail;

/** Thrown by every function that is given a calendar that `validateCalendar` objects to. */
export class InvalidCalendarError extends Error {
  readonly problems: readonly FieldProblem[];
  constructor(problems: readonly FieldProblem[]) {
    super(`Invalid business calendar: ${problems.map((p) => `${p.field} ${p.message}`).join('; ')}`);
    this.name = 'InvalidCalendarError';
    this.problems = problems;
  }
}

/** ISO 8601: Monday to Sunday. */
const WEEKDAYS = ['1', '2', '3', '4', '5', '6', '7'] as const;
const ALL_DAY: readonly Interval[] = [{ start: '00:00', end: '24:00' }];

/** Open at all times. The zone matters for nothing but the local times in an explanation. */
export function alwaysOpen(timeZone = 'UTC'): BusinessCalendar {
  const week = { 1: ALL_DAY, 2: ALL_DAY, 3: ALL_DAY, 4: ALL_DAY, 5: ALL_DAY, 6: ALL_DAY, 7: ALL_DAY };
  return { time_zone: timeZone, week, holidays: [] };
}

const START = /^([01]\d|2[0-3]):[0-5]\d$/;
const END = /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/;

function minuteOfDay(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

function intervalProblems(field: string, intervals: readonly Interval[]): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const good: { from: number; to: number; field: string }[] = [];
  for (const [index, { start, end }] of intervals.entries()) {
    const at = `${field}[${index}]`;
    const startIsTime = START.test(start);
    const endIsTime = END.test(end);
    if (!startIsTime)
      problems.push({
        field: `${at}.start`,
        code: 'wrong_form',
        message: 'must be a time from 00:00 to 23:59',
      });
    if (!endIsTime)
      problems.push({
        field: `${at}.end`,
        code: 'wrong_form',
        message: 'must be a time from 00:01 to 24:00',
      });
    if (!startIsTime || !endIsTime) continue;
    const from = minuteOfDay(start);
    const to = minuteOfDay(end);
    if (from < to) good.push({ from, to, field: at });
    else {
      const message = `must end after it starts; work over midnight is two intervals, ${start} to 24:00 and 00:00 to ${end} on the next day`;
      problems.push({ field: at, code: 'contradicts', message });
    }
  }
  good.sort((a, b) => a.from - b.from);
  for (const [index, later] of good.entries()) {
    const earlier = good[index - 1];
    if (earlier && later.from < earlier.to) {
      problems.push({ field: later.field, code: 'duplicate', message: `overlaps ${earlier.field}` });
    }
  }
  return problems;
}

/** Everything that is wrong with a calendar, field by field; an empty list when it can be used. */
export function validateCalendar(calendar: BusinessCalendar): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!isTimeZone(calendar.time_zone)) {
    problems.push({
      field: 'time_zone',
      code: 'wrong_form',
      message: 'must be an IANA time zone such as Europe/Berlin',
    });
  }
  for (const key of Object.keys(calendar.week)) {
    if (!/^[1-7]$/.test(key)) {
      problems.push({
        field: `week.${key}`,
        code: 'wrong_form',
        message: 'must be an ISO weekday, 1 (Monday) to 7 (Sunday)',
      });
    }
  }
  for (const weekday of WEEKDAYS) {
    problems.push(...intervalProblems(`week.${weekday}`, calendar.week[weekday] ?? []));
  }
  if (WEEKDAYS.every((weekday) => (calendar.week[weekday] ?? []).length === 0)) {
    problems.push({ field: 'week', code: 'too_few', message: 'must be open on at least one weekday' });
  }
  const seen = new Set<string>();
  for (const [index, holiday] of calendar.holidays.entries()) {
    const at = `holidays[${index}]`;
    if (!isDate(holiday.date))
      problems.push({ field: `${at}.date`, code: 'wrong_form', message: 'must be a date, YYYY-MM-DD' });
    else if (seen.has(holiday.date)) {
      problems.push({ field: `${at}.date`, code: 'duplicate', message: `${holiday.date} is listed twice` });
    }
    seen.add(holiday.date);
    if (holiday.name.trim() === '')
      problems.push({ field: `${at}.name`, code: 'empty', message: 'must not be empty' });
    problems.push(...intervalProblems(`${at}.hours`, holiday.hours ?? []));
  }
  return problems;
}

export type DayPartKind = 'open' | 'outside_hours' | 'break' | 'holiday';

/** A stretch of a local day, from the end of the one before it. Times in milliseconds of the local day. */
export interface DayPart {
  until: number;
  kind: DayPartKind;
  /** Name of the holiday. */
  name?: string;
}

/** A validated calendar, ready to be walked through: local days, numbered from 1970-01-01, to their parts. */
export interface CompiledCalendar {
  time_zone: string;
  partsOf: (epochDay: number) => readonly DayPart[];
  /** The zone's offset from UTC at an instant and how long it holds: milliseconds, and milliseconds since the epoch. */
  offsetAt: (epochMs: number) => { readonly offset: number; readonly from: number; readonly until: number };
}

export const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** A longer closed time between two intervals of a day is no break: it separates two shifts. */
const LONGEST_BREAK_MS = 3 * 60 * MINUTE_MS;

type Range = { from: number; to: number };

function toRanges(intervals: readonly Interval[]): Range[] {
  return intervals
    .map(({ start, end }) => ({ from: minuteOfDay(start) * MINUTE_MS, to: minuteOfDay(end) * MINUTE_MS }))
    .sort((a, b) => a.from - b.from);
}

function partsOfDay(open: readonly Range[]): DayPart[] {
  const parts: DayPart[] = [];
  let end = 0;
  for (const [index, range] of open.entries()) {
    if (range.from > end) {
      const isBreak = index > 0 && range.from - end <= LONGEST_BREAK_MS;
      parts.push({ until: range.from, kind: isBreak ? 'break' : 'outside_hours' });
    }
    parts.push({ until: range.to, kind: 'open' });
    end = range.to;
  }
  if (end < DAY_MS) parts.push({ until: DAY_MS, kind: 'outside_hours' });
  return parts;
}

/** The parts of a holiday: what the week would have had open, and the day has not, is the holiday's doing. */
function partsOfHoliday(holiday: Holiday, usual: readonly Range[]): DayPart[] {
  const { name } = holiday;
  const open = toRanges(holiday.hours ?? []);
  // A holiday on a day that is closed anyway explains nothing.
  if (open.length === 0)
    return usual.length === 0 ? partsOfDay([]) : [{ until: DAY_MS, kind: 'holiday', name }];
  const usualStart = usual[0]?.from ?? DAY_MS;
  const usualEnd = usual.at(-1)?.to ?? 0;
  const parts: DayPart[] = [];
  let start = 0;
  for (const part of partsOfDay(open)) {
    const atAnEdge = start === 0 || part.until === DAY_MS;
    const from = Math.max(start, usualStart);
    const to = Math.min(part.until, usualEnd);
    if (part.kind !== 'outside_hours' || !atAnEdge || from >= to) parts.push(part);
    else {
      if (from > start) parts.push({ until: from, kind: 'outside_hours' });
      parts.push({ until: to, kind: 'holiday', name });
      if (to < part.until) parts.push({ until: part.until, kind: 'outside_hours' });
    }
    start = part.until;
  }
  return parts;
}

/** Asked of the zone once between two of its changes: most questions come from the same few months. */
function offsetsOf(timeZone: string): CompiledCalendar['offsetAt'] {
  let known = { offset: 0, from: 0, until: 0 };
  return (epochMs) => {
    if (epochMs < known.from || epochMs >= known.until) {
      const at = (ms: number) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
      const zoned = at(epochMs);
      known = {
        offset: zoned.offsetNanoseconds / 1e6,
        // A change at this very millisecond counts, and 'previous' gives what lies strictly before.
        from:
          at(epochMs + 1).getTimeZoneTransition('previous')?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
        until: zoned.getTimeZoneTransition('next')?.epochMilliseconds ?? Number.POSITIVE_INFINITY,
      };
    }
    return known;
  };
}

/**
 * Validates a calendar and prepares it. Worth keeping when many times are computed with one calendar.
 * @throws InvalidCalendarError
 */
export function compileCalendar(calendar: BusinessCalendar): CompiledCalendar {
  const problems = validateCalendar(calendar);
  if (problems.length > 0) throw new InvalidCalendarError(problems);
  const usual = WEEKDAYS.map((weekday) => toRanges(calendar.week[weekday] ?? []));
  const week = usual.map(partsOfDay);
  // 1970-01-01 was a Thursday, the fourth of the week.
  const weekdayIndex = (epochDay: number): number => (((epochDay + 3) % 7) + 7) % 7;
  const holidays = new Map<number, readonly DayPart[]>();
  for (const holiday of calendar.holidays) {
    const epochDay = Date.parse(holiday.date) / DAY_MS;
    holidays.set(epochDay, partsOfHoliday(holiday, usual[weekdayIndex(epochDay)]!));
  }
  return {
    time_zone: calendar.time_zone,
    partsOf: (epochDay) => holidays.get(epochDay) ?? week[weekdayIndex(epochDay)]!,
    offsetAt: offsetsOf(calendar.time_zone),
  };
}
