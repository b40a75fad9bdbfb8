import { statfs } from 'node:fs/promises';
import { parseArtefactId } from '@psa/recovery/artefact-name';
import type { Room } from '@psa/recovery/metrics-text';
import { readRemote } from '@psa/recovery/offsite/receipt';
import type { ShelvedBackup } from '@psa/recovery/shelf';
import { type BackupSummary, summarise } from '@psa/recovery/summary';
import type { Watched, WatchedBackup, WatchedCopy } from '@psa/recovery/watched';
import { isSafety, readCatalogue } from '../backup/catalogue.ts';
import { type FiledKeyState, siteKeyState } from '../backup/key-state.ts';
import type { Io } from '../command.ts';
import { remotesOf } from '../offsite/remotes.ts';
import type { Cluster } from '../site/cluster.ts';
import { siteNameOf, storesOf } from '../site/generations.ts';
import { readDrills } from './drills.ts';
import { watchStandby } from './standby.ts';
import { syncedCopies } from './synced.ts';
import { watchWal } from './wal.ts';
import { embeddedPolicy, watchPolicyOf } from './watch-policy.ts';

/** What was seen of backups, and what follows from it. */
export interface Watch {
  readonly summary: BackupSummary;
  readonly backups: readonly WatchedBackup[];
  readonly rooms: readonly Room[];
  /** What could not be asked, each in a sentence: nothing is said of it. */
  readonly unasked: readonly string[];
  /** The key of what is encrypted; null: nothing is, or it is one folder that is watched. */
  readonly key: FiledKeyState | null;
}

/** A backup as it is watched. */
const watched = (one: ShelvedBackup): WatchedBackup => ({
  ...{ id: one.id, series: one.series, run: one.run, state: one.state, tier: one.tier },
  at: one.at,
  // Of pgBackRest's copies that of the database: what one takes in the repository depends on the copies before it.
  bytes: one.kind === 'pitr' ? (one.manifest?.content_bytes ?? one.bytes) : one.bytes,
  duration_ms: one.manifest?.duration_ms ?? null,
  proven_at: one.proof?.at ?? null,
  failed: one.failure && { at: one.failure.at, why: one.failure.why },
  is_synced: one.manifest !== null && one.manifest.sha256 === null,
});

/**
 * Looks at all that is known of a site's backups: folders, storages, copies outside, room. Reads only.
 * @param options `outside`: false where remotes are not to be asked, which may take long; nothing is said of copies then
 * @throws CliError when the cluster or a folder cannot be read
 */
export async function watchSite(
  cluster: Cluster,
  io: Pick<Io, 'env'>,
  now: number,
  options: { readonly outside: boolean } = { outside: true },
): Promise<Watch> {
  const { site, signal } = cluster;
  const own = siteNameOf(site);
  const [catalogue, sent, rooms, drills, wal, standby] = await Promise.all([
    readCatalogue(cluster),
    readCopies(),
    roomsOf(cluster),
    readDrills(site.folder),
    asked('The write-ahead log', () => watchWal(cluster)),
    asked('The standby site', () => watchStandby(cluster)),
  ]);
  const isOthers = ({ manifest }: ShelvedBackup) =>
    manifest !== null && manifest.kind !== 'embedded' && manifest.site !== own;
  const synced = options.outside ? await syncedCopies(cluster, catalogue) : { list: null, unasked: [] };
  const unasked = [...sent.unasked, ...synced.unasked];
  const lists = [sent.list, synced.list].filter((list) => list !== null);
  // Of places that do not answer nothing is said, and so of none.
  const copies = { list: unasked.length > 0 || lists.length === 0 ? null : lists.flat(), unasked };
  // What was taken before a deploy or a restore is of no generation: nobody waits for it, and it hides nothing that is missing.
  const backups = catalogue.backups
    .filter((one) => one.kind !== 'deploy' && !isSafety(one) && !isOthers(one))
    .map(watched);
  const seen: Watched = { backups, copies: copies.list, drills, wal: wal.seen, standby: standby.seen };
  return {
    ...{ summary: summarise(own, seen, watchPolicyOf(site), now), backups, rooms },
    key: await siteKeyState(site, catalogue.backups, io),
    unasked: [
      ...catalogue.unasked.map((name) => `The storage ${name} does not answer.`),
      ...copies.unasked,
      ...wal.unasked,
      ...standby.unasked,
    ],
  };

  async function asked<T>(
    what: string,
    look: () => Promise<T | null>,
  ): Promise<{ seen: T | null; unasked: string[] }> {
    try {
      return { seen: await look(), unasked: [] };
    } catch (error) {
      signal.throwIfAborted();
      return { seen: null, unasked: [`${what} cannot be looked at: ${(error as Error).message}`] };
    }
  }

  async function readCopies(): Promise<{ list: WatchedCopy[] | null; unasked: string[] }> {
    if (
      !options.outside ||
      storesOf(site).every(({ generations }) => generations.every(({ remote }) => remote === null))
    )
      return { list: null, unasked: [] };
    try {
      const all = await Promise.all(
        remotesOf(site, io, signal).map(async ({ name, rclone }) =>
          (await readRemote(rclone)).flatMap(({ id, state, receipt }): WatchedCopy[] =>
            state === 'good' && receipt!.site === own
              ? [{ id, series: parseArtefactId(id)!.series, at: receipt!.at, remote: name }]
              : [],
          ),
        ),
      );
      return { list: all.flat(), unasked: [] };
    } catch (error) {
      signal.throwIfAborted();
      return { list: null, unasked: [`Copies outside cannot be listed: ${(error as Error).message}`] };
    }
  }
}

/** What backups of the platform in one process there are in a folder, and what follows from it. */
export async function watchFolder(
  folder: string,
  backups: readonly ShelvedBackup[],
  now: number,
): Promise<Watch> {
  const own = backups.filter(({ kind }) => kind === 'embedded').map(watched);
  const seen: Watched = { backups: own, copies: null, drills: null, wal: null, standby: null };
  return {
    summary: summarise('embedded', seen, embeddedPolicy(Temporal.Now.timeZoneId()), now),
    ...{ backups: own, rooms: await roomOf(folder), unasked: [], key: null },
  };
}

interface StorageStatus {
  readonly storage: string;
  readonly total?: number;
  readonly avail?: number;
  readonly active?: number;
}

/** The room of each storage and folder that backups go to; of what does not answer, none. */
async function roomsOf(cluster: Cluster): Promise<readonly Room[]> {
  const { site } = cluster;
  const stores = storesOf(site);
  const names = new Set(stores.flatMap(({ generations }) => generations.map(({ storage }) => storage)));
  const isShared = (name: string) => site.site.storages.some((one) => one.name === name && one.shared);
  const nodes = await Promise.all(
    site.site.nodes.map(async ({ name: node }) => {
      const list = await cluster
        .get<readonly StorageStatus[]>(`/nodes/${node}/storage`, { content: 'backup' })
        .catch(() => {
          cluster.signal.throwIfAborted();
          return [];
        });
      return list
        .filter(({ storage, total }) => names.has(storage) && (total ?? 0) > 0)
        .map(
          ({ storage, total = 0, avail = 0 }): Room => ({
            place: isShared(storage) ? storage : `${storage} of ${node}`,
            ...{ free_bytes: avail, size_bytes: total },
          }),
        );
    }),
  );
  const folders = await Promise.all(stores.map(({ folder }) => roomOf(folder)));
  return [...new Map([...nodes, ...folders].flat().map((one) => [one.place, one])).values()];
}

const roomOf = (folder: string): Promise<Room[]> =>
  statfs(folder).then(
    ({ bsize, bavail, blocks }) => [
      { place: folder, free_bytes: bavail * bsize, size_bytes: blocks * bsize },
    ],
    // Nothing was ever put there.
    () => [],
  );
