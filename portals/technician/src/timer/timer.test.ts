import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bookableMinutes,
  clockText,
  elapsed,
  MAX_MINUTES,
  pauseTimer,
  readTimer,
  resumeTimer,
  startTimer,
} from './timer.ts';
import { parseMinutes } from './typed-minutes.ts';

const ticket = { id: 't', ticket_number: 7, title: 'Drucker' };
const MINUTE = 60_000;

describe('the working time timer', () => {
  it('counts only while it runs', () => {
    const started = startTimer(ticket, 0);
    const paused = pauseTimer(started, 5 * MINUTE);
    const resumed = resumeTimer(paused, 60 * MINUTE);
    expect(elapsed(resumed, 62 * MINUTE)).toBe(7 * MINUTE);
    expect(bookableMinutes(resumed, 62 * MINUTE + 1)).toBe(8);
  });

  it('books at least a minute and at most a day', () => {
    expect(bookableMinutes(startTimer(ticket, 0), 0)).toBe(1);
    expect(bookableMinutes(startTimer(ticket, 0), 10 * 24 * 60 * MINUTE)).toBe(MAX_MINUTES);
  });

  it('pausing and going on anywhere adds up to the running time', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000_000), { maxLength: 12 }), (spans) => {
        let now = 1000;
        let timer = startTimer(ticket, now);
        let worked = 0;
        for (const [index, span] of spans.entries()) {
          now += span;
          if (index % 2 === 0) {
            worked += span;
            timer = pauseTimer(timer, now);
          } else timer = resumeTimer(timer, now);
          expect(elapsed(timer, now)).toBe(worked);
        }
      }),
    );
  });

  it('a clock set back loses nothing', () => {
    const timer = resumeTimer(pauseTimer(startTimer(ticket, 0), MINUTE), 10 * MINUTE);
    expect(elapsed(timer, 0)).toBe(MINUTE);
  });

  it('outlives a reload, and rubbish in the storage is no timer', () => {
    const timer = startTimer(ticket, 5);
    expect(readTimer(JSON.stringify(timer))).toEqual(timer);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(readTimer(text)).toBeNull();
      }),
    );
    expect(readTimer(JSON.stringify({ ...timer, collected: -1 }))).toBeNull();
    expect(readTimer(null)).toBeNull();
  });
});

it.each([
  ['90', 90],
  ['1:30', 90],
  ['1h 30m', 90],
  ['1h30', 90],
  ['1,5 h', 90],
  ['2 Std.', 120],
  ['1 Std. 30 Min.', 90],
  ['45 min', 45],
  ['0', null],
  ['1441', null],
  ['25h', null],
  ['bald', null],
  ['', null],
])('reads %j as %j minutes', (text, minutes) => {
  expect(parseMinutes(text)).toBe(minutes);
});

it('shows running time', () => {
  expect(clockText(185_000)).toBe('3:05');
  expect(clockText(3_765_000)).toBe('1:02:45');
});
