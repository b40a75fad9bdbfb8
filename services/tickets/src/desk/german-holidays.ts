/** A day off, as calendars keep it. */
export interface PublicHoliday {
  /** `YYYY-MM-DD`. */
  readonly date: string;
  readonly name: string;
}

/**
 * Easter Sunday of the Gregorian calendar, by the method of Gauss as Lichtenberg corrected it.
 * Source: PTB, "Wann ist Ostern?" (Physikalisch-Technische Bundesanstalt).
 */
export function easterSunday(year: number): Temporal.PlainDate {
  const k = Math.floor(year / 100);
  const m = 15 + Math.floor((3 * k + 3) / 4) - Math.floor((8 * k + 13) / 25);
  const s = 2 - Math.floor((3 * k + 3) / 4);
  const a = year % 19;
  const d = (19 * a + m) % 30;
  const r = Math.floor((d + Math.floor(a / 11)) / 29);
  const og = 21 + d - r;
  const sz = 7 - ((year + Math.floor(year / 4) + s) % 7);
  const oe = 7 - ((og - sz) % 7);
  return Temporal.PlainDate.from({ year, month: 3, day: 1 }).add({ days: og + oe - 1 });
}

/** The nine holidays that all German states share, in order of date. */
export function germanHolidays(year: number): PublicHoliday[] {
  const easter = easterSunday(year);
  const on = (days: number) => easter.add({ days }).toString();
  return [
    { date: `${year}-01-01`, name: 'Neujahr' },
    { date: on(-2), name: 'Karfreitag' },
    { date: on(1), name: 'Ostermontag' },
    { date: `${year}-05-01`, name: 'Tag der Arbeit' },
    { date: on(39), name: 'Christi Himmelfahrt' },
    { date: on(50), name: 'Pfingstmontag' },
    { date: `${year}-10-03`, name: 'Tag der Deutschen Einheit' },
    { date: `${year}-12-25`, name: '1. Weihnachtstag' },
    { date: `${year}-12-26`, name: '2. Weihnachtstag' },
  ].sort((a, b) => (a.date < b.date ? -1 : 1));
}
