import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFormats } from './format.ts';
import type { Language } from './i18n.ts';
import {
  dateText,
  readBytes,
  readDate,
  readDuration,
  readLeadingDate,
  readNumber,
  readTime,
} from './typed.ts';

const LANGUAGES: readonly Language[] = ['de', 'en'];
const TODAY = '2026-12-01';

describe('what is typed into a field', () => {
  it.each([
    ['26,2', 26.2, 26.2],
    ['26.2', 26.2, 26.2],
    ['1.500', 1500, 1.5],
    ['1,500', 1.5, 1500],
    ['0.125', 0.125, 0.125],
    ['1.234.567,5', 1234567.5, 1234567.5],
    ['1,234,567.5', 1234567.5, 1234567.5],
    ['1 234,5', 1234.5, 1234.5],
    ["1'234", 1234, 1234],
    ['12', 12, 12],
    ['1,2,3', null, null],
    ['1.23.456', null, null],
    ['-1', null, null],
    ['1e3', null, null],
    ['1.', null, null],
    ['', null, null],
    ['viel', null, null],
  ])('%j is the number %j in German, %j in English', (text, de, en) => {
    expect([readNumber(text, 'de'), readNumber(text, 'en')]).toEqual([de, en]);
  });

  it.each([
    ['26,2 MB', 27_472_691],
    ['26,2MiB', 27_472_691],
    ['1 GB', 2 ** 30],
    ['512', 512],
    ['512 Byte', 512],
    ['1 byte', 1],
    ['20 g', 20 * 2 ** 30],
    ['1,5 TiB', 1.5 * 2 ** 40],
    ['MB', null],
    ['5 Meter', null],
    ['5 MBit', null],
  ])('%j are %j bytes', (text, bytes) => expect(readBytes(text, 'de')).toBe(bytes));

  it.each([
    ['90', 90],
    ['90 min', 90],
    ['90 Minuten', 90],
    ['1:30', 90],
    ['1:30 Std.', 90],
    ['1,5 h', 90],
    ['1.5 hours', 90],
    ['1 Std. 30 Min.', 90],
    ['1 Stunde und 30 Minuten', 90],
    ['1h30', 90],
    ['1h 30m', 90],
    ['2 Tage', 2880],
    ['2d', 2880],
    ['1 Woche', 10_080],
    ['0,33 h', 20],
    ['', null],
    ['bald', null],
    ['1 h 2 h', null],
    ['3 Monate', null],
    ['1:75', null],
    ['-5', null],
  ])('%j are %j minutes', (text, minutes) => expect(readDuration(text, 'de')).toBe(minutes));

  it('counts days of work where a day is one', () => {
    expect(readDuration('2 Tage', 'de', { dayMinutes: 480 })).toBe(960);
    expect(readDuration('1 week', 'en', { dayMinutes: 480 })).toBe(2400);
    expect(readDuration('2', 'de', { unit: 'hour' })).toBe(120);
  });

  it.each([
    ['8', '08:00'],
    ['8:30', '08:30'],
    ['08.30 Uhr', '08:30'],
    ['8 Uhr 30', '08:30'],
    ['17h', '17:00'],
    ['17h30', '17:30'],
    ['0830', '08:30'],
    ['24', '24:00'],
    ['5 pm', '17:00'],
    ['12:15 a.m.', '00:15'],
    ['25', null],
    ['24:30', null],
    ['8:60', null],
    ['13 pm', null],
    ['mittags', null],
    ['', null],
  ])('%j is the time %j', (text, time) => expect(readTime(text)).toBe(time));

  it.each([
    ['24.12.2026', '2026-12-24'],
    ['24.12.26', '2026-12-24'],
    ['24.12.', '2026-12-24'],
    ['1. 1.', '2027-01-01'],
    ['24. Dezember 2026', '2026-12-24'],
    ['24. Dez.', '2026-12-24'],
    ['3. März 2027', '2027-03-03'],
    ['24/12/2026', '2026-12-24'],
    ['24 December 2026', '2026-12-24'],
    ['Dec 24, 2026', '2026-12-24'],
    ['1st May 2027', '2027-05-01'],
    ['2026-12-24', '2026-12-24'],
    ['29.2.', '2028-02-29'],
    ['30.02.2026', null],
    ['32.1.', null],
    ['24.13.2026', null],
    ['morgen', null],
    ['24', null],
    ['', null],
  ])('%j is the day %j', (text, date) => expect(readDate(text, TODAY)).toBe(date));

  it('leaves what follows a day', () => {
    expect(readLeadingDate('24.12. Heiligabend 8-12', TODAY)).toEqual({
      date: '2026-12-24',
      rest: 'Heiligabend 8-12',
    });
    expect(readLeadingDate('24.12.2026 08:00–12:00', TODAY)?.rest).toBe('08:00–12:00');
    expect(readLeadingDate('24.12. 10:00', TODAY)).toEqual({ date: '2026-12-24', rest: '10:00' });
  });

  it('is read as it was written by us', () => {
    for (const language of LANGUAGES) {
      const formats = createFormats(language);
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 0, max: 999 }), (whole, part) => {
          const value = Number(`${whole}.${String(part).padStart(3, '0')}`);
          expect(readNumber(formats.number(value, { maximumFractionDigits: 3 }), language)).toBe(value);
        }),
      );
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 525_600 }), (minutes) => {
          expect(readDuration(formats.workTime(minutes * 60_000), language)).toBe(minutes);
        }),
      );
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 40 }), (hours, days) => {
          const minutes = days > 0 ? days * 1440 + (hours % 24) * 60 : hours;
          expect(readDuration(formats.duration(minutes * 60_000), language)).toBe(minutes);
        }),
      );
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
          const text = formats.bytes(bytes);
          // One decimal is written, so what is read is written in the same way again.
          expect(formats.bytes(readBytes(text, language)!)).toBe(text);
        }),
      );
      fc.assert(
        fc.property(
          fc.date({ min: new Date('1990-01-01'), max: new Date('2199-12-31'), noInvalidDate: true }),
          (at) => {
            const date = at.toISOString().slice(0, 10);
            expect(readDate(dateText(date, language), TODAY)).toBe(date);
            expect(readDate(date, TODAY)).toBe(date);
          },
        ),
      );
    }
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), (hour, minute) => {
        const time = `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
        expect(readTime(time)).toBe(time);
      }),
    );
  });

  it('is null, and quickly, for anything else', () => {
    const long = `${'1 '.repeat(20_000)}x`;
    for (const read of [
      (text: string) => readNumber(text, 'de'),
      (text: string) => readBytes(text, 'de'),
      (text: string) => readDuration(text, 'de'),
      readTime,
      (text: string) => readDate(text, TODAY),
    ]) {
      expect(read(long)).toBeNull();
      fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void read(text)));
    }
  });
});
