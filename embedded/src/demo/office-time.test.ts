import { describe, expect, it } from 'vitest';
import { officeMinutesAfter, officeMinutesBefore, workdayMoment } from './office-time.ts';

const before = (now: string, minutes: number) => officeMinutesBefore(new Date(now), minutes).toISOString();
const after = (from: string, minutes: number) => officeMinutesAfter(new Date(from), minutes).toISOString();

describe('office time', () => {
  it('goes back over lunch, nights, weekends, holidays and the change of the clocks', () => {
    // Thursday 14:00 in Berlin, summer.
    expect(before('2026-06-18T12:00:00Z', 30)).toBe('2026-06-18T11:30:00.000Z');
    expect(before('2026-06-18T12:00:00Z', 90)).toBe('2026-06-18T09:30:00.000Z');
    expect(before('2026-06-18T12:00:00Z', 5 * 60 + 30)).toBe('2026-06-17T14:30:00.000Z');
    // A Sunday: the last office minute was on Friday.
    expect(before('2026-06-21T12:00:00Z', 1)).toBe('2026-06-19T14:59:00.000Z');
    // Monday 9:00 after the clocks went back on Sunday.
    expect(before('2026-10-26T08:00:00Z', 120)).toBe('2026-10-23T14:00:00.000Z');
    // The first working day of the year after New Year's Day, a Friday.
    expect(before('2027-01-04T07:30:00Z', 60)).toBe('2026-12-31T15:30:00.000Z');
  });

  it('goes forward to where going back came from', () => {
    const now = '2026-10-27T09:17:00.000Z';
    for (const minutes of [0, 1, 76, 77, 240, 479, 480, 1_700])
      expect(after(before(now, minutes), minutes), `${minutes} minutes`).toBe(now);
    expect(after('2026-06-19T14:30:00Z', 60)).toBe('2026-06-22T06:30:00.000Z');
  });

  it('finds a workday some days ago', () => {
    expect(workdayMoment(new Date('2026-06-18T12:00:00Z'), 2, 45).toISOString()).toBe(
      '2026-06-16T06:45:00.000Z',
    );
    expect(workdayMoment(new Date('2026-06-18T12:00:00Z'), 4, 0).toISOString()).toBe(
      '2026-06-12T06:00:00.000Z',
    );
  });
});
