const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
type Day = (typeof DAYS)[number];

/** `02:00` of `first sun 02:00`. */
export const timeOf = (schedule: string): string => schedule.split(' ').at(-1)!;

/** The day of the week of a schedule, as systemd writes it; of a daily one Saturday. */
export const weekdayOf = (schedule: string): Day =>
  DAYS.find((day) => schedule.split(' ').includes(day.toLowerCase())) ?? 'Sat';

/** `03:00` after `02:00`, `00:30` after `23:30`. */
export const anHourLater = (time: string): string =>
  `${String((Number(time.slice(0, 2)) + 1) % 24).padStart(2, '0')}${time.slice(2)}`;

/** Months as a crontab writes them: `02,03` → `2,3`. */
export const monthsOf = (months: string): string => months.split(',').map(Number).join(',');

/** Of a schedule: whether it has a day of the week, that one in the first week of a month or in the others. */
function covers(schedule: string, day: Day, isFirst: boolean): boolean {
  const words = schedule.split(' ').slice(0, -1);
  if (words[0] === 'daily') return true;
  return weekdayOf(schedule) === day && (words[0] !== 'first' || isFirst);
}

const rarity = (schedule: string) =>
  schedule.startsWith('daily') ? 0 : schedule.startsWith('first') ? 2 : 1;

/**
 * systemd's calendar events of generations: each day has the rarest one's time alone, as retention counts its days. And
 * every day an hour later once more, for systemd leaves out a time that the night of the summer's clock does not have; what
 * is started then looks whether it is due at all.
 * @param schedules `daily 02:00`, `sun 02:00`, `first sun 02:00`
 */
export function backupCalendars(schedules: readonly string[]): readonly string[] {
  const timeIn = (day: Day, isFirst: boolean): string | null => {
    const having = schedules.filter((one) => covers(one, day, isFirst));
    const rarest = having.toSorted((a, b) => rarity(b) - rarity(a))[0];
    return rarest === undefined ? null : timeOf(rarest);
  };
  const times = [...new Set(schedules.map(timeOf))].toSorted();
  const own = times.flatMap((time) => {
    const on = (isFirst: boolean) => DAYS.filter((day) => timeIn(day, isFirst) === time);
    const both = on(true).filter((day) => on(false).includes(day));
    const lines = [
      [both, '*-*-*'],
      [on(true).filter((day) => !both.includes(day)), '*-*-01..07'],
      [on(false).filter((day) => !both.includes(day)), '*-*-08..31'],
    ] as const;
    return lines.flatMap(([days, dates]) =>
      days.length === 0 ? [] : [`${daysText(days)}${dates} ${time}:00`],
    );
  });
  const again = times.map(anHourLater).filter((time) => !times.includes(time));
  return [...own, ...again.map((time) => `*-*-* ${time}:00`)];
}

/** `Sat,Sun `, and nothing for all seven. */
const daysText = (days: readonly Day[]): string => (days.length === DAYS.length ? '' : `${days.join(',')} `);
