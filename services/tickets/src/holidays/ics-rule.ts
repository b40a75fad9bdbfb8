/** What comes back each year (or each second, third, …), on days that months, days of a month or weekdays name. */
export interface YearlyRule {
  readonly interval: number;
  readonly count: number | null;
  /** `YYYY-MM-DD`, the last day that may be one. */
  readonly until: string | null;
  readonly months: readonly number[];
  readonly monthDays: readonly number[];
  readonly weekdays: readonly { readonly nth: number; readonly day: number }[];
}

const DAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
/** A rule as it stands in a file; null for one that is not yearly, or that this does not know. */
export function yearlyRule(value: string, start: Temporal.PlainDate): YearlyRule | null {
  const parts = new Map(
    value
      .trim()
      .toUpperCase()
      .split(';')
      .filter((part) => part !== '')
      .map((part) => part.split('=', 2) as [string, string | undefined]),
  );
  const known = new Set(['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'BYMONTH', 'BYMONTHDAY', 'BYDAY', 'WKST']);
  if (parts.get('FREQ') !== 'YEARLY' || [...parts.keys()].some((name) => !known.has(name))) return null;
  const whole = (name: string, least: number): number | null => {
    const text = parts.get(name);
    return text !== undefined && /^\d{1,6}$/.test(text) && Number(text) >= least ? Number(text) : null;
  };
  // Each once: a list may be as long as the file.
  const listOf = (name: string) => [
    ...new Set((parts.get(name) ?? '').split(',').filter((one) => one !== '')),
  ];
  const numbers = (name: string, most: number) =>
    listOf(name).map((one) =>
      /^[+-]?\d{1,2}$/.test(one) && one !== '0' && Math.abs(Number(one)) <= most ? Number(one) : Number.NaN,
    );
  const months = numbers('BYMONTH', 12);
  const monthDays = numbers('BYMONTHDAY', 31);
  const weekdays = listOf('BYDAY').map((one) => {
    const [, nth = '', day = ''] = /^([+-]?\d{0,2})([A-Z]{2})$/.exec(one) ?? [];
    return { nth: nth === '' ? 0 : Number(nth), day: DAYS.indexOf(day) + 1 };
  });
  // A weekday of the year ("20MO") or every one of a month is no holiday that anybody has.
  const isPlain =
    weekdays.every(({ nth, day }) => day > 0 && nth !== 0 && Math.abs(nth) <= 5) || monthDays.length > 0;
  if (!isPlain || weekdays.some(({ day }) => day === 0)) return null;
  if ([...months, ...monthDays].some(Number.isNaN) || months.some((month) => month < 1)) return null;
  if (parts.has('COUNT') && whole('COUNT', 1) === null) return null;
  if (parts.has('INTERVAL') && whole('INTERVAL', 1) === null) return null;
  const until = parts.get('UNTIL');
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})/.exec(until ?? '') ?? [];
  if (until !== undefined && year === undefined) return null;
  return {
    interval: whole('INTERVAL', 1) ?? 1,
    count: whole('COUNT', 1),
    until: until === undefined ? null : `${year}-${month}-${day}`,
    months: months.length > 0 ? months : [start.month],
    monthDays: monthDays.length > 0 || weekdays.length > 0 ? monthDays : [start.day],
    weekdays,
  };
}

/** The days of a rule from `first` to `last` (years), counted from `start`. A 29th of February is one in leap years. */
export function datesByYear(
  rule: YearlyRule,
  start: Temporal.PlainDate,
  first: number,
  last: number,
  spend: (months: number) => void,
): string[] {
  const begin = start.toString();
  const dates: string[] = [];
  let counted = 0;
  // Without a count nobody needs to know what was before.
  const skipped = rule.count === null ? Math.max(0, Math.floor((first - start.year) / rule.interval)) : 0;
  for (let year = start.year + skipped * rule.interval; year <= last; year += rule.interval) {
    spend(rule.months.length * 3);
    const ofYear = rule.months
      .flatMap((month) => daysOfMonth(rule, year, month))
      .filter((date) => date >= begin && (rule.until === null || date <= rule.until))
      .sort();
    spend(ofYear.length);
    for (const date of new Set(ofYear)) {
      counted += 1;
      if (rule.count !== null && counted > rule.count) return dates;
      if (year >= first) dates.push(date);
    }
  }
  return dates;
}

function daysOfMonth({ monthDays, weekdays }: YearlyRule, year: number, month: number): string[] {
  const begin = Temporal.PlainDate.from({ year, month, day: 1 });
  const size = begin.daysInMonth;
  const yearAndMonth = begin.toString().slice(0, -2);
  const weekdayOf = (day: number) => ((begin.dayOfWeek - 1 + day - 1) % 7) + 1;
  const isNth = (day: number, nth: number) =>
    nth === 0 || (nth > 0 ? Math.ceil(day / 7) === nth : Math.ceil((size - day + 1) / 7) === -nth);
  const fits = (day: number) =>
    (monthDays.length === 0 || monthDays.some((one) => (one > 0 ? one : size + 1 + one) === day)) &&
    (weekdays.length === 0 ||
      weekdays.some(({ nth, day: weekday }) => weekdayOf(day) === weekday && isNth(day, nth)));
  return Array.from({ length: size }, (_, index) => index + 1)
    .filter(fits)
    .map((day) => `${yearAndMonth}${String(day).padStart(2, '0')}`);
}
