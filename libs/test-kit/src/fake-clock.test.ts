import { expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';

it('stands still, moves on and goes where it is set', () => {
  const clock = new FakeClock('2026-03-29T00:30:00Z');
  expect(clock.now().toISOString()).toBe('2026-03-29T00:30:00.000Z');
  clock.advance({ days: 1, hours: 1, minutes: 30, seconds: 1, ms: 5 });
  expect(clock.now().toISOString()).toBe('2026-03-30T02:00:01.005Z');
  clock.set('2025-12-31T23:59:59Z');
  expect(clock.now().getTime()).toBe(Date.UTC(2025, 11, 31, 23, 59, 59));
  expect(() => clock.set('yesterday')).toThrow(RangeError);
});

it('hands out a copy, so that changing it changes nothing', () => {
  const clock = new FakeClock();
  clock.now().setFullYear(1999);
  expect(clock.now().getFullYear()).toBe(2026);
});
