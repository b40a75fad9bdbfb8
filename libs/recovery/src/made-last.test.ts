import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { datedLater, type Made, madeLast } from './made-last.ts';

interface Dated extends Made {
  readonly at: string;
}
const DAY = 86_400_000;
const START = Date.parse('2026-11-30T02:00:00Z');
const newestFirst = (list: readonly Dated[]) => list.toSorted((a, b) => (a.at < b.at ? 1 : -1));
/** Makes a backup by a clock, beside those that are there. */
const make = (there: readonly Dated[], clock: number): Dated[] => {
  const after = datedLater(there, new Date(clock));
  const one = { id: `b${there.length}`, at: new Date(clock).toISOString() };
  return [...there, after.length > 0 ? { ...one, after } : one];
};
const made = (...days: number[]) =>
  days.reduce<Dated[]>((there, day, index) => make(there, START + day * DAY + index), []);
const lastOf = (list: readonly Dated[]) => madeLast(newestFirst(list))?.id;

describe('the backup that was made last', () => {
  it('is the newest by date where every clock is right', () => {
    expect(madeLast([])).toBeUndefined();
    expect(lastOf(made(0, 1, 2))).toBe('b2');
    expect(made(0, 1, 2).every(({ after }) => after === undefined)).toBe(true);
  });

  it('is the one of a clock that was set back, however often, until the dates are ahead again', () => {
    expect(lastOf(made(0, 1, 0))).toBe('b2');
    expect(lastOf(made(0, 1, 0, 0.5))).toBe('b3');
    expect(lastOf(made(0, 1, 0, 0.5, -3))).toBe('b4');
    expect(lastOf(made(0, 1, 0, 0.5, -3, 2))).toBe('b5');
  });

  it('is not that of a clock that was ahead once, when it has been put right', () => {
    expect(lastOf(made(0, 365))).toBe('b1');
    expect(lastOf(made(0, 365, 1))).toBe('b2');
    expect(lastOf(made(0, 365, 1, 2, 3))).toBe('b4');
  });

  it('is found whatever the clocks were, and whichever others were removed meanwhile', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.boolean()),
        (days, isKept) => {
          const all = made(...days);
          const left = all.filter((_, index) => index === all.length - 1 || isKept.next().value);
          expect(lastOf(left)).toBe(`b${all.length - 1}`);
        },
      ),
    );
  });

  it('ends where what stands there goes round in a circle', () => {
    const circle = [
      { id: 'a', after: ['b', 'a'] },
      { id: 'b', after: ['a'] },
    ];
    expect(madeLast(circle)?.id).toBe('b');
  });
});
