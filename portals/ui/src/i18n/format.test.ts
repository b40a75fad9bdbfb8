import { describe, expect, it } from 'vitest';
import { slaText } from '../components/sla-clock.tsx';
import { createFormats } from './format.ts';
import { setLanguage } from './i18n.ts';
import { uiMessages } from './ui-messages.ts';

const de = createFormats('de', 'Europe/Berlin');
const en = createFormats('en', 'Europe/Berlin');
/** Intl separates with several kinds of blank; people see a blank. */
const blanks = (text: string) => text.replace(/[\u00a0\u202f\u2009]/g, ' ');
const HOUR = 3_600_000;

describe('formats', () => {
  it('writes dates as each language does', () => {
    const at = '2026-11-05T13:05:00Z';
    expect(de.date(at)).toBe('05.11.2026');
    expect(en.date(at)).toBe('05/11/2026');
    expect(blanks(de.dateTime(at))).toBe('05.11.2026, 14:05');
    expect(de.time('2026-07-01T00:30:00Z')).toBe('02:30');
    expect(de.date('nonsense')).toBe('–');
  });

  it('says when something was as one would', () => {
    // A Sunday.
    const now = Date.parse('2026-11-22T15:00:00Z');
    expect(de.moment('2026-11-22T13:05:00Z', now)).toBe('14:05');
    expect(de.moment('2026-11-20T13:55:00Z', now)).toBe('Fr 14:55');
    expect(en.moment('2026-11-20T13:55:00Z', now)).toBe('Fri 14:55');
    // Yesterday by the calendar, an hour ago by the clock.
    expect(de.moment('2026-11-21T22:30:00Z', Date.parse('2026-11-21T23:30:00Z'))).toBe('Sa 23:30');
    // A week ago it was Sunday too.
    expect(blanks(de.moment('2026-11-15T13:55:00Z', now))).toBe('15.11., 14:55');
    expect(blanks(de.moment('2025-11-15T13:55:00Z', now))).toBe('15.11.2025');
    expect(de.moment('nonsense', now)).toBe('–');
  });

  it('writes business time in hours, however long', () => {
    expect(blanks(de.workTime(24 * HOUR))).toBe('24 Std.');
    expect(blanks(de.workTime(-72.5 * HOUR))).toBe('72 Std. 30 Min.');
    expect(blanks(en.workTime(40 * 60_000))).toBe('40 mins');
  });

  it('writes durations with two units', () => {
    expect(blanks(de.duration(2 * HOUR))).toBe('2 Std.');
    expect(blanks(de.duration(2.25 * HOUR))).toBe('2 Std. 15 Min.');
    expect(blanks(de.duration(76 * HOUR))).toBe('3 Tage 4 Std.');
    expect(blanks(de.duration(24 * HOUR))).toBe('1 Tag');
    expect(blanks(de.duration(-40 * 60_000))).toBe('40 Min.');
    expect(blanks(de.duration(0))).toBe('0 Min.');
    expect(blanks(en.duration(25 * HOUR))).toBe('1 day 1 hr');
  });

  it('writes money from minor units, also where there are none', () => {
    expect(blanks(de.money(123_450, 'EUR'))).toBe('1.234,50 €');
    expect(blanks(en.money(123_450, 'EUR'))).toBe('€1,234.50');
    expect(blanks(de.money(500, 'JPY'))).toBe('500 ¥');
  });

  it('says how long ago', () => {
    const now = Date.parse('2026-11-05T12:00:00Z');
    expect(de.relative(now - 20_000, now)).toBe('gerade eben');
    expect(de.relative(now - 5 * 60_000, now)).toBe('vor 5 Minuten');
    expect(de.relative(now - 26 * HOUR, now)).toBe('gestern');
    expect(en.relative(now + 3 * HOUR, now)).toBe('in 3 hours');
  });

  it('writes sizes', () => {
    expect(blanks(de.bytes(1536))).toBe('1,5 KiB');
    expect(blanks(en.bytes(25 * 1024 * 1024))).toBe('25 MiB');
    expect([de, en].map((formats) => blanks(formats.bytes(6)))).toEqual(['6 Byte', '6 bytes']);
    expect(blanks(en.bytes(1))).toBe('1 byte');
  });
});

describe('sentences', () => {
  it('says the SLA clock as people do', async () => {
    const now = Date.parse('2026-11-05T12:00:00Z');
    const clock = (dueIn: number) => ({
      phase: dueIn < 0 ? ('breached' as const) : ('ok' as const),
      share_used: 0.5,
      risk_at: null,
      due_at: new Date(now + dueIn).toISOString(),
      done_at: null,
    });
    const say = (dueIn: number) => blanks(slaText(clock(dueIn), 'resolution', now, uiMessages.t, de));
    await setLanguage('de');
    expect(say(2 * HOUR)).toBe('Lösung: noch 2 Std.');
    expect(say(-3 * HOUR)).toBe('Lösung: 3 Std. überfällig');
    await setLanguage('en');
    expect(blanks(slaText(clock(HOUR), 'response', now, uiMessages.t, en))).toBe('Response due in 1 hr');
    await setLanguage('de');
  });

  it('picks the plural by count', async () => {
    await setLanguage('en');
    expect(uiMessages.t('palette.results', { count: 1 })).toBe('1 result');
    expect(uiMessages.t('palette.results', { count: 3 })).toBe('3 results');
    await setLanguage('de');
  });
});
