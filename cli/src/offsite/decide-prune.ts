import { parseArtefactId } from '@psa/recovery/artefact-name';
import type { RemoteCopy } from '@psa/recovery/offsite/receipt';
import type { RetentionPolicy } from '@psa/recovery/policy';
import { decideSeries } from '@psa/recovery/series-retention';

/** What becomes of a copy on a remote. */
export interface CopyDecision {
  readonly copy: RemoteCopy;
  readonly keep: boolean;
  readonly why: string;
}

/** Halves of copies that are older were left by a run that was killed, or whose line was cut: nobody ends them. */
const LEFT_MS = 2 * 24 * 3_600_000;

/**
 * What stays on a remote by its own retention. Copies of other sites stay; of a backup with two good copies the older
 * attempt goes.
 * @param site whose copies are judged: `psa/main`
 */
export function decideOffsitePrune(
  copies: readonly RemoteCopy[],
  policy: RetentionPolicy,
  site: string,
  now: number,
): readonly CopyDecision[] {
  const good = copies.filter(({ state, receipt }) => state === 'good' && receipt!.site === site);
  const newest = new Map<string, RemoteCopy>();
  for (const one of good) {
    const other = newest.get(one.id);
    if (!other || one.changed_at > other.changed_at) newest.set(one.id, one);
  }
  const { keep, remove } = decideSeries(
    [...newest.values()].map(({ id, receipt }) => ({
      ...{ id, at: receipt!.at, tier: receipt!.tier, series: parseArtefactId(id)!.series },
      ...{ protected: false, proven: false, good: true },
    })),
    policy,
    now,
  );
  const reasons = new Map(keep.map((one) => [one.id, one.reasons.join(', ')]));
  const gone = new Map(remove.map((one) => [one.id, one.reason]));
  return copies.map((copy): CopyDecision => {
    if (copy.receipt && copy.receipt.site !== site)
      return { copy, keep: true, why: `of ${copy.receipt.site}` };
    if (copy.state !== 'good') {
      const isLeft = now - Date.parse(copy.changed_at) > LEFT_MS;
      return {
        copy,
        keep: !isLeft,
        why: isLeft ? `${copy.state}, and nobody ends it` : `${copy.state}, and new`,
      };
    }
    if (newest.get(copy.id) !== copy) return { copy, keep: false, why: 'another copy of it is newer' };
    const why = reasons.get(copy.id);
    return { copy, keep: why !== undefined, why: why ?? gone.get(copy.id)! };
  });
}
