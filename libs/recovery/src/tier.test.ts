import { describe, expect, it } from 'vitest';
import { BDUF_TIERS } from './policy.ts';
import { tierOf } from './tier.ts';

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
