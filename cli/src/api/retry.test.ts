import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter, retryDelay } from './retry.ts';

const attempt = {
  number: 1,
  status: 503,
  retryAfter: null,
  repeatable: true,
  waitedMs: 0,
  patienceMs: 60_000,
};

describe('how long to wait before the next attempt', () => {
  it('is what the platform asks for', () => {
    expect(retryDelay({ ...attempt, status: 429, retryAfter: '7' }, 0, 0.5)).toBe(7_000);
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(retryDelay({ ...attempt, retryAfter: 'Thu, 01 Jan 2026 00:00:05 GMT' }, now, 0.5)).toBe(5_000);
    expect(parseRetryAfter('Thu, 01 Jan 2020 00:00:05 GMT', now)).toBe(0);
    expect(parseRetryAfter('soon', now)).toBeNull();
  });

  it('doubles without its word', () => {
    const delays = [1, 2, 3, 9].map((number) => retryDelay({ ...attempt, number, status: null }, 0, 0.5));
    expect(delays).toEqual([250, 500, 1_000, 8_000]);
  });

  it('is never, for a write that must not happen twice or an answer that will stay', () => {
    expect(retryDelay({ ...attempt, repeatable: false }, 0, 0)).toBeNull();
    for (const status of [400, 401, 404, 409, 500])
      expect(retryDelay({ ...attempt, status }, 0, 0)).toBeNull();
  });

  it('never adds up to more than the patience', () => {
    const some = fc.record({
      retryAfter: fc.option(fc.integer({ min: 0, max: 9_999 }).map(String), { nil: null }),
      patienceMs: fc.integer({ min: 0, max: 600_000 }),
      chance: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(some, ({ retryAfter, patienceMs, chance }) => {
        let waitedMs = 0;
        for (let number = 1; number < 30; number++) {
          const delay = retryDelay({ ...attempt, number, retryAfter, patienceMs, waitedMs }, 0, chance);
          if (delay === null) break;
          expect(delay).toBeGreaterThanOrEqual(0);
          waitedMs += delay;
        }
        expect(waitedMs).toBeLessThanOrEqual(patienceMs);
      }),
    );
  });
});
