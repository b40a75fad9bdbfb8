import { sizeOf } from '@psa/contracts/sizes';
import { useMemo } from 'react';
import { type Language, useLanguage } from './i18n.ts';

/** BCP 47 tags behind the two languages: German as in Germany, English with day before month. */
const LOCALES: Record<Language, string> = { de: 'de-DE', en: 'en-GB' };

/** What Intl calls "jetzt" stands badly behind "aktualisiert". */
const JUST_NOW: Record<Language, string> = { de: 'gerade eben', en: 'just now' };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What people read: dates, numbers, money, durations in one language and one time zone. */
export interface Formats {
  /** 21.11.2026 */
  date(at: Date | string | number): string;
  /** 21.11.2026, 14:05 */
  dateTime(at: Date | string | number): string;
  /** 14:05 */
  time(at: Date | string | number): string;
  /** When, as one says it: 14:55 today, Fr 14:55 within a week, 12.12., 14:55 this year, 12.12.2027 else. */
  moment(at: Date | string | number, now?: number): string;
  /** vor 5 Minuten, in 2 Stunden, gestern */
  relative(at: Date | string | number, now?: number): string;
  /** 1.234,5 */
  number(value: number, options?: Intl.NumberFormatOptions): string;
  /** 0.42 → 42 % */
  percent(fraction: number): string;
  /** Integer minor units: 12345, 'EUR' → 123,45 € */
  money(minor: number, currency: string): string;
  /** Milliseconds → "2 Std. 15 Min." or "3 Tage 4 Std."; the two largest units, sign dropped. */
  duration(ms: number): string;
  /** Milliseconds of business time → "24 Std." or "2 Std. 15 Min."; never days, which have no fixed length there. */
  workTime(ms: number): string;
  /** 1536 → 1,5 KiB */
  bytes(count: number): string;
  /** "A, B und C" */
  list(items: readonly string[]): string;
}

/** Formats for a language; `timeZone` defaults to the browser's. Invalid dates give an en dash. */
export function createFormats(language: Language, timeZone?: string): Formats {
  const locale = LOCALES[language];
  const zone = timeZone === undefined ? {} : { timeZone };
  const day: Intl.DateTimeFormatOptions = { day: '2-digit', month: '2-digit', year: 'numeric' };
  const clock: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  const date = new Intl.DateTimeFormat(locale, { ...day, ...zone });
  const dateTime = new Intl.DateTimeFormat(locale, { ...day, ...clock, ...zone });
  const time = new Intl.DateTimeFormat(locale, { ...clock, ...zone });
  const weekday = new Intl.DateTimeFormat(locale, { weekday: 'short', ...zone });
  const dayTime = new Intl.DateTimeFormat(locale, { day: '2-digit', month: '2-digit', ...clock, ...zone });
  const year = new Intl.DateTimeFormat(locale, { year: 'numeric', ...zone });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const list = new Intl.ListFormat(locale, { type: 'conjunction' });
  const plain = new Intl.NumberFormat(locale);
  const unit = (name: string, display: 'short' | 'long') =>
    new Intl.NumberFormat(locale, {
      style: 'unit',
      unit: name,
      unitDisplay: display,
      maximumFractionDigits: 1,
    });
  // German abbreviates hours and minutes but writes days out; English reads best short throughout.
  const days = unit('day', 'long');
  const hours = unit('hour', 'short');
  const minutes = unit('minute', 'short');
  // Written short, English would have "6 byte".
  const wholeBytes = unit('byte', 'long');
  const safely = (format: Intl.DateTimeFormat) => (at: Date | string | number) => {
    const value = new Date(at);
    return Number.isNaN(value.getTime()) ? '–' : format.format(value);
  };

  return {
    date: safely(date),
    dateTime: safely(dateTime),
    time: safely(time),
    moment(at, now = Date.now()) {
      const value = new Date(at);
      if (Number.isNaN(value.getTime())) return '–';
      if (date.format(value) === date.format(now)) return time.format(value);
      if (Math.abs(value.getTime() - now) < 6 * DAY) return `${weekday.format(value)} ${time.format(value)}`;
      return (year.format(value) === year.format(now) ? dayTime : date).format(value);
    },
    relative(at, now = Date.now()) {
      const distance = new Date(at).getTime() - now;
      if (Number.isNaN(distance)) return '–';
      const size = Math.abs(distance);
      if (size < 45_000) return JUST_NOW[language];
      if (size < 45 * MINUTE) return relative.format(Math.round(distance / MINUTE), 'minute');
      if (size < 22 * HOUR) return relative.format(Math.round(distance / HOUR), 'hour');
      if (size < 26 * DAY) return relative.format(Math.round(distance / DAY), 'day');
      if (size < 320 * DAY) return relative.format(Math.round(distance / (30.44 * DAY)), 'month');
      return relative.format(Math.round(distance / (365.25 * DAY)), 'year');
    },
    number: (value, options) =>
      options ? new Intl.NumberFormat(locale, options).format(value) : plain.format(value),
    percent: (fraction) =>
      new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 }).format(fraction),
    money(minor, currency) {
      const format = new Intl.NumberFormat(locale, { style: 'currency', currency });
      const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
      return format.format(minor / 10 ** digits);
    },
    workTime(ms) {
      const total = Math.round(Math.abs(ms) / MINUTE);
      const h = Math.floor(total / 60);
      const m = total % 60;
      if (h === 0) return minutes.format(m);
      return m > 0 ? `${hours.format(h)} ${minutes.format(m)}` : hours.format(h);
    },
    duration(ms) {
      const total = Math.round(Math.abs(ms) / MINUTE);
      const d = Math.floor(total / 1440);
      const h = Math.floor((total % 1440) / 60);
      const m = total % 60;
      if (d > 0) return h > 0 ? `${days.format(d)} ${hours.format(h)}` : days.format(d);
      if (h > 0) return m > 0 ? `${hours.format(h)} ${minutes.format(m)}` : hours.format(h);
      return minutes.format(m);
    },
    bytes(count) {
      const { value, unit: name } = sizeOf(count);
      return name === 'B' ? wholeBytes.format(value) : `${plain.format(value)}\u00a0${name}`;
    },
    list: (items) => list.format(items),
  };
}

const cache = new Map<Language, Formats>();

/** Formats of the language of the moment, built once per language. */
export function useFormats(): Formats {
  const [language] = useLanguage();
  return useMemo(() => {
    let formats = cache.get(language);
    if (!formats) {
      formats = createFormats(language);
      cache.set(language, formats);
    }
    return formats;
  }, [language]);
}
