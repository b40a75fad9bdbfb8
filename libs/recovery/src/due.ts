import { type Tier, WEEKDAYS } from './policy.ts';
import { tierOfDate } from './tier.ts';
import { isFuture } from './watched.ts';

/** A generation with the time of day of its runs. */
export interface DueTier extends Pick<Tier, 'name' | 'on'> {
  /** `02:00`, in the zone of the backups. */
  readonly time: string;
}

/** A run that was due. */
export interface Due {
  readonly tier: DueTier;
  readonly at: Temporal.Instant;
}

/** Two firsts of a month lie no further apart: no generation is rarer. */
const RAREST_DAYS = 6 * WEEKDAYS.length;

/**
 * The last run that was due at a moment, or before it: of each day the rarest generation's, at its time. A time that the
 * clock leaves out when it is set forward is due as much later; one that comes twice, the first time.
 * @returns null: no generation has a day within six weeks
 */
export function lastDue(tiers: readonly DueTier[], now: Temporal.Instant, zone: string): Due | null {
  const today = now.toZonedDateTimeISO(zone).toPlainDate();
  for (let days = 0; days <= RAREST_DAYS; days++) {
    const date = today.subtract({ days });
    const tier = tierOfDate(tiers, date);
    if (!tier) continue;
    const at = date
      .toZonedDateTime({ timeZone: zone, plainTime: Temporal.PlainTime.from(tier.time) })
      .toInstant();
    if (Temporal.Instant.compare(at, now) <= 0) return { tier, at };
  }
  return null;
}

/** What a run brought, as far as it is asked whether it was that run. */
type RunPart = { readonly run: string; readonly series: string; readonly at: string };

/**
 * The run that is due and was not made: since its moment none has brought half of what each run takes. One that was made by
 * hand counts; of `--only` a few parts does not.
 * @param taken series that each run takes
 * @returns null: none is due
 */
export function dueNow(
  backups: readonly RunPart[],
  taken: readonly string[],
  tiers: readonly DueTier[],
  now: Temporal.Instant,
  zone: string,
): Due | null {
  const due = lastDue(tiers, now, zone);
  if (!due) return null;
  // One that is dated in the future was made when the clock was wrong, and may be of before.
  const since = backups.filter(
    (one) =>
      Date.parse(one.at) >= due.at.epochMilliseconds &&
      !isFuture(one, now.epochMilliseconds) &&
      taken.includes(one.series),
  );
  const made = [...Map.groupBy(since, ({ run }) => run).values()].some(
    (parts) => new Set(parts.map(({ series }) => series)).size * 2 >= taken.length,
  );
  return made ? null : due;
}
