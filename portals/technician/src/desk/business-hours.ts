import type { Calendar } from '@psa/app/api/types';

export type Interval = Calendar['week'][string][number];
export type Holiday = Calendar['holidays'][number];

const INTERVAL = /^(\d{1,2}):(\d{2})\s*[-–—]\s*(\d{1,2}):(\d{2})$/;
const HOLIDAY = /^(\d{4}-\d{2}-\d{2})(\s+\S.*)$/;
/** Times at the end of a line: one interval, or several with commas. */
const HOURS_AT_END =
  /\s+(\d{1,2}:\d{2}\s*[-–—]\s*\d{1,2}:\d{2}(?:\s*[,;]\s*\d{1,2}:\d{2}\s*[-–—]\s*\d{1,2}:\d{2})*)$/;

/** `08:00–12:00, 13:00–17:00` */
export function hoursText(hours: readonly Interval[] | undefined): string {
  return (hours ?? []).map(({ start, end }) => `${start}–${end}`).join(', ');
}

/** Hours as typed, in the order of the day; null when they are no times or overlap. Nothing typed is closed. */
export function readHours(text: string): Interval[] | null {
  const hours: Interval[] = [];
  for (const part of text.split(/[,;]/).map((one) => one.trim())) {
    if (part === '') continue;
    const [, fromHour, fromMinute, toHour, toMinute] = INTERVAL.exec(part) ?? [];
    if (fromHour === undefined || fromMinute === undefined || toHour === undefined || toMinute === undefined)
      return null;
    const start = `${fromHour.padStart(2, '0')}:${fromMinute}`;
    const end = `${toHour.padStart(2, '0')}:${toMinute}`;
    // Of one length, times sort as text.
    if (fromMinute > '59' || toMinute > '59' || start > '23:59' || end > '24:00' || start >= end) return null;
    hours.push({ start, end });
  }
  hours.sort((a, b) => (a.start < b.start ? -1 : 1));
  const overlap = hours.some(({ start }, index) => start < (hours[index - 1]?.end ?? ''));
  return overlap ? null : hours;
}

/** One line for each day. */
export function holidaysText(holidays: readonly Holiday[]): string {
  return holidays
    .map(({ date, name, hours }) => [date, name, hoursText(hours)].filter(Boolean).join(' '))
    .join('\n');
}

/** Holidays as typed, in order of date; the first line that cannot be read instead of them. */
export function readHolidays(text: string): { holidays: Holiday[] } | { badLine: string } {
  const holidays: Holiday[] = [];
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '') continue;
    const [, date = '', rest = ''] = HOLIDAY.exec(line) ?? [];
    const times = HOURS_AT_END.exec(rest);
    const name = rest.slice(0, times?.index).trim();
    const hours = times ? readHours(times[1] ?? '') : [];
    if (!isDate(date) || name === '' || name.length > 100 || hours === null) return { badLine: line };
    if (holidays.some((other) => other.date === date)) return { badLine: line };
    holidays.push(hours.length > 0 ? { date, name, hours } : { date, name });
  }
  return { holidays: holidays.toSorted((a, b) => (a.date < b.date ? -1 : 1)) };
}

function isDate(text: string): boolean {
  const time = Date.parse(text);
  // Date.parse may roll the 30th of February over.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
