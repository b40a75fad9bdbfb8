import { describe, expect, it } from 'vitest';
import { parseMoment } from './moment.ts';

const at = (text: string, zone = 'Europe/Berlin') => parseMoment(text, zone).toISOString();

describe('a moment as people write it', () => {
  it.each([
    ['2026-11-30 14:30', '2026-11-30T13:30:00.000Z'],
    ['2026-11-30T14:30:05', '2026-11-30T13:30:05.000Z'],
    [' 2026-07-01 14:30:05.25 ', '2026-07-01T12:30:05.250Z'],
    ['2026-11-30T14:30:05Z', '2026-11-30T14:30:05.000Z'],
    ['2026-11-30 14:30:05+00', '2026-11-30T14:30:05.000Z'],
    ['2026-11-30 14:30:05 -0530', '2026-11-30T20:00:05.000Z'],
    ['2026-10-25T02:30:00+02:00', '2026-10-25T00:30:00.000Z'],
    ['2026-10-25T02:30:00+01:00', '2026-10-25T01:30:00.000Z'],
  ])('%s', (text, moment) => expect(at(text)).toBe(moment));

  it('is in the zone that it is read in', () =>
    expect(at('2026-11-30 14:30', 'America/St_Johns')).toBe('2026-11-30T18:00:00.000Z'));

  it.each([
    ['', 'is no moment'],
    ['yesterday', 'is no moment'],
    ['14:30', 'is no moment'],
    ['2026-11-30', 'is no moment'],
    ['2026-02-30 10:00', 'there is no such day'],
    ['2026-02-03 25:00', 'there is no such day'],
    ['2026-10-25 02:30', 'twice or never'],
    ['2026-03-29 02:30', 'twice or never'],
    ['2026-10-25 02:30', '"2026-10-25T02:30+02:00" or "2026-10-25T02:30+01:00"'],
  ])('%j is refused: %s', (text, why) => expect(() => at(text)).toThrow(why));

  it('that is shown twice is to be written with an offset of its own zone', () =>
    expect(() => at('2026-11-01 01:30', 'America/St_Johns')).toThrow(
      '"2026-11-01T01:30-02:30" or "2026-11-01T01:30-03:30"',
    ));
});
