import type { IcsHolidays } from '@psa/contracts/holidays';
import type { Static } from 'typebox';
import { type Content, contentLines, textValue } from './ics-lines.ts';
import { datesByYear, type YearlyRule, yearlyRule } from './ics-rule.ts';

export type Read = Static<typeof IcsHolidays>;
type Skipped = Read['skipped'][number];

/** What is taken of a file: days of these years, clock times in this zone. */
export interface Window {
  readonly from: number;
  readonly to: number;
  readonly timeZone: string;
}

/** So many of what was left out are named. */
const NAMED = 50;
/** No entry is a longer time off than a year. */
const LONGEST_DAYS = 366;
const LONGEST_YEARS = 2;
const LONGEST_NAME = 100;

/** An entry: its lines by name, several of one name in their order. */
type Event = ReadonlyMap<string, readonly Content[]>;

/** A file that is no calendar. */
export class NoCalendar extends Error {}
/** One that says more than any calendar of holidays does, and would take long to read. */
export class TooMuch extends Error {}

/** Entries, dates and days that are looked at: large calendars of people have some ten thousand. */
const MOST_STEPS = 100_000;

/**
 * Days off out of an iCalendar file (RFC 5545): all-day entries of whatever maker, those that come back each year on each of
 * their days. What has times, or comes back by a rule that is not known, is named instead. The file is read by us: ical.js
 * makes the 2nd of March of a yearly 30th of February, and does not come back from `FREQ=WEEKLY;BYMONTH=13`.
 * @throws NoCalendar, TooMuch
 */
export function readIcs(text: string, window: Window): Read {
  const events = eventsOf(text);
  const names = new Map<string, Set<string>>();
  const skipped: Skipped[] = [];
  let skippedCount = 0;
  let steps = 0;
  const spend = (count: number) => {
    steps += count;
    if (steps > MOST_STEPS) throw new TooMuch();
  };
  const replaced = replacedDays(events, window.timeZone);
  for (const event of events) {
    spend(1);
    if (textOf(event, 'STATUS') === 'CANCELLED') continue;
    const name = nameOf(event);
    const read = daysOf(event, window, replaced, spend);
    if ('reason' in read) {
      skippedCount += 1;
      if (skipped.length < NAMED) skipped.push({ name, date: read.date, reason: read.reason });
      continue;
    }
    for (const date of read.days) {
      const known = names.get(date);
      if (known) known.add(name);
      else names.set(date, new Set([name]));
    }
  }
  const holidays = [...names]
    .map(([date, all]) => ({ date, name: cut([...all].join(' / ')) }))
    .sort((a, b) => (a.date < b.date ? -1 : 1));
  return { holidays, skipped, skipped_count: skippedCount };
}

/** A reminder in an entry in a calendar is three deep. */
const DEEPEST = 50;

/** The entries of all calendars in a file; what lies inside of them (reminders) is none of their lines. */
function eventsOf(text: string): Event[] {
  const events: Event[] = [];
  const open: string[] = [];
  let event = new Map<string, Content[]>();
  let isCalendar = false;
  for (const line of contentLines(text)) {
    const value = line.value.trim().toUpperCase();
    if (line.name === 'BEGIN') {
      open.push(value);
      // Each end looks for its beginning among them.
      if (open.length > DEEPEST) throw new TooMuch();
      isCalendar ||= value === 'VCALENDAR';
      if (value === 'VEVENT') event = new Map();
    } else if (line.name === 'END') {
      if (open.at(-1) === 'VEVENT' && value === 'VEVENT') events.push(event);
      // What was left open ends with what is around it.
      const at = open.lastIndexOf(value);
      if (at !== -1) open.length = at;
    } else if (open.at(-1) === 'VEVENT') {
      const known = event.get(line.name);
      if (known) known.push(line);
      else event.set(line.name, [line]);
    }
  }
  if (!isCalendar) throw new NoCalendar();
  return events;
}

const textOf = (event: Event, name: string) => event.get(name)?.[0]?.value.trim() ?? '';

/** In German where a calendar has several languages, as the desk's own holidays are. */
function nameOf(event: Event): string {
  const all = event.get('SUMMARY') ?? [];
  const one = all.find(({ params }) => /^de\b/i.test(params.get('LANGUAGE') ?? '')) ?? all[0];
  const name = textValue(one?.value ?? '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return cut(name) || '–';
}

const cut = (name: string) =>
  name.length <= LONGEST_NAME
    ? name
    : name
        .slice(0, LONGEST_NAME)
        .replace(/[\ud800-\udbff]$/, '')
        .trim();

/** A day in a calendar, with whether the line says a time of it. */
interface Moment {
  readonly date: Temporal.PlainDate;
  readonly isMidnight: boolean;
  readonly isDate: boolean;
}

const MOMENT = /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})?(Z?))?$/;

/** Null for what is no date. Times of other zones count as they stand: a day off is one by the clock of the office. */
function momentOf(value: string, timeZone: string): Moment | null {
  const [all, year, month, day, hour, minute, second = '00', zone] = MOMENT.exec(value.trim()) ?? [];
  if (all === undefined) return null;
  try {
    const plain = Temporal.PlainDateTime.from(
      `${year}-${month}-${day}T${hour ?? '00'}:${minute ?? '00'}:${second === '60' ? '59' : second}`,
      { overflow: 'reject' },
    );
    const local =
      zone === 'Z' ? plain.toZonedDateTime('UTC').withTimeZone(timeZone).toPlainDateTime() : plain;
    const isMidnight = local.hour === 0 && local.minute === 0 && local.second === 0;
    return { date: local.toPlainDate(), isMidnight, isDate: hour === undefined };
  } catch {
    return null;
  }
}

/** Days on which an entry that comes back is replaced by another one, by the id that both have. */
function replacedDays(events: readonly Event[], timeZone: string): Map<string, Set<string>> {
  const replaced = new Map<string, Set<string>>();
  for (const event of events) {
    const day = momentOf(textOf(event, 'RECURRENCE-ID'), timeZone)?.date.toString();
    if (day === undefined) continue;
    const id = textOf(event, 'UID');
    replaced.set(id, (replaced.get(id) ?? new Set()).add(day));
  }
  return replaced;
}

function datesIn(event: Event, name: string, timeZone: string, spend: (count: number) => void): string[] {
  const values = (event.get(name) ?? []).flatMap(({ value }) => value.split(','));
  spend(values.length);
  return values.flatMap((value) => momentOf(value.split('/')[0]!, timeZone)?.date.toString() ?? []);
}

/** The days of an entry that lie in the window, or why it has none. */
function daysOf(
  event: Event,
  window: Window,
  replaced: ReadonlyMap<string, ReadonlySet<string>>,
  spend: (count: number) => void,
): { days: string[] } | Omit<Skipped, 'name'> {
  const { timeZone } = window;
  const start = momentOf(textOf(event, 'DTSTART'), timeZone);
  if (!start) return { date: '', reason: 'unreadable' };
  const date = start.date.toString();
  const length = lengthOf(event, start, timeZone);
  if (length === null) return { date, reason: 'timed' };
  const rules = (event.get('RRULE') ?? []).map(({ value }) => yearlyRule(value, start.date));
  if (rules.some((rule) => rule === null)) return { date, reason: 'rule' };
  const left = new Set([
    ...datesIn(event, 'EXDATE', timeZone, spend),
    ...(event.has('RECURRENCE-ID') ? [] : (replaced.get(textOf(event, 'UID')) ?? [])),
  ]);
  const starts = new Set([date, ...datesIn(event, 'RDATE', timeZone, spend)]);
  // One that began in the year before may last into the window.
  for (const rule of rules as YearlyRule[])
    for (const one of datesByYear(rule, start.date, window.from - 1, window.to, spend)) starts.add(one);
  const [first, last] = [`${window.from}-01-01`, `${window.to}-12-31`];
  const days: string[] = [];
  for (const one of starts) {
    if (left.has(one) || one > last || one < `${window.from - LONGEST_YEARS}-01-01`) continue;
    spend(length);
    const from = Temporal.PlainDate.from(one);
    for (let day = 0; day < length; day++) {
      const date = from.add({ days: day }).toString();
      if (date >= first && date <= last) days.push(date);
    }
  }
  return { days };
}

/** Over how many whole days an entry goes; null where it is none of whole days. */
function lengthOf(event: Event, start: Moment, timeZone: string): number | null {
  const end = momentOf(textOf(event, 'DTEND'), timeZone);
  const isAllDay = /^TRUE$/i.test(textOf(event, 'X-MICROSOFT-CDO-ALLDAYEVENT'));
  const [, weeks, days] = /^P(?:(\d{1,3})W|(\d{1,3})D)(?:T0[HMS])*$/.exec(textOf(event, 'DURATION')) ?? [];
  const lasting = weeks === undefined ? Number(days ?? 0) : Number(weeks) * 7;
  if (!start.isDate && !isAllDay) {
    const wholeDays = start.isMidnight && (end ? end.isMidnight : lasting > 0);
    if (!wholeDays) return null;
  }
  // The end is the first day after it. Some makers say the same day, or an earlier one, of a single day.
  const length = end ? start.date.until(end.date, { largestUnit: 'days' }).days : lasting;
  // From midnight to the same midnight is no time off.
  if (!start.isDate && !isAllDay && length < 1) return null;
  return Math.min(Math.max(length, 1), LONGEST_DAYS);
}
