import Type from 'typebox';
import { Closed, Line, StringEnum } from './common.ts';

/** Where public holidays are known by rule: Germany and its states by ISO 3166-2, Austria, and what all of Switzerland shares. */
export const HOLIDAY_REGIONS = [
  'DE',
  'DE-BW',
  'DE-BY',
  'DE-BE',
  'DE-BB',
  'DE-HB',
  'DE-HH',
  'DE-HE',
  'DE-MV',
  'DE-NI',
  'DE-NW',
  'DE-RP',
  'DE-SL',
  'DE-SN',
  'DE-ST',
  'DE-SH',
  'DE-TH',
  'AT',
  'CH',
] as const;
export type HolidayRegion = (typeof HOLIDAY_REGIONS)[number];

/** Parts of a state in which alone a day is a holiday. */
export const HOLIDAY_PLACES = ['by_catholic', 'by_augsburg', 'sn_bautzen', 'th_eichsfeld'] as const;
export type HolidayPlace = (typeof HOLIDAY_PLACES)[number];

/** So many years are given at once. */
export const MOST_HOLIDAY_YEARS = 10;

/** A day off, as calendars keep it. */
export const PublicHoliday = Type.Object({
  date: Type.String({ format: 'date' }),
  name: Line(100),
  /** Only there; everywhere in the region where it is left out. */
  only_in: Type.Optional(StringEnum(HOLIDAY_PLACES)),
});

const Year = Type.Integer({ minimum: 1990, maximum: 2200 });
const years = { from: Type.Optional(Year), to: Type.Optional(Year) };
export const PublicHolidaysQuery = Closed({ region: StringEnum(HOLIDAY_REGIONS), ...years });
export const ReadIcsQuery = Closed({ ...years, time_zone: Type.Optional(Line(64)) });

/** Why an entry of a calendar file is no day off: it has times, its rule is not known, it cannot be read. */
export const SKIP_REASONS = ['timed', 'rule', 'unreadable'] as const;
export const IcsHolidays = Type.Object({
  holidays: Type.Array(PublicHoliday),
  skipped: Type.Array(
    Type.Object({ name: Type.String(), date: Type.String(), reason: StringEnum(SKIP_REASONS) }),
  ),
  skipped_count: Type.Integer(),
});
