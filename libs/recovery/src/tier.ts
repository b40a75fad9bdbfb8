import { type Tier, type TierDays, WEEKDAYS } from './policy.ts';

/** Days of a week. */
const WEEK = WEEKDAYS.length;

/** Whether a day of the calendar is one of a tier's. */
export function isTierDay(on: TierDays, date: Temporal.PlainDate): boolean {
  if (on === 'every-day') return true;
  const day = WEEKDAYS[date.dayOfWeek - 1];
  return on === day || (on === `first-${day}` && date.day <= WEEK);
}

/**
 * The tier that a run belongs to: the rarest whose day it is. So a first Sunday's run is the grandfather's, another
 * Sunday's the father's, any other day's the son's (BDUF §10.1).
 * @returns null: no tier has this day
 */
export const tierOf = <T extends Pick<Tier, 'on'>>(
  tiers: readonly T[],
  at: Temporal.Instant,
  zone: string,
): T | null => tierOfDate(tiers, at.toZonedDateTimeISO(zone).toPlainDate());

/** The same of a day of the calendar. */
export function tierOfDate<T extends Pick<Tier, 'on'>>(
  tiers: readonly T[],
  date: Temporal.PlainDate,
): T | null {
  const rarity = ({ on }: T) => (on === 'every-day' ? 0 : on.startsWith('first-') ? 2 : 1);
  const ofDay = tiers.filter(({ on }) => isTierDay(on, date));
  return ofDay.toSorted((a, b) => rarity(b) - rarity(a))[0] ?? null;
}

/** Before it some zones were behind by odd seconds; since then their days begin at a quarter of an hour of UTC. */
const QUARTERS_SINCE = Date.UTC(1980, 0);
const QUARTER_MS = 15 * 60_000;

/**
 * {@link tierOf} for many runs: a moment of a zone's calendar costs as much as twenty other steps of a decision, and all moments of
 * a quarter of an hour are of one day.
 */
export function tiersByDay<T extends Pick<Tier, 'on'>>(
  tiers: readonly T[],
  zone: string,
): (at: Temporal.Instant) => T | null {
  const known = new Map<number, T | null>();
  return (at) => {
    const ms = at.epochMilliseconds;
    if (ms < QUARTERS_SINCE) return tierOf(tiers, at, zone);
    const quarter = Math.floor(ms / QUARTER_MS);
    let tier = known.get(quarter);
    if (tier === undefined) {
      tier = tierOf(tiers, at, zone);
      known.set(quarter, tier);
    }
    return tier;
  };
}
