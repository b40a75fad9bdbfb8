import { describe, expect, it } from 'vitest';
import { type DueTier, dueNow, lastDue } from './due.ts';

const TIERS: readonly DueTier[] = [
  { name: 'son', on: 'every-day', time: '02:00' },
  { name: 'father', on: 'sunday', time: '03:30' },
  { name: 'grandfather', on: 'first-sunday', time: '04:00' },
];
const due = (now: string, zone = 'Europe/Berlin', tiers = TIERS) => {
  const found = lastDue(tiers, Temporal.Instant.from(now), zone);
  return found && [found.tier.name, found.at.toString()];
};

describe('the last run that was due', () => {
  it.each([
    // Monday, a minute before its run and on its second.
    ['2026-11-30T00:59:59Z', 'father', '2026-11-29T02:30:00Z'],
    ['2026-11-30T01:00:00Z', 'son', '2026-11-30T01:00:00Z'],
    // A Sunday has its own run alone: at two in the morning nothing is due.
    ['2026-11-29T01:30:00Z', 'son', '2026-11-28T01:00:00Z'],
    ['2026-12-06T12:00:00Z', 'grandfather', '2026-12-06T03:00:00Z'],
  ])('at %s: %s of %s', (now, tier, at) => expect(due(now)).toEqual([tier, at]));

  it('is as much later when the clock leaves its time out, and the first of two', () => {
    const daily = [{ name: 'son', on: 'every-day', time: '02:30' }] as const;
    expect(due('2027-03-28T00:59:59Z', 'Europe/Berlin', daily)?.[1]).toBe('2027-03-27T01:30:00Z');
    expect(due('2027-03-28T12:00:00Z', 'Europe/Berlin', daily)?.[1]).toBe('2027-03-28T01:30:00Z');
    expect(due('2027-10-31T12:00:00Z', 'Europe/Berlin', daily)?.[1]).toBe('2027-10-31T00:30:00Z');
  });

  it('may be five weeks ago, and is none without a generation', () => {
    const firsts = [{ name: 'grandfather', on: 'first-sunday', time: '02:00' }] as const;
    expect(due('2026-12-06T00:00:00Z', 'UTC', firsts)?.[1]).toBe('2026-11-01T02:00:00Z');
    expect(due('2026-12-06T00:00:00Z', 'UTC', [])).toBeNull();
  });

  it('is one a day for a year, in every zone', () => {
    for (const zone of ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe']) {
      const days = new Set<string>();
      for (let hour = 0; hour < 365 * 24; hour++) {
        const now = Temporal.Instant.from('2026-12-01T00:00:00Z').add({ hours: hour });
        days.add(lastDue(TIERS, now, zone)!.at.toZonedDateTimeISO(zone).toPlainDate().toString());
      }
      // The day before the first hour, too.
      expect(days.size, zone).toBeGreaterThanOrEqual(365);
      expect(days.size, zone).toBeLessThanOrEqual(366);
    }
  });
});

describe('the run that is due and was not made', () => {
  const taken = ['database', 'configs', 'secrets', 'container-300'];
  const part = (run: string, series: string, at = '2026-11-30T01:00:30Z') => ({ run, series, at });
  const now = (backups: ReturnType<typeof part>[], at = '2026-11-30T02:00:00Z') =>
    dueNow(backups, taken, TIERS, Temporal.Instant.from(at), 'Europe/Berlin')?.tier.name ?? null;

  it('is not hidden by one that a wrong clock has dated in the future', () => {
    const ahead = taken.map((series) => part('a', series, '2026-11-30T20:00:00Z'));
    expect(now(ahead)).toBe('son');
    // It is no later than the clocks of two machines may differ.
    expect(now(ahead, '2026-11-30T19:58:00Z')).toBeNull();
  });

  it('is there where there is none, and gone once half of it is there, whole or not', () => {
    expect(now([])).toBe('son');
    expect(now(taken.map((series) => part('a', series)))).toBeNull();
    expect(now([part('a', 'database'), part('a', 'configs')])).toBeNull();
    expect(now(taken.map((series) => part('a', series, '2026-11-30T00:59:00Z')))).toBe('son');
  });

  it('is not made by saves of one thing, nor by parts of several runs', () => {
    expect(now([part('a', 'database')])).toBe('son');
    expect(now([part('a', 'database'), part('b', 'configs')])).toBe('son');
    expect(now([part('a', 'redis'), part('a', 'releases'), part('a', 'database')])).toBe('son');
  });

  it('keeps the generation of its day after midnight', () => {
    expect(now([], '2026-11-30T00:30:00Z')).toBe('father');
  });
});
