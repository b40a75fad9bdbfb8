import type { Language } from './i18n.ts';

/**
 * Numbers, sizes, durations, times and days as people type them, in either language: what `Formats` writes and what stands
 * in their mails. Each gives null for what it is not sure of; the field says so then.
 */

/** Blanks, and what Switzerland and typesetters divide thousands by. */
const BLANKS = /[\s\u00a0\u2009\u202f'’]/g;

/**
 * A number that is not negative: `1.234,5`, `1,234.5`, `1 234`. One sign alone is the language's: `1.500` is 1500 in German
 * and one and a half in English; where it cannot divide thousands it is the decimal point of either.
 */
export function readNumber(text: string, language: Language): number | null {
  const typed = text.trim().replace(BLANKS, '');
  if (!/^\d[\d.,]*$/.test(typed) || /[.,]$/.test(typed)) return null;
  const signs = typed.replace(/\d/g, '');
  const decimal = decimalSign(typed, signs, language);
  const [whole = '', fraction = '', ...more] = decimal === '' ? [typed] : typed.split(decimal);
  if (more.length > 0 || /\D/.test(fraction)) return null;
  const divided = /[.,]/.test(whole);
  if (divided && !/^\d{1,3}(?:(?:\.\d{3})+|(?:,\d{3})+)$/.test(whole)) return null;
  return Number(`${whole.replace(/[.,]/g, '')}.${fraction || '0'}`);
}

/** Which of its signs begins the fraction; '' where none does. */
function decimalSign(typed: string, signs: string, language: Language): string {
  if (signs === '') return '';
  const last = signs.at(-1)!;
  if (signs.length > 1) return [...signs].every((sign) => sign === last) ? '' : last;
  const own = language === 'de' ? ',' : '.';
  return last !== own && /^[1-9]\d{0,2}[.,]\d{3}$/.test(typed) ? '' : last;
}

const STEPS = { B: 0, K: 1, M: 2, G: 3, T: 4 } as const;
export type TypedSizeUnit = keyof typeof STEPS;
const SIZE = /^(.*?)\s*(?:([kmgt])(?:i?b(?:ytes?)?)?|b(?:ytes?)?)?$/i;

/** Bytes of `26,2 MB`, `2.5 GiB`, `512`; a number alone is in `unit`. Units are of 1,024, as they are shown. */
export function readBytes(text: string, language: Language, unit: TypedSizeUnit = 'B'): number | null {
  const typed = text.trim();
  const [, figure = '', prefix] = SIZE.exec(typed) ?? [];
  const value = readNumber(figure, language);
  if (value === null) return null;
  const isPlain = figure.trim().length === typed.length;
  const step = STEPS[isPlain ? unit : ((prefix?.toUpperCase() ?? 'B') as TypedSizeUnit)];
  return Math.round(value * 1024 ** step);
}

/** Parts of a duration, each by the words for it in both languages. */
const UNITS: readonly (readonly [RegExp, 'minute' | 'hour' | 'day' | 'week'])[] = [
  [/^(?:m|min|mins|minuten?|minutes?)\.?$/, 'minute'],
  [/^(?:h|hr|hrs|st|std|stdn|stunden?|hours?)\.?$/, 'hour'],
  [/^(?:d|t|tg|tage?n?|days?)\.?$/, 'day'],
  [/^(?:w|wo|wochen?|wks?|weeks?)\.?$/, 'week'],
];
const PART = /(\d[\d.,\u00a0\u202f]*)\s*(\p{L}+\.?)/gu;

export interface DurationOptions {
  /** What a number alone counts; minutes unless given. */
  unit?: 'minute' | 'hour';
  /** Minutes of a day: fewer where working time is meant. */
  dayMinutes?: number;
}

/** Whole minutes of `90`, `90 min`, `1:30`, `1,5 h`, `1 Std. 30 Min.`, `1h30`, `2 Tage`, `1 week`. */
export function readDuration(text: string, language: Language, options: DurationOptions = {}): number | null {
  const { unit = 'minute', dayMinutes = 1440 } = options;
  const typed = text
    .trim()
    .toLowerCase()
    .replace(/\s+(?:und|and)\s+/g, ' ');
  const clock = /^(\d{1,4}):([0-5]\d)(?:\s*(?:h|std\.?|stunden?|hours?|hrs?))?$/.exec(typed);
  if (clock) return Number(clock[1]) * 60 + Number(clock[2]);
  const plain = readNumber(typed, language);
  if (plain !== null) return whole(plain * (unit === 'hour' ? 60 : 1));
  const hourAndMore = /^(\d{1,4})\s*(?:h|std\.?)\s*([0-5]?\d)$/.exec(typed);
  if (hourAndMore) return Number(hourAndMore[1]) * 60 + Number(hourAndMore[2]);
  // A week has five days where a day is one of work.
  const minutes = { minute: 1, hour: 60, day: dayMinutes, week: dayMinutes * (dayMinutes < 1440 ? 5 : 7) };
  let total = 0;
  const seen = new Set<string>();
  let isKnown = true;
  const rest = typed.replace(PART, (_, figure: string, word: string) => {
    const value = readNumber(figure, language);
    const name = UNITS.find(([words]) => words.test(word))?.[1];
    if (value === null || name === undefined || seen.has(name)) isKnown = false;
    else {
      seen.add(name);
      total += value * minutes[name];
    }
    return '';
  });
  if (!isKnown || seen.size === 0 || /[^\s,]/.test(rest)) return null;
  return whole(total);
}

/** A third of an hour is 20 minutes, also where it was typed with two decimals; an instant is no duration to anybody. */
const whole = (minutes: number) => (Number.isSafeInteger(Math.round(minutes)) ? Math.round(minutes) : null);

const TIME = /^(\d{1,2})(?:\s*(?:[:.]|h|uhr)\s*([0-5]\d))?\s*(?:uhr|h|o['’]clock)?\s*(?:([ap])\.?m\.?)?$/i;

/** `HH:MM` of `8`, `8:30`, `08.30 Uhr`, `17h`, `0830`, `5 pm`; 24:00 is the end of a day. */
export function readTime(text: string): string | null {
  const typed = text.trim().replace(/^([01]\d|2[0-4])([0-5]\d)(?=\s*(?:uhr|h)?$)/i, '$1:$2');
  const [, hours, minutes = '00', half] = TIME.exec(typed) ?? [];
  if (hours === undefined) return null;
  let hour = Number(hours);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return null;
    hour = (hour % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
  }
  const time = `${String(hour).padStart(2, '0')}:${minutes}`;
  return time <= '24:00' ? time : null;
}

const MONTHS: readonly RegExp[] = [
  /^jan(?:uar|uary)?$|^jänner$/,
  /^feb(?:ruar|ruary)?$|^feber$/,
  /^mär(?:z)?$|^mrz$|^mar(?:ch)?$|^maerz$/,
  /^apr(?:il)?$/,
  /^mai$|^may$/,
  /^jun[ie]?$/,
  /^jul[iy]?$/,
  /^aug(?:ust)?$/,
  /^sept?(?:ember)?$/,
  /^o[kc]t(?:ober)?$/,
  /^nov(?:ember)?$/,
  /^de[zc](?:ember)?$/,
];
const monthOf = (name: string) => MONTHS.findIndex((names) => names.test(name.toLowerCase())) + 1;

/** Days at the beginning of a text, with the places of day, month and year. */
const DATES: readonly (readonly [RegExp, readonly [day: number, month: number, year: number]])[] = [
  [/^(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)/, [3, 2, 1]],
  [/^(\d{1,2})\.\s*(\d{1,2})\.(?:\s*(\d{4}|\d{2})(?![\d:.]))?/, [1, 2, 3]],
  [/^(\d{1,2})\/(\d{1,2})(?:\/(\d{4}|\d{2}))?(?![\d/])/, [1, 2, 3]],
  [/^(\d{1,2})(?:\.|st|nd|rd|th)?\s*(\p{L}{3,9})\.?(?:\s*(\d{4})(?![\d:.]))?(?!\p{L})/iu, [1, 2, 3]],
  [/^(\p{L}{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?(?![\d:.])/iu, [2, 1, 3]],
];

/**
 * The day that a text begins with, as `YYYY-MM-DD`, and what follows: `24.12.2026`, `24.12.`, `24. Dez. 2026`,
 * `24/12/2026`, `Dec 24, 2026`, `2026-12-24`. Without a year it is the next such day from `today` on.
 */
export function readLeadingDate(text: string, today: string): { date: string; rest: string } | null {
  const typed = text.trim();
  for (const [pattern, [dayAt, monthAt, yearAt]] of DATES) {
    const found = pattern.exec(typed);
    if (!found) continue;
    const monthText = found[monthAt] ?? '';
    const [day, month] = [
      Number(found[dayAt]),
      /^\d+$/.test(monthText) ? Number(monthText) : monthOf(monthText),
    ];
    const year = found[yearAt];
    const date =
      year === undefined
        ? nextDay(month, day, today)
        : dayOf(Number(year.length === 2 ? `20${year}` : year), month, day);
    if (date) return { date, rest: typed.slice(found[0].length).trim() };
  }
  return null;
}

/** A day alone; null where anything else stands with it. */
export function readDate(text: string, today: string): string | null {
  const read = readLeadingDate(text, today);
  return read?.rest === '' ? read.date : null;
}

function dayOf(year: number, month: number, day: number): string | null {
  const two = (value: number) => String(value).padStart(2, '0');
  const text = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
  const time = Date.parse(text);
  // Date.parse may roll the 30th of February over.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text) ? text : null;
}

/** A 29th of February may be eight years ahead. */
function nextDay(month: number, day: number, today: string): string | null {
  const first = Number(today.slice(0, 4));
  for (let year = first; year <= first + 8; year++) {
    const date = dayOf(year, month, day);
    if (date && date >= today) return date;
  }
  return null;
}

/** A day of the calendar as people write it, whatever the time zone: 24.12.2026, 24/12/2026. */
export function dateText(date: string, language: Language): string {
  const [year = '', month = '', day = ''] = date.split('-');
  return [day, month, year].join(language === 'de' ? '.' : '/');
}
