import type { HolidayPlace, HolidayRegion, PublicHoliday as Schema } from '@psa/contracts/holidays';
import type { Static } from 'typebox';

export type PublicHoliday = Static<typeof Schema>;

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

/** A day of each year: `MM-DD`, or so many days after Easter Sunday, or by its own rule. */
type Day = string | number | ((year: number) => Temporal.PlainDate);

/** One holiday: since when it is one, and in which part of the region alone. */
interface Rule {
  readonly day: Day;
  readonly name: string;
  readonly since?: number;
  readonly years?: readonly number[];
  readonly only_in?: HolidayPlace;
}
const on = (day: Day, name: string, more: Omit<Rule, 'day' | 'name'> = {}): Rule => ({ day, name, ...more });

/** The Wednesday before the 23rd of November. */
const penanceDay = (year: number) => {
  const last = Temporal.PlainDate.from({ year, month: 11, day: 22 });
  return last.subtract({ days: (last.dayOfWeek + 4) % 7 });
};

const EPIPHANY = on('01-06', 'Heilige Drei Könige');
const WOMENS_DAY = '03-08';
const CORPUS_CHRISTI = on(60, 'Fronleichnam');
const ASSUMPTION = on('08-15', 'Mariä Himmelfahrt');
const REFORMATION = on('10-31', 'Reformationstag');
/** Four states of the north have it since 2018. */
const REFORMATION_NORTH = on('10-31', 'Reformationstag', { since: 2018 });
const ALL_SAINTS = on('11-01', 'Allerheiligen');

/** Those that all German states share. */
const GERMANY: readonly Rule[] = [
  on('01-01', 'Neujahr'),
  on(-2, 'Karfreitag'),
  on(1, 'Ostermontag'),
  on('05-01', 'Tag der Arbeit'),
  on(39, 'Christi Himmelfahrt'),
  on(50, 'Pfingstmontag'),
  on('10-03', 'Tag der Deutschen Einheit'),
  on('12-25', '1. Weihnachtstag'),
  on('12-26', '2. Weihnachtstag'),
  // 500 years of the Reformation: once, everywhere.
  on('10-31', 'Reformationstag', { years: [2017] }),
];

/** What each has beside, by the holiday laws of the states as of 2026. */
const RULES: Readonly<Record<HolidayRegion, readonly Rule[]>> = {
  DE: GERMANY,
  'DE-BW': [...GERMANY, EPIPHANY, CORPUS_CHRISTI, ALL_SAINTS],
  'DE-BY': [
    ...GERMANY,
    EPIPHANY,
    CORPUS_CHRISTI,
    ALL_SAINTS,
    { ...ASSUMPTION, only_in: 'by_catholic' },
    on('08-08', 'Augsburger Hohes Friedensfest', { only_in: 'by_augsburg' }),
  ],
  'DE-BE': [
    ...GERMANY,
    on(WOMENS_DAY, 'Internationaler Frauentag', { since: 2019 }),
    on('05-08', 'Tag der Befreiung', { years: [2020, 2025] }),
    on('06-17', 'Jahrestag des Aufstandes vom 17. Juni 1953', { years: [2028] }),
  ],
  'DE-BB': [...GERMANY, on(0, 'Ostersonntag'), on(49, 'Pfingstsonntag'), REFORMATION],
  'DE-HB': [...GERMANY, REFORMATION_NORTH],
  'DE-HH': [...GERMANY, REFORMATION_NORTH],
  'DE-HE': [...GERMANY, CORPUS_CHRISTI],
  'DE-MV': [...GERMANY, on(WOMENS_DAY, 'Internationaler Frauentag', { since: 2023 }), REFORMATION],
  'DE-NI': [...GERMANY, REFORMATION_NORTH],
  'DE-NW': [...GERMANY, CORPUS_CHRISTI, ALL_SAINTS],
  'DE-RP': [...GERMANY, CORPUS_CHRISTI, ALL_SAINTS],
  'DE-SL': [...GERMANY, CORPUS_CHRISTI, ASSUMPTION, ALL_SAINTS],
  'DE-SN': [
    ...GERMANY,
    REFORMATION,
    on(penanceDay, 'Buß- und Bettag'),
    { ...CORPUS_CHRISTI, only_in: 'sn_bautzen' },
  ],
  'DE-ST': [...GERMANY, EPIPHANY, REFORMATION],
  'DE-SH': [...GERMANY, REFORMATION_NORTH],
  'DE-TH': [
    ...GERMANY,
    on('09-20', 'Weltkindertag', { since: 2019 }),
    REFORMATION,
    { ...CORPUS_CHRISTI, only_in: 'th_eichsfeld' },
  ],
  AT: [
    on('01-01', 'Neujahr'),
    EPIPHANY,
    on(1, 'Ostermontag'),
    on('05-01', 'Staatsfeiertag'),
    on(39, 'Christi Himmelfahrt'),
    on(50, 'Pfingstmontag'),
    CORPUS_CHRISTI,
    ASSUMPTION,
    on('10-26', 'Nationalfeiertag'),
    ALL_SAINTS,
    on('12-08', 'Mariä Empfängnis'),
    on('12-25', 'Christtag'),
    on('12-26', 'Stefanitag'),
  ],
  // The cantons have more, each others: they come by a calendar file.
  CH: [on('01-01', 'Neujahr'), on(39, 'Auffahrt'), on('08-01', 'Bundesfeier'), on('12-25', 'Weihnachten')],
};

/** The holidays of a region in one year, in order of date; those of a part of it say so. Each day stands once. */
export function publicHolidays(region: HolidayRegion, year: number): PublicHoliday[] {
  const easter = easterSunday(year);
  const dateOf = (day: Day) =>
    typeof day === 'string'
      ? `${year}-${day}`
      : (typeof day === 'number' ? easter.add({ days: day }) : day(year)).toString();
  const days = new Map<string, PublicHoliday>();
  for (const { day, name, since = 0, years, only_in } of RULES[region]) {
    if (year < since || (years && !years.includes(year))) continue;
    const date = dateOf(day);
    const before = days.get(date);
    // Ascension may fall on the 1st of May: one day off with both names.
    if (before?.name === name) continue;
    days.set(date, {
      date,
      name: before ? `${before.name} / ${name}` : name,
      ...(only_in && !before ? { only_in } : {}),
    });
  }
  return [...days.values()].sort((a, b) => (a.date < b.date ? -1 : 1));
}

/** Those that are holidays in the whole of a region: what calendars begin with. */
export const nationalHolidays = (region: HolidayRegion, year: number): { date: string; name: string }[] =>
  publicHolidays(region, year).filter(({ only_in }) => only_in === undefined);
