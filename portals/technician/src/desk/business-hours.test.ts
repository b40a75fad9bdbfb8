import { describe, expect, it } from 'vitest';
import { holidaysText, hoursText, readHolidays, readHours } from './business-hours.ts';

describe('business hours as typed', () => {
  it('reads what it writes, in the order of the day', () => {
    const hours = [
      { start: '08:00', end: '12:00' },
      { start: '13:00', end: '24:00' },
    ];
    expect(hoursText(hours)).toBe('08:00–12:00, 13:00–24:00');
    expect(readHours(hoursText(hours))).toEqual(hours);
    expect(readHours('13:00 - 24:00; 8:00-12:00')).toEqual(hours);
    expect(readHours('8:00-12:00,12:00-17:00')).toHaveLength(2);
    expect(readHours('  ')).toEqual([]);
  });

  it.each(['8-17', 'immer', '17:00–08:00', '08:00–08:00', '08:60–09:00', '24:00–24:00', '08:00–24:30'])(
    'takes no %s',
    (text) => expect(readHours(text)).toBeNull(),
  );

  it('takes no overlap', () => {
    expect(readHours('08:00–12:00, 11:59–17:00')).toBeNull();
  });
});

describe('holidays as typed', () => {
  it('reads what it writes: whole days and half days, by date', () => {
    const holidays = [
      { date: '2026-12-24', name: 'Heiligabend', hours: [{ start: '08:00', end: '12:00' }] },
      { date: '2026-12-25', name: 'Erster Weihnachtstag' },
    ];
    const text = '2026-12-24 Heiligabend 08:00–12:00\n2026-12-25 Erster Weihnachtstag';
    expect(holidaysText(holidays)).toBe(text);
    expect(readHolidays(text)).toEqual({ holidays });
    expect(readHolidays(`\n${text.split('\n').toReversed().join('\r\n')}\n\n`)).toEqual({ holidays });
  });

  it('reads several intervals of one day', () => {
    expect(readHolidays('2026-12-31 Silvester 8:00-10:00, 11:00-12:00')).toEqual({
      holidays: [
        {
          date: '2026-12-31',
          name: 'Silvester',
          hours: [
            { start: '08:00', end: '10:00' },
            { start: '11:00', end: '12:00' },
          ],
        },
      ],
    });
  });

  it.each([
    '2026-12-25',
    '25.12.2026 Weihnachten',
    '2026-02-30 Nie',
    '2026-12-24 08:00–12:00',
    '2026-12-24 Heiligabend 12:00–08:00',
  ])('names the line that it cannot read: %s', (line) => {
    expect(readHolidays(`2026-01-01 Neujahr\n${line}`)).toEqual({ badLine: line });
  });

  it('takes no day twice', () => {
    expect(readHolidays('2026-01-01 Neujahr\n2026-01-01 Noch eins')).toEqual({
      badLine: '2026-01-01 Noch eins',
    });
  });
});
