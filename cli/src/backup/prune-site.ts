import type { RetentionDecision } from '@psa/recovery/retention';
import { decideSeries } from '@psa/recovery/series-retention';
import { removeBackup, retained } from '@psa/recovery/shelf';
import type { Cluster } from '../site/cluster.ts';
import { type Store, storesOf } from '../site/generations.ts';
import { removeVolume } from '../site/volume.ts';
import { type Catalogue, type Catalogued, isSafety } from './catalogue.ts';

/** What stays in one folder, and what goes. */
export interface PrunedStore extends RetentionDecision {
  readonly folder: string;
  readonly policy: Store['policy'];
}

/**
 * Decides what stays in each folder of a site. What was taken before a deploy, and what a restore has saved from being
 * overwritten, has no generation: of that the newest so many stay, and none of it pushes out what a run took. Nothing of another site, and nothing whose storage does not answer, is touched.
 * @param deploys how many of what has no generation stay, of each part
 */
export function decidePrune(
  cluster: Cluster,
  { backups }: Catalogue,
  deploys: number,
  site: string,
  now: number,
): readonly PrunedStore[] {
  return storesOf(cluster.site).map(({ folder, policy }) => {
    const here = backups.filter((one) => one.store.folder === folder);
    const isOthers = ({ manifest }: Catalogued) =>
      manifest !== null && manifest.kind !== 'embedded' && manifest.site !== site;
    // What is in the repository of the database goes by its own rule (backup.pitr_days), with the log behind it.
    const isKept = ({ kind, state }: Catalogued) => kind === 'pitr' && state === 'good';
    const left = here.filter(
      (one) => ['elsewhere', 'newer'].includes(one.state) || isOthers(one) || isKept(one),
    );
    // What pgBackRest has removed is of no use, not even as the last one.
    const gone = here.filter((one) => one.kind === 'pitr' && one.state === 'gone' && !isOthers(one));
    const ours = here.filter((one) => !left.includes(one) && !gone.includes(one));
    const judged = (list: readonly Catalogued[]) =>
      list.map((one) => ({ ...retained(one), series: one.series, tier: one.tier }));
    const isOfNone = (one: Catalogued) => one.kind === 'deploy' || isSafety(one);
    const decisions = [
      decideSeries(judged(ours.filter((one) => !isOfNone(one))), policy, now),
      decideSeries(judged(ours.filter(isOfNone)), { 'keep-last': deploys }, now),
    ];
    return {
      ...{ folder, policy },
      keep: [
        ...decisions.flatMap(({ keep }) => keep),
        ...left.map((one) => ({
          id: one.id,
          reasons: [
            isOthers(one)
              ? 'of another site'
              : isKept(one)
                ? 'pgBackRest keeps it, as backup.pitr_days says'
                : one.state === 'newer'
                  ? 'made by a newer psactl'
                  : 'its storage does not answer',
          ],
        })),
      ],
      remove: [
        ...decisions.flatMap(({ remove }) => remove),
        ...gone.map(({ id }) => ({ id, reason: 'it is no longer in the repository of the database' })),
      ],
    };
  });
}

/** Takes a backup away: its archive first, its manifest last, so that a run that is killed is ended by the next one. */
export async function removeCatalogued(cluster: Cluster, one: Catalogued): Promise<void> {
  if (one.volume) await removeVolume(cluster, one.volume.node, one.volume.volid);
  await removeBackup(one);
}
