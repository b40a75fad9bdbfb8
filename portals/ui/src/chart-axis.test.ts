import fc from 'fast-check';
import { expect, it } from 'vitest';
import { axisTicks } from './chart-axis.ts';

it('marks an axis by round numbers', () => {
  expect(axisTicks(0)).toEqual([0, 1]);
  expect(axisTicks(3)).toEqual([0, 1, 2, 3]);
  expect(axisTicks(8)).toEqual([0, 2, 4, 6, 8]);
  expect(axisTicks(47)).toEqual([0, 20, 40, 60]);
  expect(axisTicks(1_234)).toEqual([0, 500, 1_000, 1_500]);
  expect(axisTicks(Number.NaN)).toEqual([0, 1]);
});

it('ends at or above the highest, with few marks', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000 }), (highest) => {
      const ticks = axisTicks(highest);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(highest);
      expect(ticks.length).toBeLessThanOrEqual(5);
      expect(ticks.every((tick) => Number.isInteger(tick))).toBe(true);
    }),
  );
});
