import { checkPolicy, isTiered, type RetentionPolicy } from './policy.ts';
import {
  decideRetention,
  keepNeeded,
  type Moment,
  type RetainedBackup,
  type RetentionDecision,
  toInstant,
} from './retention.ts';
import { tiersByDay } from './tier.ts';

/** A backup among others that are of something else. */
export interface SeriesBackup extends RetainedBackup {
  /** What may stand for one another: `database`, `container-300`. */
  readonly series: string;
  /** The generation that it was taken for; null: none. */
  readonly tier: string | null;
}

/**
 * What a policy keeps of backups of several things, each judged among its like: the last good one of each stays. One that
 * was taken for a generation on a day that is none of its (`--tier`) counts for that generation all the same.
 * @throws PolicyError, TypeError as decideRetention
 */
export function decideSeries(
  list: readonly SeriesBackup[],
  policy: RetentionPolicy,
  now: Moment,
): RetentionDecision {
  // Also where there is nothing yet: a policy that would keep nothing is found before it counts.
  checkPolicy(policy);
  const reasons = new Map<string, string[]>();
  const gone = new Map<string, string>();
  for (const group of Map.groupBy(list, ({ series }) => series).values()) {
    const { keep, remove } = decideRetention(group, policy, now);
    for (const one of keep) reasons.set(one.id, [...one.reasons]);
    for (const one of remove) gone.set(one.id, one.reason);
    const told = new Map<string, string>();
    for (const { tier, kept } of asTold(group, policy, now))
      for (const id of kept) {
        if (!reasons.has(id)) told.set(id, tier);
        reasons.set(id, [...(reasons.get(id) ?? []), `${tier}, as told`]);
      }
    // Of those that the policy keeps this was decided above.
    keepNeeded(group, told, (id, reason) => {
      told.set(id, reason);
      reasons.set(id, [...(reasons.get(id) ?? []), reason]);
    });
  }
  return {
    keep: list.flatMap(({ id }) => (reasons.has(id) ? [{ id, reasons: reasons.get(id)! }] : [])),
    remove: list.filter(({ id }) => !reasons.has(id)).map(({ id }) => ({ id, reason: gone.get(id)! })),
  };
}

/** The newest so many good ones that somebody took for a generation which their day is not one of. */
function asTold(group: readonly SeriesBackup[], policy: RetentionPolicy, now: Moment) {
  if (!isTiered(policy)) return [];
  const zone = policy.zone ?? 'UTC';
  const ofDay = tiersByDay(policy.tiers, zone);
  return policy.tiers.map(({ name, keep }) => {
    const told = group.filter(({ tier, at }) => tier === name && ofDay(toInstant(at, 'at'))?.name !== name);
    const { keep: kept } = decideRetention(told, { zone, 'keep-last': keep }, now);
    const counted = kept.filter(({ reasons }) => reasons.includes('keep-last'));
    return { tier: name, kept: counted.map(({ id }) => id) };
  });
}
