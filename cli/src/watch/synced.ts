import type { WatchedCopy } from '@psa/recovery/watched';
import type { Catalogue } from '../backup/catalogue.ts';
import type { Cluster } from '../site/cluster.ts';
import { generationsOf } from '../site/generations.ts';
import { listVolumes } from '../site/volume.ts';

/**
 * The archives of containers that a backup server outside has by its own sync job: of the same container and the same moment, for
 * that is their name there (`backup/ct/101/2026-11-30T02:00:00Z`). One that it found damaged is no copy. Looks only.
 */
export async function syncedCopies(
  cluster: Cluster,
  { backups }: Pick<Catalogue, 'backups'>,
): Promise<{ readonly list: readonly WatchedCopy[] | null; readonly unasked: readonly string[] }> {
  const names = [...new Set(generationsOf(cluster.site).flatMap(({ synced }) => synced ?? []))];
  if (names.length === 0) return { list: null, unasked: [] };
  const list: WatchedCopy[] = [];
  const unasked: string[] = [];
  for (const name of names) {
    const there = await namesOn(cluster, name);
    if (there === null) unasked.push(`The storage ${name}, which is synced to, does not answer.`);
    else
      for (const { id, series, at, manifest } of backups) {
        const volid = manifest?.kind === 'container' ? manifest.volume?.volid : undefined;
        if (volid !== undefined && there.has(volid.slice(volid.indexOf(':') + 1)))
          list.push({ id, series, at, remote: name });
      }
  }
  // What does not answer must not read as if it had no copies.
  return { list: unasked.length > 0 ? null : list, unasked };
}

/** Its backups, without the name of the storage; null: no node can list them. */
async function namesOn(cluster: Cluster, storage: string): Promise<ReadonlySet<string> | null> {
  for (const { name: node } of cluster.site.site.nodes)
    try {
      const volumes = await listVolumes(cluster, node, storage);
      return new Set(
        volumes
          .filter(({ verification }) => verification?.state !== 'failed')
          .map(({ volid }) => volid.slice(volid.indexOf(':') + 1)),
      );
    } catch {
      cluster.signal.throwIfAborted();
    }
  return null;
}
