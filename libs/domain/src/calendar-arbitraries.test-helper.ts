/** Shared by the tests of calendars and SLAs: calendars, instants, and the slow oracle. */

import fc from 'fast-check';
import type { BusinessCalendar, Holiday, Interval } from './calendar.ts';

const OFFICE_DAY: readonly Interval[] = [
  { start: '08:00', end: '12:00' },
  { start: '13:00', end: '17:00' },
];

/** A German office in 2026: lunch from twelve to one, two holidays and a half-day. */
export const OFFICE: BusinessCalendar = {
  time_zone: 'Europe/Berlin',
  week: { 1: OFFICE_DAY, 2: OFFICE_DAY, 3: OFFICE_DAY, 4: OFFICE_DAY, 5: OFFICE_DAY },
  holidays: [
    { date: '2026-04-03', name: 'Karfreitag' },
    { date: '2026-04-06', name: 'Ostermontag' },
    { date: '2026-12-24', name: 'Heiligabend', hours: [{ start: '08:00', end: '12:00' }] },
    { date: '2026-12-25', name: '1. Weihnachtstag', hours: [] },
  ],
};

/** Whole and half hours of daylight saving, both hemispheres, changes at and around midnight. */
export const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Havana',
  'Africa/Cairo',
  'Asia/Beirut',
  'America/Santiago',
];

const hhmm = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

const intervals: fc.Arbitrary<Interval[]> = fc
  .uniqueArray(fc.integer({ min: 0, max: 96 }), { maxLength: 6 })
  .map((quarters) => {
    const bounds = quarters.sort((a, b) => a - b).map((quarter) => hhmm(quarter * 15));
    const result: Interval[] = [];
    for (let i = 0; i + 1 < bounds.length; i += 2) result.push({ start: bounds[i]!, end: bounds[i + 1]! });
    return result;
  });

/** Noon is always open on Wednesdays: never an empty calendar, and no absurdly rare one. */
const WEDNESDAY: readonly Interval[] = [{ start: '11:00', end: '13:00' }];

const holiday: fc.Arbitrary<Holiday> = fc.record({
  date: fc.nat(730).map((days) => Temporal.PlainDate.from('2026-01-01').add({ days }).toString()),
  name: fc.constantFrom('Feiertag', 'Betriebsausflug'),
  hours: fc.option(intervals, { nil: undefined }),
});

export const anyCalendar: fc.Arbitrary<BusinessCalendar> = fc.record({
  time_zone: fc.constantFrom(...ZONES, 'UTC', 'Asia/Kathmandu'),
  week: fc
    .tuple(intervals, intervals, intervals, intervals, intervals, intervals)
    .map(([mon, tue, thu, fri, sat, sun]) => ({
      1: mon,
      2: tue,
      3: WEDNESDAY,
      4: thu,
      5: fri,
      6: sat,
      7: sun,
    })),
  holidays: fc.uniqueArray(holiday, { selector: (h) => h.date, maxLength: 8 }),
});

/** Full minutes of 2026 and 2027, half of them in the days around Berlin's changes of the clocks. */
export const anyInstant: fc.Arbitrary<Temporal.Instant> = fc.oneof(
  fc.nat(2 * 365 * 1440).map((m) => Temporal.Instant.from('2026-01-01T00:00:00Z').add({ minutes: m })),
  fc
    .tuple(fc.constantFrom('2026-03-28T00:00:00Z', '2026-10-24T00:00:00Z'), fc.nat(2880))
    .map(([day, m]) => Temporal.Instant.from(day).add({ minutes: m })),
);

/** The definition of open time, asked of one instant. Minutes from full minute to full minute are whole. */
export function isOpenAt(calendar: BusinessCalendar, at: Temporal.Instant): boolean {
  const wall = at.toZonedDateTimeISO(calendar.time_zone);
  const holidayToday = calendar.holidays.find((h) => h.date === wall.toPlainDate().toString());
  const today = holidayToday ? holidayToday.hours : calendar.week[wall.dayOfWeek];
  const time = wall.toPlainTime().toString().slice(0, 5);
  return (today ?? []).some(({ start, end }) => start <= time && time < end);
}
