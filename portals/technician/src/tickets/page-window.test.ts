import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_PAGES, MAX_ROWS, PAGE_SIZE, pageOf, pagesFor, reachable, samePages } from './page-window.ts';

it('asks for the page on the screen, and for the next one in time', () => {
  expect(pagesFor(0, 30, 100_000)).toEqual([1]);
  expect(pagesFor(40, 80, 100_000)).toEqual([1, 2]);
  expect(pagesFor(99_990, 99_999, 100_000)).toEqual([1000]);
  expect(pagesFor(0, -1, 100)).toEqual([]);
  expect(pagesFor(0, 10, 0)).toEqual([]);
});

it('never asks past the last row that the API reaches', () => {
  expect(reachable(5_000_000)).toBe(MAX_ROWS);
  expect(pagesFor(MAX_ROWS - 5, MAX_ROWS - 1, 5_000_000)).toEqual([MAX_PAGES]);
});

it('covers every visible row there is, ascending, without a page that has none', () => {
  fc.assert(
    fc.property(fc.nat(300_000), fc.nat(80), fc.nat(400_000), (first, height, count) => {
      const last = first + height;
      const pages = pagesFor(first, last, count);
      const rows = reachable(count);
      for (let index = first; index <= last && index < rows; index += 1) {
        expect(pages).toContain(pageOf(index));
      }
      expect([...pages].sort((a, b) => a - b)).toEqual(pages);
      for (const page of pages) expect((page - 1) * PAGE_SIZE).toBeLessThan(Math.max(1, rows));
    }),
  );
});

it('sees nothing new in rows that need no other pages', () => {
  expect(samePages([0, 40], [1, 41])).toBe(true);
  expect(samePages([30, 70], [40, 80])).toBe(false);
  fc.assert(
    fc.property(fc.nat(300_000), fc.nat(80), fc.nat(120), (first, height, step) => {
      const [a, b] = [[first, first + height] as const, [first + step, first + step + height] as const];
      if (samePages(a, b)) expect(pagesFor(...a, 400_000)).toEqual(pagesFor(...b, 400_000));
    }),
  );
});
