import type { Tier, TierDays } from './policy.ts';

const SUNDAY = 7;

/** Whether a day of the calendar is one of a tier's. */
export function isTierDay(on: TierDays, date: Temporal.PlainDate): boolean {
  if (on === 'every-day') return true;
  return date.dayOfWeek === SUNDAY && (on === 'sunday' || date.day <= SUNDAY);
}

/**
 * The tier that a run belongs to: the rarest whose day it is. So a first Sunday's run is the grandfather's, another
 * Sunday's the father's, any other day's the son's (BDUF §10.1).
 * @returns null: no tier has this day
 */
export function tierOf(tiers: readonly Tier[], at: Temporal.Instant, zone: string): Tier | null {
  const date = at.toZonedDateTimeISO(zone).toPlainDate();
  const rarest: readonly TierDays[] = ['first-sunday', 'sunday', 'every-day'];
  for (const on of rarest) {
    const tier = isTierDay(on, date) ? tiers.find((one) => one.on === on) : undefined;
    if (tier) return tier;
  }
  return null;
}
