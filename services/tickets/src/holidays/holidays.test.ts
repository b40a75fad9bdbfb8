import { HOLIDAY_REGIONS } from '@psa/contracts/holidays';
import { MAX_ICS_BYTES } from '@psa/contracts/limits';
import type { AccessClaims } from '@psa/contracts/tokens';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDesk, testDesk } from '../desk.test-helper.ts';
import { readIcs, TooMuch } from './ics.ts';
import { icsText } from './ics-lines.ts';
import { nationalHolidays, publicHolidays } from './public-holidays.ts';

describe('public holidays', () => {
  const daysOf = (region: (typeof HOLIDAY_REGIONS)[number], year: number) =>
    publicHolidays(region, year).map(({ date, name, only_in }) =>
      [date.slice(5), name, only_in].filter(Boolean).join(' '),
    );

  // As the states' ministries publish them for 2026.
  it.each([
    ['DE', 9, ['04-03 Karfreitag', '05-14 Christi Himmelfahrt', '05-25 Pfingstmontag']],
    ['DE-BW', 12, ['01-06 Heilige Drei Könige', '06-04 Fronleichnam', '11-01 Allerheiligen']],
    ['DE-BY', 14, ['08-08 Augsburger Hohes Friedensfest by_augsburg', '08-15 Mariä Himmelfahrt by_catholic']],
    ['DE-BE', 10, ['03-08 Internationaler Frauentag']],
    ['DE-BB', 12, ['04-05 Ostersonntag', '05-24 Pfingstsonntag', '10-31 Reformationstag']],
    ['DE-HB', 10, ['10-31 Reformationstag']],
    ['DE-HH', 10, ['10-31 Reformationstag']],
    ['DE-HE', 10, ['06-04 Fronleichnam']],
    ['DE-MV', 11, ['03-08 Internationaler Frauentag', '10-31 Reformationstag']],
    ['DE-NI', 10, ['10-31 Reformationstag']],
    ['DE-NW', 11, ['06-04 Fronleichnam', '11-01 Allerheiligen']],
    ['DE-RP', 11, ['06-04 Fronleichnam', '11-01 Allerheiligen']],
    ['DE-SL', 12, ['06-04 Fronleichnam', '08-15 Mariä Himmelfahrt', '11-01 Allerheiligen']],
    ['DE-SN', 12, ['06-04 Fronleichnam sn_bautzen', '10-31 Reformationstag', '11-18 Buß- und Bettag']],
    ['DE-ST', 11, ['01-06 Heilige Drei Könige', '10-31 Reformationstag']],
    ['DE-SH', 10, ['10-31 Reformationstag']],
    ['DE-TH', 12, ['06-04 Fronleichnam th_eichsfeld', '09-20 Weltkindertag', '10-31 Reformationstag']],
    ['AT', 13, ['06-04 Fronleichnam', '10-26 Nationalfeiertag', '12-08 Mariä Empfängnis']],
    ['CH', 4, ['05-14 Auffahrt', '08-01 Bundesfeier']],
  ] as const)('of %s are %i in 2026', (region, count, some) => {
    expect(daysOf(region, 2026)).toHaveLength(count);
    expect(daysOf(region, 2026)).toEqual(expect.arrayContaining([...some]));
  });

  it('know since when, and what was once', () => {
    expect(daysOf('DE-BE', 2018)).not.toContain('03-08 Internationaler Frauentag');
    expect(daysOf('DE-BE', 2025)).toContain('05-08 Tag der Befreiung');
    expect(daysOf('DE-HE', 2017)).toContain('10-31 Reformationstag');
    expect(daysOf('DE-SN', 2017).filter((day) => day.startsWith('10-31'))).toHaveLength(1);
    // The earliest Easter that there is: Ascension on the 30th of April; in 2008 it fell on the 1st of May.
    expect(daysOf('DE', 2008)).toContain('05-01 Tag der Arbeit / Christi Himmelfahrt');
    expect([2023, 2024, 2025, 2026, 2027].map((year) => daysOf('DE-SN', year).at(-3)?.slice(0, 5))).toEqual([
      '11-22',
      '11-20',
      '11-19',
      '11-18',
      '11-17',
    ]);
  });

  it('are days of their year, each once, in order', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...HOLIDAY_REGIONS),
        fc.integer({ min: 1990, max: 2200 }),
        (region, year) => {
          const dates = publicHolidays(region, year).map(({ date }) => date);
          expect(dates).toEqual([...new Set(dates)].sort());
          expect(dates.every((date) => date.startsWith(`${year}-`))).toBe(true);
          expect(nationalHolidays(region, year).length).toBeLessThanOrEqual(dates.length);
        },
      ),
    );
  });
});

const window = { from: 2026, to: 2028, timeZone: 'Europe/Berlin' };
const calendar = (...lines: string[]) =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR', ''].join('\r\n');
const event = (...lines: string[]) => ['BEGIN:VEVENT', ...lines, 'END:VEVENT'].join('\r\n');
const read = (...events: string[]) => readIcs(calendar(...events), window);
const dates = (...lines: string[]) => read(event(...lines)).holidays.map(({ date }) => date);

describe('calendar files', () => {
  it('come from Google: dates, the end after the last day, folded lines, reminders inside', () => {
    const text = calendar(
      'PRODID:-//Google Inc//Google Calendar 70.9054//EN',
      'X-WR-CALNAME:Feiertage in Deutschland',
      event(
        'DTSTART;VALUE=DATE:20261225',
        'DTEND;VALUE=DATE:20261226',
        'DTSTAMP:20260101T000000Z',
        'UID:20261225_a@google.com',
        'DESCRIPTION:Gesetzlicher Feiertag\\, bundesweit: https://example.com/?a=1;b',
        'SUMMARY:Erster Weihnachts\r\n feiertag',
        'TRANSP:TRANSPARENT',
        'BEGIN:VALARM\r\nSUMMARY:Erinnerung\r\nDTSTART:20260101\r\nEND:VALARM',
      ),
    );
    expect(readIcs(text, window)).toEqual({
      holidays: [{ date: '2026-12-25', name: 'Erster Weihnachtsfeiertag' }],
      skipped: [],
      skipped_count: 0,
    });
  });

  it('come from Outlook: midnight to midnight, Windows names of zones, languages', () => {
    const result = read(
      event(
        'DTSTART;TZID="W. Europe Standard Time":20260403T000000',
        'DTEND;TZID="W. Europe Standard Time":20260404T000000',
        'SUMMARY;LANGUAGE=de:Karfreitag',
        'X-MICROSOFT-CDO-ALLDAYEVENT:TRUE',
      ),
      event(
        'DTSTART:20260430T220000Z',
        'DTEND:20260501T220000Z',
        'SUMMARY;LANGUAGE=en-us:Labour Day',
        'SUMMARY;LANGUAGE=de-de:Tag der Arbeit',
      ),
    );
    expect(result.holidays).toEqual([
      { date: '2026-04-03', name: 'Karfreitag' },
      { date: '2026-05-01', name: 'Tag der Arbeit' },
    ]);
  });

  it('come from Apple and Thunderbird: durations, each year, without some, moved once', () => {
    const result = read(
      event(
        'UID:1',
        'DTSTART;VALUE=DATE:20201224',
        'DURATION:P1D',
        'RRULE:FREQ=YEARLY',
        'EXDATE;VALUE=DATE:20271224',
        'SUMMARY:Heiligabend',
      ),
      event(
        'UID:1',
        'RECURRENCE-ID;VALUE=DATE:20281224',
        'DTSTART;VALUE=DATE:20281223',
        'SUMMARY:Heiligabend',
      ),
      event('DTSTART;VALUE=DATE:20261228', 'DTEND;VALUE=DATE:20270102', 'SUMMARY:Betriebsferien'),
      event('DTSTART;VALUE=DATE:20260101', 'STATUS:CANCELLED', 'SUMMARY:Abgesagt'),
    );
    expect(result.holidays.map(({ date, name }) => `${date} ${name}`)).toEqual([
      '2026-12-24 Heiligabend',
      '2026-12-28 Betriebsferien',
      '2026-12-29 Betriebsferien',
      '2026-12-30 Betriebsferien',
      '2026-12-31 Betriebsferien',
      '2027-01-01 Betriebsferien',
      '2028-12-23 Heiligabend',
    ]);
  });

  it.each([
    ['FREQ=YEARLY;BYMONTH=11;BYDAY=4TH', '20201126', ['2026-11-26', '2027-11-25', '2028-11-23']],
    ['FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO', '20200525', ['2026-05-25', '2027-05-31', '2028-05-29']],
    ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29', '20200229', ['2028-02-29']],
    ['FREQ=YEARLY', '20200229', ['2028-02-29']],
    ['FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=-1', '20201231', ['2026-12-31', '2027-12-31', '2028-12-31']],
    ['FREQ=YEARLY;INTERVAL=2;COUNT=4', '20200801', ['2026-08-01']],
    ['FREQ=YEARLY;UNTIL=20270801T000000Z', '20200801', ['2026-08-01', '2027-08-01']],
    ['FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', '20260101', ['2026-01-01']],
  ])('repeat by %s', (rule, start, expected) => {
    expect(dates(`DTSTART;VALUE=DATE:${start}`, `RRULE:${rule}`, 'SUMMARY:x')).toEqual(expected);
  });

  it('name what is no day off, and why', () => {
    const result = read(
      event('DTSTART:20260707T120000', 'DTEND:20260707T130000', 'SUMMARY:Mittag'),
      event('DTSTART;VALUE=DATE:20260105', 'RRULE:FREQ=WEEKLY;BYMONTH=13', 'SUMMARY:Woche'),
      event('DTSTART;VALUE=DATE:20260105', 'RRULE:FREQ=YEARLY;BYDAY=20MO', 'SUMMARY:Jahr'),
      event('DTSTART;VALUE=DATE:20260230', 'SUMMARY:Nie'),
      event('SUMMARY:Ohne'),
    );
    expect(result.holidays).toEqual([]);
    expect(result.skipped.map(({ name, reason }) => `${name} ${reason}`)).toEqual([
      'Mittag timed',
      'Woche rule',
      'Jahr rule',
      'Nie unreadable',
      'Ohne unreadable',
    ]);
  });

  it('are forgiving: other line ends, encodings, an end that is the start, two names of a day', () => {
    const lines = calendar(
      event('DTSTART;VALUE=DATE:20260501', 'DTEND;VALUE=DATE:20260501', 'SUMMARY:Mai\\, frei'),
      event('dtstart;value=date:20260501', 'summary:Über'),
    );
    const expected = [{ date: '2026-05-01', name: 'Mai, frei / Über' }];
    for (const bytes of [
      Buffer.from(lines),
      Buffer.from(`\ufeff${lines.replaceAll('\r\n', '\n')}`),
      Buffer.from(lines.replaceAll('\r\n', '\r'), 'latin1'),
      Buffer.from(`\ufeff${lines}`, 'utf16le'),
      Buffer.from(`\ufeff${lines}`, 'utf16le').swap16(),
    ]) {
      expect(readIcs(icsText(bytes), window).holidays).toEqual(expected);
    }
  });

  it('are read in a time that their size bounds', () => {
    const endless = event(
      'DTSTART;VALUE=DATE:16000101',
      'DTEND;VALUE=DATE:99991231',
      'RRULE:FREQ=YEARLY',
      'SUMMARY:x',
    );
    const { holidays } = read(...Array.from({ length: 20 }, () => endless));
    expect(holidays.length).toBeLessThanOrEqual(3 * 366);
    expect(() => readIcs('\r\n '.repeat(100_000), window)).toThrow();
    const days = Array.from({ length: 31 }, (_, day) => day + 1).join(',');
    const months = Array.from({ length: 12 }, (_, month) => month + 1).join(',');
    for (const [lines, count] of [
      // Each of a kind that would take minutes: long times off, dates in lists, days of centuries, rules without a day.
      [['DTSTART;VALUE=DATE:20250101', 'DTEND;VALUE=DATE:20290101'], 40_000],
      [['DTSTART;VALUE=DATE:20250101', `RDATE:${'20260101,'.repeat(4_000)}`], 130],
      [
        [
          'DTSTART;VALUE=DATE:16000101',
          `RRULE:FREQ=YEARLY;COUNT=999999;BYMONTH=${months};BYMONTHDAY=${days}`,
        ],
        20_000,
      ],
      [['DTSTART;VALUE=DATE:00010101', `RRULE:FREQ=YEARLY;COUNT=9;BYMONTH=2;BYMONTHDAY=30`], 40_000],
    ] as const) {
      const one = event(...lines);
      expect(() => read(...Array.from({ length: count }, () => one)), lines.at(-1)).toThrow(TooMuch);
    }
    // Beginnings that never end, and ends of something else, each of which looks through them.
    const open = `${'BEGIN:A\r\n'.repeat(300_000)}${'END:B\r\n'.repeat(300_000)}`;
    expect(() => readIcs(`BEGIN:VCALENDAR\r\n${open}`, window)).toThrow(TooMuch);
    const list = `RRULE:FREQ=YEARLY;COUNT=400;BYMONTHDAY=${'1,-1,'.repeat(400_000)}`;
    expect(read(event('DTSTART;VALUE=DATE:19000101', list)).holidays).toHaveLength(6);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(readIcs(`BEGIN:VCALENDAR\nBEGIN:VEVENT\n${text}\nEND:VEVENT`, window).holidays).toBeDefined();
      }),
    );
  });
});

const ADMIN: Partial<AccessClaims> = { role: 'system_admin', sub: '0198a000-0000-7000-8000-000000000001' };

describe('the routes of holidays', () => {
  let desk: TestDesk;
  beforeAll(async () => {
    desk = await testDesk();
  });
  afterAll(() => desk.service.close());
  const post = async (content: string | Buffer, query = '', as: Partial<AccessClaims> = ADMIN) => {
    const token = await desk.service.tokens.issue({ tid: desk.service.tenantId, ...as });
    const response = await desk.service.app.inject({
      method: 'POST',
      url: `/api/v1/calendars/read-ics${query}`,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'text/calendar; charset=utf-8' },
      payload: content,
    });
    return { status: response.statusCode, body: response.json() };
  };

  it('give a region’s days, for the desk alone', async () => {
    const get = (query: string, as: Partial<AccessClaims> = desk.anna) =>
      desk.service.call('GET', `/api/v1/calendars/public-holidays?${query}`, { as });
    const answer = await get('region=DE-BY&from=2026&to=2027');
    expect(answer.status).toBe(200);
    expect(answer.body.data).toHaveLength(28);
    expect((await get('region=DE-BY')).body.data).toHaveLength(42);
    expect((await get('region=DE-XX')).status).toBe(400);
    expect((await get('region=DE&from=2026&to=2036')).body.error.details[0].field).toBe('to');
    expect((await get('region=DE&from=2026&to=2025')).status).toBe(400);
    expect((await get('region=DE', desk.user)).status).toBe(403);
  });

  it('read a file for who may change calendars, and say what is wrong with it', async () => {
    const good = calendar(event('DTSTART;VALUE=DATE:20260501', 'SUMMARY:Maifeiertag'));
    const answer = await post(good, '?from=2026&to=2026');
    expect(answer).toMatchObject({
      status: 200,
      body: { data: { holidays: [{ date: '2026-05-01', name: 'Maifeiertag' }], skipped_count: 0 } },
    });
    expect((await post(good, '', desk.anna)).status).toBe(403);
    expect((await post('Kein Kalender')).body.error.details[0]).toMatchObject({
      field: 'body',
      code: 'wrong_form',
    });
    expect((await post('')).status).toBe(400);
    expect((await post(good, '?time_zone=Mars')).body.error.details[0].field).toBe('time_zone');
    const years = Array.from({ length: 4 }, (_, index) =>
      event(`DTSTART;VALUE=DATE:${2026 + index}0101`, `DTEND;VALUE=DATE:${2027 + index}0101`, 'SUMMARY:x'),
    );
    expect((await post(calendar(...years), '?from=2026&to=2029')).body.error.details[0].code).toBe(
      'too_many',
    );
    expect((await post(Buffer.alloc(MAX_ICS_BYTES + 1, 'a'))).status).toBe(413);
    const json = await desk.service.call('POST', '/api/v1/calendars/read-ics', { body: {} });
    expect(json.status).toBe(415);
  });
});
