import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BDUF_TIERS } from './policy.ts';
import { tierOf, tiersByDay } from './tier.ts';

const of = (at: string, zone = 'UTC') => tierOf(BDUF_TIERS, Temporal.Instant.from(at), zone)?.name;

describe('the tier of a run', () => {
  it.each([
    ['2026-11-01T02:00:00Z', 'grandfather'],
    ['2026-11-07T02:00:00Z', 'son'],
    ['2026-11-08T02:00:00Z', 'father'],
    ['2026-11-29T02:00:00Z', 'father'],
    ['2026-11-30T02:00:00Z', 'son'],
    ['2026-02-01T02:00:00Z', 'grandfather'],
  ])('%s: %s', (at, name) => expect(of(at)).toBe(name));

  it('follows the day of the zone, not of UTC', () => {
    // Saturday 23:30 in UTC is Sunday in Berlin; and Sunday 02:00 in UTC is still Saturday in St. John's.
    expect(of('2026-11-07T23:30:00Z', 'Europe/Berlin')).toBe('father');
    expect(of('2026-11-08T02:00:00Z', 'America/St_Johns')).toBe('son');
  });

  it('is the rarest that the policy has: without a grandfather a first Sunday is the father’s', () => {
    const two = BDUF_TIERS.slice(0, 2);
    expect(tierOf(two, Temporal.Instant.from('2026-11-01T02:00:00Z'), 'UTC')?.name).toBe('father');
    expect(tierOf(BDUF_TIERS.slice(1), Temporal.Instant.from('2026-11-30T02:00:00Z'), 'UTC')).toBeNull();
  });

  it('may have other days than a Sunday', () => {
    const tiers = [
      { name: 'daily', on: 'every-day', keep: 7 },
      { name: 'weekly', on: 'friday', keep: 4 },
      { name: 'monthly', on: 'first-friday', keep: 12 },
    ] as const;
    const on = (at: string) => tierOf(tiers, Temporal.Instant.from(at), 'UTC')?.name;
    expect(on('2026-11-06T02:00:00Z')).toBe('monthly');
    expect(on('2026-11-13T02:00:00Z')).toBe('weekly');
    expect(on('2026-11-08T02:00:00Z')).toBe('daily');
  });
});

it('of many runs is that of each, in whatever zone and around its midnights', () => {
  // Offsets of half and quarter hours, changes at midnight, a day that was left out; and seconds, in former times.
  const zones = [
    'UTC',
    'Europe/Berlin',
    'Asia/Kathmandu',
    'America/Havana',
    'Pacific/Apia',
    'Africa/Monrovia',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...zones, 'Australia/Lord_Howe', 'America/St_Johns'),
      fc.array(
        fc.record({
          day: fc.date({ min: new Date('1970-01-01'), max: new Date('2060-01-01'), noInvalidDate: true }),
          // Near the quarters of an hour, which is where days begin.
          near: fc.integer({ min: -2_000, max: 2_000 }),
        }),
        { minLength: 1, maxLength: 50 },
      ),
      (zone, moments) => {
        const ofDay = tiersByDay(BDUF_TIERS, zone);
        for (const { day, near } of moments) {
          const midnight = Temporal.Instant.fromEpochMilliseconds(day.getTime())
            .toZonedDateTimeISO(zone)
            .startOfDay()
            .toInstant();
          for (const at of [
            midnight.add({ milliseconds: near }),
            Temporal.Instant.fromEpochMilliseconds(day.getTime()),
          ])
            expect(ofDay(at)?.name).toBe(tierOf(BDUF_TIERS, at, zone)?.name);
        }
      },
    ),
    { numRuns: 200 },
  );
});
