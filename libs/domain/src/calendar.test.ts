import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alwaysOpen,
  type BusinessCalendar,
  compileCalendar,
  DAY_MS,
  type Interval,
  validateCalendar,
} from './calendar.ts';
import { anyCalendar, OFFICE } from './calendar-arbitraries.test-helper.ts';

const problems = (changes: Partial<BusinessCalendar>): [string, string][] =>
  validateCalendar({ ...OFFICE, ...changes }).map((p) => [p.field, p.message]);
const fields = (changes: Partial<BusinessCalendar>): string[] => problems(changes).map(([field]) => field);

describe('validateCalendar', () => {
  it('accepts an office and round-the-clock service', () => {
    expect(validateCalendar(OFFICE)).toEqual([]);
    expect(validateCalendar(alwaysOpen())).toEqual([]);
    expect(validateCalendar(JSON.parse(JSON.stringify(OFFICE)))).toEqual([]);
  });

  it.each(['', 'Berlin', 'Europe/Nowhere', '+01:00', 'Europe/Berlin '])(
    'refuses the zone "%s"',
    (time_zone) => {
      expect(fields({ time_zone })).toEqual(['time_zone']);
    },
  );

  it('names every bad interval', () => {
    expect(
      fields({
        week: {
          1: [{ start: '8:00', end: '12:00' }],
          2: [
            { start: '08:00', end: '24:01' },
            { start: '24:00', end: '24:00' },
          ],
          3: [{ start: '12:00', end: '12:00' }],
          4: [
            { start: '13:00', end: '17:00' },
            { start: '08:00', end: '13:01' },
          ],
        },
      }),
    ).toEqual(['week.1[0].start', 'week.2[0].end', 'week.2[1].start', 'week.3[0]', 'week.4[0]']);
    expect(problems({ week: { 1: [{ start: '22:00', end: '06:00' }] } })).toEqual([
      [
        'week.1[0]',
        'must end after it starts; work over midnight is two intervals, 22:00 to 24:00 and 00:00 to 06:00 on the next day',
      ],
    ]);
  });

  it('refuses weekdays that are none and weeks without work', () => {
    const week = { 0: [{ start: '08:00', end: '12:00' }], 1: [{ start: '08:00', end: '12:00' }] };
    expect(fields({ week })).toEqual(['week.0']);
    expect(fields({ week: {} })).toEqual(['week']);
    expect(fields({ week: { 1: [] } })).toEqual(['week']);
  });

  it('names every bad holiday', () => {
    expect(
      fields({
        holidays: [
          { date: '2026-02-30', name: 'x' },
          { date: '2026-2-3', name: 'x' },
          { date: '2026-05-01', name: ' ' },
          { date: '2026-05-01', name: 'twice' },
          { date: '2028-02-29', name: 'x', hours: [{ start: '12:00', end: '08:00' }] },
        ],
      }),
    ).toEqual([
      'holidays[0].date',
      'holidays[1].date',
      'holidays[2].name',
      'holidays[3].date',
      'holidays[4].hours[0]',
    ]);
  });
});

describe('compileCalendar', () => {
  it('knows the offset of its zone, around each change and in whatever order it is asked', () => {
    for (const time_zone of [
      'Europe/Berlin',
      'Australia/Lord_Howe',
      'America/Sao_Paulo',
      'Asia/Kolkata',
      'UTC',
    ]) {
      const { offsetAt } = compileCalendar({ ...OFFICE, time_zone });
      const zoned = (ms: number) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(time_zone);
      let change = zoned(Date.UTC(2015, 0)).getTimeZoneTransition('next');
      const moments = [Date.UTC(2026, 5), Date.UTC(1969, 11), Date.UTC(2026, 0), Date.UTC(2026, 5)];
      for (; change && change.year < 2028; change = change.getTimeZoneTransition('next')) {
        moments.unshift(...[1, 0, -1].map((off) => change!.epochMilliseconds + off));
      }
      for (const ms of [...moments, ...moments.toReversed()]) {
        const { offset, from, until } = offsetAt(ms);
        expect(offset).toBe(zoned(ms).offsetNanoseconds / 1e6);
        expect(from <= ms && ms < until).toBe(true);
      }
    }
  });

  const partsOn = (calendar: BusinessCalendar, date: string): [number, string][] =>
    compileCalendar(calendar)
      .partsOf(Date.parse(date) / DAY_MS)
      .map((part) => [part.until / 3_600_000, part.kind]);

  it('divides a day into its parts', () => {
    expect(partsOn(OFFICE, '2026-03-02')).toEqual([
      [8, 'outside_hours'],
      [12, 'open'],
      [13, 'break'],
      [17, 'open'],
      [24, 'outside_hours'],
    ]);
    expect(partsOn(OFFICE, '2026-03-01')).toEqual([[24, 'outside_hours']]);
    expect(partsOn(OFFICE, '1969-12-31')).toEqual(partsOn(OFFICE, '2026-03-04'));
  });

  it('tells a holiday from a Sunday', () => {
    const holidays = [
      { date: '2026-05-01', name: 'Tag der Arbeit' },
      { date: '2026-05-03', name: 'ein Sonntag' },
    ];
    expect(partsOn({ ...OFFICE, holidays }, '2026-05-01')).toEqual([[24, 'holiday']]);
    expect(partsOn({ ...OFFICE, holidays }, '2026-05-03')).toEqual([[24, 'outside_hours']]);
  });

  it('blames the holiday only for the hours that it takes away', () => {
    const on = (hours: Interval[]): [number, string][] =>
      partsOn({ ...OFFICE, holidays: [{ date: '2026-05-01', name: 'x', hours }] }, '2026-05-01');
    expect(on([{ start: '10:00', end: '14:00' }])).toEqual([
      [8, 'outside_hours'],
      [10, 'holiday'],
      [14, 'open'],
      [17, 'holiday'],
      [24, 'outside_hours'],
    ]);
    expect(on([{ start: '00:00', end: '09:00' }])).toEqual([
      [9, 'open'],
      [17, 'holiday'],
      [24, 'outside_hours'],
    ]);
    expect(on([{ start: '18:00', end: '20:00' }])).toEqual([
      [8, 'outside_hours'],
      [17, 'holiday'],
      [18, 'outside_hours'],
      [20, 'open'],
      [24, 'outside_hours'],
    ]);
  });

  it('covers every day to its end, in order', () => {
    fc.assert(
      fc.property(anyCalendar, fc.integer({ min: 20_454, max: 21_184 }), (calendar, day) => {
        let end = 0;
        for (const part of compileCalendar(calendar).partsOf(day)) {
          expect(part.until).toBeGreaterThan(end);
          end = part.until;
        }
        expect(end).toBe(DAY_MS);
      }),
    );
  });
});
