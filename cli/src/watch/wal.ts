import type { WatchedWal } from '@psa/recovery/watched';
import { gapsOf } from '../backup/pitr.ts';
import type { Cluster } from '../site/cluster.ts';
import { archiverState, readRepository, repositoryHost } from '../site/repository.ts';

/**
 * The write-ahead log on its way to its repository, and what is missing of it there behind the newest copy. Null: the site
 * has no repository, or no primary that could be asked.
 * @throws CliError when the repository's container does not run or pgBackRest fails
 */
export async function watchWal(cluster: Cluster): Promise<WatchedWal | null> {
  const { inventory } = cluster.site;
  const hasRepository = inventory.containers.some(({ name }) => name === 'ops');
  if (!hasRepository || !(inventory.backup.items?.includes('pitr') ?? true)) return null;
  const state = await archiverState(cluster);
  if (state === null) return null;
  const host = await repositoryHost(cluster);
  const info = await readRepository(cluster, host);
  // Behind older copies a gap may be of long ago: the newest says whether any moment from now on can be had.
  const newest = info.backups.findLast(({ error }) => !error);
  const gaps = newest ? ((await gapsOf(cluster, host, info)).get(newest.label) ?? []) : [];
  return {
    lastArchived: state.last && state.last_at ? { wal: state.last, at: state.last_at } : null,
    gap: gaps.length > 0,
    lagBytes: state.waiting_bytes,
  };
}
