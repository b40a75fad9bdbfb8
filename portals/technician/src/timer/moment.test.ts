import { expect, it } from 'vitest';
import { fromLocalMinute, startProblem, toLocalMinute } from './moment.ts';

it('writes an instant by the clock of the device and reads the same minute back', () => {
  for (const at of ['2026-03-29T00:30:00.000Z', '2026-10-25T03:00:00.000Z', '2026-01-01T23:59:00.000Z']) {
    expect(toLocalMinute(at)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/);
    expect(fromLocalMinute(toLocalMinute(at))).toBe(at);
  }
  expect(fromLocalMinute('')).toBe(null);
  expect(fromLocalMinute('2026-13-45T99:00')).toBe(null);
});

it('takes no work of the future, and none from long before the ticket', () => {
  const opened = '2026-03-02T09:00:00Z';
  const now = Date.parse('2026-03-02T10:00:00Z');
  expect(startProblem('2026-03-02T10:00:30Z', opened, now)).toBe(null);
  expect(startProblem('2026-03-02T10:02:00Z', opened, now)).toBe('in_future');
  expect(startProblem('2026-03-01T09:00:00Z', opened, now)).toBe(null);
  expect(startProblem('2026-03-01T08:59:00Z', opened, now)).toBe('too_early');
});
