import { describe, expect, it } from 'vitest';
import {
  holidayRuns,
  holidaysText,
  hoursText,
  readHolidays as read,
  readHours,
  withHolidays,
} from './business-hours.ts';

const TODAY = '2026-12-01';
const readHolidays = (text: string) => read(text, TODAY);

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

  it.each([
    ['8-17', '08:00–17:00'],
    ['8:30 bis 12 Uhr', '08:30–12:00'],
    ['08.00 - 12.00 und 13h-17h30', '08:00–12:00, 13:00–17:30'],
    ['von 8 bis 12', '08:00–12:00'],
    ['9 am to 5 pm', '09:00–17:00'],
  ])('reads %s', (text, hours) => expect(hoursText(readHours(text) ?? [])).toBe(hours));

  it.each(['immer', '17:00–08:00', '08:00–08:00', '08:60–09:00', '24:00–24:00', '08:00–24:30'])(
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
    const text = '24.12.2026 Heiligabend 08:00–12:00\n25.12.2026 Erster Weihnachtstag';
    expect(holidaysText(holidays, 'de')).toBe(text);
    expect(readHolidays(holidaysText(holidays, 'en'))).toEqual({ holidays });
    expect(readHolidays('2026-12-24 Heiligabend 8-12\n25.12.: Erster Weihnachtstag')).toEqual({ holidays });
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
    'Weihnachten 25.12.2026',
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

describe('days that were found', () => {
  const days = [
    { date: '2026-12-28', name: 'Betriebsferien' },
    { date: '2026-12-29', name: 'Betriebsferien' },
    { date: '2026-12-31', name: 'Betriebsferien' },
    { date: '2027-01-01', name: 'Neujahr' },
  ];

  it('are chosen together where they follow each other', () => {
    expect(holidayRuns(days).map(({ name, dates }) => [name, dates.length])).toEqual([
      ['Betriebsferien', 2],
      ['Betriebsferien', 1],
      ['Neujahr', 1],
    ]);
    expect(holidayRuns([])).toEqual([]);
  });

  it('join what stands in the field, which stays as it is', () => {
    const text = '01.01.2027 Neujahr 08:00–12:00';
    expect(withHolidays(text, days.slice(2), 'de', TODAY)).toBe(`31.12.2026 Betriebsferien\n${text}`);
    expect(withHolidays('irgendwann', days.slice(3), 'de', TODAY)).toBe('irgendwann\n01.01.2027 Neujahr');
    expect(withHolidays('', [], 'de', TODAY)).toBe('');
  });

  it.each([
    ['–', 'Feiertag'],
    ['- Betriebsruhe', 'Betriebsruhe'],
    ['Schicht 1-3', 'Schicht 1-3.'],
    ['10:00-12:00', '10:00-12:00.'],
    ['Betriebsversammlung 10 bis 12 Uhr', 'Betriebsversammlung 10 bis 12 Uhr.'],
    ['1. Weihnachtstag', '1. Weihnachtstag'],
  ])('takes over a day of a calendar that is called %s, and reads it again', (name, typed) => {
    const text = withHolidays('', [{ date: '2026-12-24', name }], 'de', TODAY);
    expect(readHolidays(text)).toEqual({ holidays: [{ date: '2026-12-24', name: typed }] });
  });
});
