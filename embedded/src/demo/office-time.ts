import { nationalHolidays } from '@psa/tickets/holidays/public-holidays';

const ZONE = 'Europe/Berlin';
/** As every new desk has them; its SLA clocks count the same minutes. */
const OPEN_HOURS: readonly (readonly [number, number])[] = [
  [8, 12],
  [13, 17],
];
const MINUTE = 60_000;

const isWorkday = (day: Temporal.PlainDate) =>
  day.dayOfWeek <= 5 && !nationalHolidays('DE', day.year).some(({ date }) => date === day.toString());

const at = (day: Temporal.PlainDate, minute: number) =>
  day.toZonedDateTime({ timeZone: ZONE, plainTime: Temporal.PlainTime.from({ hour: 0 }) }).with({
    hour: Math.floor(minute / 60),
    minute: minute % 60,
  }).epochMilliseconds;

const dayOf = (instant: Date) =>
  Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(ZONE).toPlainDate();

/** The moment that lies so many office minutes before `now`. */
export function officeMinutesBefore(now: Date, minutes: number): Date {
  let left = minutes * MINUTE;
  for (let day = dayOf(now); ; day = day.subtract({ days: 1 })) {
    if (!isWorkday(day)) continue;
    for (const [from, until] of OPEN_HOURS.toReversed()) {
      const start = at(day, from * 60);
      const end = Math.min(at(day, until * 60), now.getTime());
      if (end <= start) continue;
      if (left < end - start) return new Date(end - left);
      left -= end - start;
    }
  }
}

/** The moment so many office minutes after `from`. */
export function officeMinutesAfter(from: Date, minutes: number): Date {
  let left = minutes * MINUTE;
  for (let day = dayOf(from); ; day = day.add({ days: 1 })) {
    if (!isWorkday(day)) continue;
    for (const [open, close] of OPEN_HOURS) {
      const start = Math.max(at(day, open * 60), from.getTime());
      const end = at(day, close * 60);
      if (end <= start) continue;
      if (left < end - start) return new Date(start + left);
      left -= end - start;
    }
  }
}

/** So many minutes after 8:00 in Berlin on the day some days ago; where nobody worked, on the workday before. */
export function workdayMoment(now: Date, daysAgo: number, minute: number): Date {
  let day = dayOf(now).subtract({ days: daysAgo });
  while (!isWorkday(day)) day = day.subtract({ days: 1 });
  return new Date(at(day, 8 * 60 + minute));
}
