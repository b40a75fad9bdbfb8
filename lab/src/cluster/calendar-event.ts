const NAMED: Readonly<Record<string, string>> = {
  ...{ minutely: '*-*-* *:*:00', hourly: '*-*-* *:00:00', daily: '*-*-* 00:00:00' },
  ...{ weekly: 'mon *-*-* 00:00:00', monthly: '*-*-01 00:00:00', quarterly: '*-01,04,07,10-01 00:00:00' },
  ...{ yearly: '*-01-01 00:00:00', annually: '*-01-01 00:00:00' },
  ...{ semiannually: '*-01,07-01 00:00:00', 'semi-annually': '*-01,07-01 00:00:00' },
};
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** No day of the calendar comes later again: leap days on a given weekday. */
const YEARS = 40;

/** Values of one field between its bounds: lists of numbers, ranges (05..10) and repetitions (0/5). */
function valuesOf(field: string, from: number, to: number): readonly number[] {
  const wanted = new Set<number>();
  for (const part of field.split(',')) {
    const [, first = '', last, step] = /^(\*|\d+)(?:\.\.(\d+))?(?:\/(\d+))?$/.exec(part) ?? [];
    if (first === '') return [];
    const start = first === '*' ? from : Number(first);
    const end = last !== undefined ? Number(last) : first === '*' || step !== undefined ? to : start;
    for (let value = start; value <= Math.min(end, to); value += Number(step ?? 1) || to) wanted.add(value);
  }
  return [...wanted].filter((value) => value >= from).sort((one, other) => one - other);
}

/** Days of the week: mon,wed or mon..fri, across the week's end as well. */
function weekdaysOf(text: string): readonly number[] {
  return text.split(',').flatMap((part) => {
    const [first = -1, last = first] = part.split('..').map((day) => WEEKDAYS.indexOf(day.slice(0, 3)));
    return Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, step) => (first + step) % 7);
  });
}

/**
 * When a schedule in the form of calendar events is due next, in seconds; null: never, or it is none.
 * [WEEKDAY] [[YEARS-]MONTHS-DAYS] [HOURS:MINUTES[:SECONDS]]; minutes alone are those of every hour.
 */
export function nextEvent(schedule: string, after: number): number | null {
  const text = schedule.trim().toLowerCase();
  const words = (NAMED[text] ?? text).split(/\s+/);
  const days = /^[a-z]/.test(words[0] ?? '') ? weekdaysOf(words.shift() ?? '') : null;
  const [day = '*', month = '*', year = '*'] = words[0]?.includes('-')
    ? (words.shift() ?? '').split('-').reverse()
    : [];
  const time = words[0]?.includes(':')
    ? words[0]
    : `${words[0] === undefined ? '00' : '*'}:${words[0] ?? '00'}`;
  const [hour = '*', minute = '*', second = '00'] = time.split(':');
  const dates = {
    ...{ years: valuesOf(year, 1970, 9999), months: valuesOf(month, 1, 12) },
    days: valuesOf(day, 1, 31),
  };
  const hours = valuesOf(hour, 0, 23);
  const minutes = valuesOf(minute, 0, 59);
  const seconds = valuesOf(second, 0, 59);
  const start = new Date(after * 1000);
  for (let step = 0; step < YEARS * 366; step += 1) {
    const date = new Date(start.getFullYear(), start.getMonth(), start.getDate() + step);
    if (!dates.days.includes(date.getDate()) || !dates.months.includes(date.getMonth() + 1)) continue;
    if (!dates.years.includes(date.getFullYear()) || days?.includes(date.getDay()) === false) continue;
    for (const one of hours)
      for (const two of minutes)
        for (const three of seconds) {
          const due = new Date(date).setHours(one, two, three) / 1000;
          if (due > after) return due;
        }
  }
  return null;
}
