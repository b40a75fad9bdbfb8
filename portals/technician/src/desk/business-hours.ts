import type { Calendar } from '@psa/app/api/types';
import type { Language } from '@psa/ui/i18n/i18n';
import { dateText, readLeadingDate, readTime } from '@psa/ui/i18n/typed';

export type Interval = Calendar['week'][string][number];
export type Holiday = Calendar['holidays'][number];

/** Times at the end of a line: one interval, or several with commas. What stands before them is a name. */
const CLOCK = String.raw`\d{1,2}(?:[:.]\d{2})?\s*(?:uhr|h)?`;
const SPAN = String.raw`${CLOCK}\s*(?:[-–—]|bis|to)\s*${CLOCK}`;
const HOURS_AT_END = new RegExp(String.raw`(?:^|\s)(${SPAN}(?:\s*(?:[,;]|und|and)\s*${SPAN})*)$`, 'i');

/** `08:00–12:00, 13:00–17:00` */
export function hoursText(hours: readonly Interval[] | undefined): string {
  return (hours ?? []).map(({ start, end }) => `${start}–${end}`).join(', ');
}

/** Hours as typed, in the order of the day; null when they are no times or overlap. Nothing typed is closed. */
export function readHours(text: string): Interval[] | null {
  const hours: Interval[] = [];
  for (const part of text.split(/[,;]|\s(?:und|and|u\.|&)\s/i).map((one) => one.trim())) {
    if (part === '') continue;
    const [from = '', to = '', ...more] = part
      .replace(/^(?:von|from)\s/i, '')
      .split(/\s*[-–—]\s*|\s+(?:bis|to)\s+/i);
    const [start, end] = [readTime(from), readTime(to)];
    // Of one length, times sort as text.
    if (more.length > 0 || start === null || end === null || start > '23:59' || start >= end) return null;
    hours.push({ start, end });
  }
  hours.sort((a, b) => (a.start < b.start ? -1 : 1));
  const overlap = hours.some(({ start }, index) => start < (hours[index - 1]?.end ?? ''));
  return overlap ? null : hours;
}

/** One line for each day, as people of the language write it. */
export function holidaysText(holidays: readonly Holiday[], language: Language): string {
  return holidays
    .map(({ date, name, hours }) =>
      [dateText(date, language), name, hoursText(hours)].filter(Boolean).join(' '),
    )
    .join('\n');
}

/**
 * Holidays as typed, in order of date; the first line that cannot be read instead of them. A day without a year is the next
 * one from `today` on.
 */
export function readHolidays(text: string, today: string): { holidays: Holiday[] } | { badLine: string } {
  const holidays: Holiday[] = [];
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '') continue;
    const read = readLeadingDate(line, today);
    if (!read) return { badLine: line };
    const rest = read.rest.replace(/^[:;,–—-]\s*/, '');
    const times = HOURS_AT_END.exec(rest);
    const name = rest.slice(0, times?.index).trim();
    const hours = times ? readHours(times[1] ?? '') : [];
    const { date } = read;
    if (name === '' || name.length > 100 || hours === null) return { badLine: line };
    if (holidays.some((other) => other.date === date)) return { badLine: line };
    holidays.push(hours.length > 0 ? { date, name, hours } : { date, name });
  }
  return { holidays: holidays.toSorted((a, b) => (a.date < b.date ? -1 : 1)) };
}

/** Found days, those of one name that follow each other together. */
export interface HolidayRun {
  readonly name: string;
  readonly dates: readonly string[];
}

/** Days of one name that follow each other as one: company holidays are chosen as a whole. */
export function holidayRuns(days: readonly { date: string; name: string }[]): HolidayRun[] {
  const runs: { name: string; dates: string[] }[] = [];
  for (const { date, name } of days) {
    const last = runs.at(-1);
    const before = last?.dates.at(-1);
    if (last && before && last.name === name && Date.parse(date) - Date.parse(before) === DAY_MS)
      last.dates.push(date);
    else runs.push({ name, dates: [date] });
  }
  return runs;
}

const DAY_MS = 86_400_000;

/**
 * A name of a calendar's as the field can hold it: what stands there would be read as hours (`Schicht 1-3`), or as none
 * (`–`, which nameless entries have).
 */
function typedName(day: Holiday, language: Language, today: string): string {
  const isRead = (name: string) => {
    const read = readHolidays(holidaysText([{ ...day, name }], language), today);
    return 'holidays' in read && read.holidays.length === 1 && read.holidays[0]?.name === name;
  };
  const bare = day.name.replace(/^[\s:;,–—-]+/, '').trim();
  const names = bare === '' ? [] : [day.name, bare, `${bare}.`];
  return names.find(isRead) ?? (language === 'de' ? 'Feiertag' : 'Holiday');
}

/** The text of the field with days added to it; what stands in it already stays as it is. */
export function withHolidays(
  text: string,
  added: readonly { date: string; name: string }[],
  language: Language,
  today: string,
): string {
  const read = readHolidays(text, today);
  const fresh = added.map((day) => ({ ...day, name: typedName(day, language, today) }));
  // What cannot be read stays for the eye; the new days follow it.
  if ('badLine' in read) return [text.trimEnd(), holidaysText(fresh, language)].filter(Boolean).join('\n');
  const known = new Set(read.holidays.map(({ date }) => date));
  const all = [...read.holidays, ...fresh.filter(({ date }) => !known.has(date))];
  return holidaysText(
    all.toSorted((a, b) => (a.date < b.date ? -1 : 1)),
    language,
  );
}
