import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addBusinessMinutes,
  businessMinutesBetween,
  HorizonError,
  type Suspension,
  walkBusinessTime,
} from './business-time.ts';
import { alwaysOpen, type BusinessCalendar, compileCalendar, InvalidCalendarError } from './calendar.ts';
import { anyCalendar, anyInstant, isOpenAt, OFFICE, ZONES } from './calendar-arbitraries.test-helper.ts';

const berlin = (local: string): Temporal.Instant =>
  Temporal.PlainDateTime.from(local).toZonedDateTime('Europe/Berlin').toInstant();
const local = (at: Temporal.Instant, zone = 'Europe/Berlin'): string =>
  at.toZonedDateTimeISO(zone).toPlainDateTime().toString({ smallestUnit: 'minute' });

describe('addBusinessMinutes', () => {
  it('skips the evening, the weekend, the holiday and lunch', () => {
    // Thursday before Easter; Good Friday and Easter Monday are holidays.
    const { due, steps } = addBusinessMinutes(berlin('2026-04-02T16:00'), 6 * 60, OFFICE);
    expect(local(due)).toBe('2026-04-07T14:00');
    expect(steps.map((s) => [s.kind, local(s.at), s.minutes, s.running_total, s.params.name])).toEqual([
      ['counted', '2026-04-02T16:00', 60, 60, undefined],
      ['outside_hours', '2026-04-02T17:00', 420, 60, undefined],
      ['holiday', '2026-04-03T00:00', 1440, 60, 'Karfreitag'],
      ['outside_hours', '2026-04-04T00:00', 2880, 60, undefined],
      ['holiday', '2026-04-06T00:00', 1440, 60, 'Ostermontag'],
      ['outside_hours', '2026-04-07T00:00', 480, 60, undefined],
      ['counted', '2026-04-07T08:00', 240, 300, undefined],
      ['break', '2026-04-07T12:00', 60, 300, undefined],
      ['counted', '2026-04-07T13:00', 60, 360, undefined],
    ]);
  });

  it('ends at the earliest instant: at closing time, not at the next opening', () => {
    expect(local(addBusinessMinutes(berlin('2026-03-02T08:00'), 480, OFFICE).due)).toBe('2026-03-02T17:00');
    expect(local(addBusinessMinutes(berlin('2026-03-02T08:00'), 481, OFFICE).due)).toBe('2026-03-03T08:01');
    const sunday = berlin('2026-03-01T12:00');
    expect(addBusinessMinutes(sunday, 0, OFFICE)).toEqual({ due: sunday, steps: [] });
  });

  it('closes early on a half-day and says why', () => {
    const { due, steps } = addBusinessMinutes(berlin('2026-12-24T11:00'), 120, OFFICE);
    expect(local(due)).toBe('2026-12-28T09:00');
    expect(steps.slice(0, 3).map((s) => [s.kind, local(s.until), s.params.name])).toEqual([
      ['counted', '2026-12-24T12:00', undefined],
      ['holiday', '2026-12-24T17:00', 'Heiligabend'],
      ['outside_hours', '2026-12-25T00:00', undefined],
    ]);
  });

  it('works through the night in one step', () => {
    const night: BusinessCalendar = {
      time_zone: 'Europe/Berlin',
      week: {
        1: [{ start: '22:00', end: '24:00' }],
        2: [
          { start: '00:00', end: '06:00' },
          { start: '22:00', end: '24:00' },
        ],
      },
      holidays: [],
    };
    const { due, steps } = addBusinessMinutes(berlin('2026-03-02T20:00'), 9 * 60, night);
    expect(local(due)).toBe('2026-03-03T23:00');
    expect(steps.map((s) => [s.kind, s.minutes])).toEqual([
      ['outside_hours', 120],
      ['counted', 480],
      ['outside_hours', 960],
      ['counted', 60],
    ]);
  });

  it('refuses calendars and minutes that make no sense', () => {
    const closed = { time_zone: 'Europe/Berlin', week: {}, holidays: [] };
    expect(() => addBusinessMinutes(berlin('2026-03-02T08:00'), 1, closed)).toThrow(InvalidCalendarError);
    expect(() => addBusinessMinutes(berlin('2026-03-02T08:00'), 1, closed)).toThrow(
      'open on at least one weekday',
    );
    expect(() => addBusinessMinutes(berlin('2026-03-02T08:00'), -1, OFFICE)).toThrow(RangeError);
    expect(() => addBusinessMinutes(berlin('2026-03-02T08:00'), Number.NaN, OFFICE)).toThrow(RangeError);
    const rare: BusinessCalendar = {
      time_zone: 'UTC',
      week: { 1: [{ start: '00:00', end: '00:01' }] },
      holidays: [],
    };
    expect(() => addBusinessMinutes(berlin('2026-03-02T08:00'), 6000, rare)).toThrow(HorizonError);
  });
});

describe('daylight saving', () => {
  const day = (zone: string, date: string): number => {
    const from = Temporal.PlainDate.from(date).toZonedDateTime(zone);
    return businessMinutesBetween(from.toInstant(), from.add({ days: 1 }).toInstant(), alwaysOpen(zone)) / 60;
  };

  it('gives days their real length', () => {
    expect(day('Europe/Berlin', '2026-03-29')).toBe(23);
    expect(day('Europe/Berlin', '2026-10-25')).toBe(25);
    expect(day('America/New_York', '2026-03-08')).toBe(23);
    expect(day('America/New_York', '2026-11-01')).toBe(25);
    expect(day('Australia/Lord_Howe', '2026-04-05')).toBe(24.5);
    expect(day('Australia/Lord_Howe', '2026-10-04')).toBe(23.5);
  });

  it('skips what the gap skips and counts twice what the fold repeats', () => {
    const early: BusinessCalendar = {
      time_zone: 'Europe/Berlin',
      week: { 7: [{ start: '01:00', end: '02:30' }] },
      holidays: [],
    };
    const sunday = (date: string): number =>
      businessMinutesBetween(berlin(`${date}T00:00`), berlin(`${date}T12:00`), early);
    expect(sunday('2026-03-22')).toBe(90);
    expect(sunday('2026-03-29')).toBe(60);
    expect(sunday('2026-10-25')).toBe(120);
  });

  it('keeps office hours on the wall clock across a change', () => {
    // Friday to Monday over the change to summer time: the same wall time, an hour less of real time.
    const { due, steps } = addBusinessMinutes(berlin('2026-03-27T16:30'), 60, OFFICE);
    expect(local(due)).toBe('2026-03-30T08:30');
    expect(steps[1]).toMatchObject({ kind: 'outside_hours', minutes: 62 * 60 });
  });

  it('survives clocks set back over midnight and a date that never was', () => {
    // St John's went from 00:01 back to 23:01 of the day before; Samoa had no 30 December 2011, a Friday.
    const saturday: BusinessCalendar = {
      time_zone: 'America/St_Johns',
      week: { 6: [{ start: '23:00', end: '24:00' }] },
      holidays: [],
    };
    const from = Temporal.Instant.from('2010-11-06T12:00:00Z');
    expect(businessMinutesBetween(from, from.add({ hours: 48 }), saturday)).toBe(60 + 59);
    const friday: BusinessCalendar = {
      time_zone: 'Pacific/Apia',
      week: { 5: [{ start: '00:00', end: '24:00' }] },
      holidays: [],
    };
    const week = Temporal.Instant.from('2011-12-27T00:00:00Z');
    expect(businessMinutesBetween(week, week.add({ hours: 7 * 24 }), friday)).toBe(0);
  });
});

describe('for every calendar', () => {
  const minutes = fc.integer({ min: 0, max: 20_000 });

  it('adding minutes and measuring them agree', () => {
    fc.assert(
      fc.property(anyCalendar, anyInstant, minutes, (calendar, start, m) => {
        const { due } = addBusinessMinutes(start, m, calendar);
        expect(businessMinutesBetween(start, due, calendar)).toBe(m);
        expect(businessMinutesBetween(due, start, calendar)).toBe(-m || 0);
      }),
    );
  });

  it('adding in two steps is adding at once', () => {
    fc.assert(
      fc.property(anyCalendar, anyInstant, minutes, minutes, (calendar, start, a, b) => {
        const once = addBusinessMinutes(start, a + b, calendar).due;
        const first = addBusinessMinutes(start, a, calendar).due;
        expect(addBusinessMinutes(first, b, calendar).due.toString()).toBe(once.toString());
      }),
    );
  });

  it('more minutes are due later', () => {
    fc.assert(
      fc.property(
        anyCalendar,
        anyInstant,
        minutes,
        fc.integer({ min: 1, max: 500 }),
        (calendar, start, m, more) => {
          const sooner = addBusinessMinutes(start, m, calendar).due;
          const later = addBusinessMinutes(start, m + more, calendar).due;
          expect(later.since(sooner).total('minutes')).toBeGreaterThanOrEqual(more);
        },
      ),
    );
  });

  it('explains without gaps, in steps that add up', () => {
    fc.assert(
      fc.property(anyCalendar, anyInstant, fc.integer({ min: 1, max: 20_000 }), (calendar, start, m) => {
        const { due, steps } = addBusinessMinutes(start, m, calendar);
        expect(steps[0]!.at.equals(start)).toBe(true);
        expect(steps.at(-1)).toMatchObject({ kind: 'counted', running_total: m });
        expect(steps.at(-1)!.until.equals(due)).toBe(true);
        let total = 0;
        for (const [index, step] of steps.entries()) {
          expect(step.minutes).toBeGreaterThan(0);
          expect(step.until.since(step.at).total('minutes')).toBe(step.minutes);
          if (step.kind === 'counted') total += step.minutes;
          expect(step.running_total).toBe(total);
          const next = steps[index + 1];
          if (next) expect(next.at.equals(step.until)).toBe(true);
        }
        expect(total).toBe(m);
      }),
    );
  });

  it('agrees with a count minute by minute, suspensions included', () => {
    const pause = fc.record({ from: fc.nat(4000), length: fc.nat(1500) });
    fc.assert(
      fc.property(
        anyCalendar,
        anyInstant,
        fc.integer({ min: 1, max: 4000 }),
        fc.array(pause, { maxLength: 3 }),
        (calendar, start, span, pauses) => {
          const suspensions: Suspension[] = pauses.map(({ from, length }) => ({
            from: start.add({ minutes: from }),
            until: start.add({ minutes: from + length }),
            reason: 'waiting_customer',
          }));
          let counted = 0;
          for (let minute = 0; minute < span; minute += 1) {
            const suspended = pauses.some(({ from, length }) => minute >= from && minute < from + length);
            if (!suspended && isOpenAt(calendar, start.add({ minutes: minute }))) counted += 1;
          }
          const until = start.add({ minutes: span });
          const walk = walkBusinessTime(start, { until }, calendar, suspensions);
          expect(walk.counted_minutes).toBe(counted);
          expect(businessMinutesBetween(start, until, calendar, suspensions)).toBe(counted);
          expect(walk.end.equals(until)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('agrees with the count around every change of the clocks', () => {
    for (const zone of ZONES) {
      const calendar: BusinessCalendar = {
        time_zone: zone,
        week: {
          6: [{ start: '22:15', end: '24:00' }],
          7: [
            { start: '00:00', end: '00:45' },
            { start: '01:15', end: '02:30' },
            { start: '02:45', end: '03:10' },
          ],
        },
        holidays: [],
      };
      let change = Temporal.Instant.from('2025-12-31T00:00:00Z').toZonedDateTimeISO(zone);
      for (let n = 0; n < 2; n += 1) {
        change = change.getTimeZoneTransition('next')!;
        const from = change.toInstant().subtract({ hours: 8 });
        let counted = 0;
        for (let minute = 0; minute < 960; minute += 1) {
          if (isOpenAt(calendar, from.add({ minutes: minute }))) counted += 1;
        }
        expect(businessMinutesBetween(from, from.add({ hours: 16 }), calendar), `${change}`).toBe(counted);
      }
    }
  });

  it('is exact for instants between full minutes', () => {
    fc.assert(
      fc.property(
        anyCalendar,
        anyInstant,
        fc.nat(59_999),
        fc.integer({ min: 1, max: 3000 }),
        (calendar, at, ms, m) => {
          const start = at.add({ milliseconds: ms });
          const compiled = compileCalendar(calendar);
          const { due, steps } = addBusinessMinutes(start, m, compiled);
          expect(businessMinutesBetween(start, due, compiled)).toBe(m);
          expect(steps.at(-1)!.running_total).toBe(m);
        },
      ),
    );
  });
});

it('walks years day by day', () => {
  const start = berlin('2000-01-01T00:00');
  const minutes = businessMinutesBetween(start, berlin('2050-01-01T00:00'), OFFICE);
  // 13,045 weekdays in these fifty years, less three full holidays and half of the half-day.
  expect(minutes).toBe((13_045 - 3) * 480 - 240);
  expect(local(addBusinessMinutes(start, minutes, OFFICE).due)).toBe('2049-12-31T17:00');
});
