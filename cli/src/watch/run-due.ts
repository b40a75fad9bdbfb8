import { type Due, dueNow } from '@psa/recovery/due';
import { readCatalogue } from '../backup/catalogue.ts';
import type { Cluster } from '../site/cluster.ts';
import { watchPolicyOf } from './watch-policy.ts';

/** The run of a site's schedule that was due last and was not made; null: it was. */
export async function runDue(cluster: Cluster, now: number): Promise<Due | null> {
  const { expected, tiers, zone } = watchPolicyOf(cluster.site);
  const taken = expected.flatMap(({ series, every }) => (every === 'run' ? [series] : []));
  const { backups } = await readCatalogue(cluster);
  return dueNow(backups, taken, tiers, Temporal.Instant.fromEpochMilliseconds(now), zone);
}
