import { describe, expect, it } from 'vitest';
import { nextEvent } from './calendar-event.ts';

/** Wednesday, by the clock of the machine, as a node's. */
const at = (month: number, day: number, hour = 0, minute = 0, year = 2025) =>
  new Date(year, month - 1, day, hour, minute).getTime() / 1000;
const NOW = at(1, 15, 10, 30);

describe('a calendar event is due next at', () => {
  it.each([
    ['02:30', at(1, 16, 2, 30)],
    ['21:00', at(1, 15, 21)],
    ['10:30', at(1, 16, 10, 30)],
    ['*/15', at(1, 15, 10, 45)],
    ['30', at(1, 15, 11, 30)],
    ['mon..fri 22:00', at(1, 15, 22)],
    ['sat,sun', at(1, 18)],
    ['fri..mon 1:00', at(1, 17, 1)],
    ['sat *-1..7 15:00', at(2, 1, 15)],
    ['*-*-31 00:00', at(1, 31)],
    ['*-04-31', null],
    ['2024-01-01', null],
    ['02-29', at(2, 29, 0, 0, 2028)],
    ['8..17,22:0/20', at(1, 15, 10, 40)],
    ['Mon 03:30:00', at(1, 20, 3, 30)],
    ['hourly', at(1, 15, 11)],
    ['weekly', at(1, 20)],
    ['monthly', at(2, 1)],
    ['semi-annually', at(7, 1)],
    ['nonsense', null],
    ['', null],
  ])('%s', (schedule, due) => {
    expect(nextEvent(schedule, NOW)).toBe(due);
  });
});
