import { artefactFile, artefactId, isRun, parseArtefactId } from '@psa/recovery/artefact-name';
import { madeLast } from '@psa/recovery/made-last';
import type { SiteManifest } from '@psa/recovery/manifest';
import { newestFirst, readShelf, type ShelvedBackup } from '@psa/recovery/shelf';
import { CliError } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import { type Store, siteNameOf, storesOf } from '../site/generations.ts';
import { readRepository, repositoryHost } from '../site/repository.ts';
import { listVolumes, type Volume } from '../site/volume.ts';
import { readNotes } from './containers.ts';

/** A backup of a site. */
export interface Catalogued extends ShelvedBackup {
  readonly store: Store;
  /** Where its archive is, when that is on a storage; `node`: one that sees it. */
  readonly volume: { readonly volid: string; readonly node: string } | null;
}

/** All that is known of a site's backups. */
export interface Catalogue {
  /** The newest first. */
  readonly backups: readonly Catalogued[];
  /** Archives that a run of this site made and nothing describes: the run was killed, or its folder is lost. */
  readonly orphans: readonly Orphan[];
  /** Storages that could not be asked: what is on them is `elsewhere`. */
  readonly unasked: readonly string[];
}

/** An archive on a storage without its manifest. */
export interface Orphan extends Volume {
  readonly node: string;
  readonly storage: string;
  readonly run: string;
  readonly tier: string | null;
}

/** What the storages have; keys are `node storage`, and the storage alone where all nodes see the same. */
type OnStorages = ReadonlyMap<string, readonly (Volume & { readonly node: string })[] | null>;

/**
 * Reads the catalogue of a site anew: what stands beside the artefacts of its folders, and what its storages list. Nothing
 * of it is kept elsewhere, so nothing of it can be out of date.
 */
export async function readCatalogue(cluster: Cluster): Promise<Catalogue> {
  const { site } = cluster;
  const stores = storesOf(site);
  const shelves = await Promise.all(
    stores.map(async (store) => {
      const shelf = await readShelf(store.folder).catch((error: NodeJS.ErrnoException) => {
        // Nothing was ever put there.
        if (error.code === 'ENOENT') return [];
        throw new CliError(`Unable to look for backups in ${store.folder}.`, {
          why: error.message,
          fix: 'Mount the share, or mend backup.tiers[].folder of the inventory.',
        });
      });
      return shelf.filter(({ kind }) => kind !== 'embedded').map((one) => ({ ...one, store }));
    }),
  );
  const shelved = shelves.flat();
  const used = new Set(stores.flatMap(({ generations }) => generations.map(({ storage }) => storage)));
  for (const { manifest } of shelved)
    if (manifest?.kind === 'container' && manifest.volume) used.add(manifest.volume.storage);
  const there = await askStorages(cluster, used);
  const labels = await askRepository(cluster, shelved);
  const known = new Set<string>();
  const backups = shelved.map((one): Catalogued => {
    if (one.manifest?.kind === 'pitr' && one.manifest.repository && one.state === 'elsewhere') {
      const isThere = labels?.has(one.manifest.repository.label);
      return { ...one, state: labels === null ? 'elsewhere' : isThere ? 'good' : 'gone', volume: null };
    }
    if (one.manifest?.kind !== 'container' || !one.manifest.volume) return { ...one, volume: null };
    const { storage, volid } = one.manifest.volume;
    const { node } = one.manifest.from;
    const list = there.get(storage) ?? there.get(`${node} ${storage}`);
    const isFile = one.state === 'good' || one.state === 'damaged';
    known.add(isShared(cluster, storage) ? volid : `${node} ${volid}`);
    // A copy of the archive stands beside its manifest: that is what counts.
    if (isFile || list === null || list === undefined) return { ...one, volume: null };
    const found = list.find((volume) => volume.volid === volid);
    if (!found) return { ...one, state: 'gone', volume: null };
    const isWhole = one.manifest.sha256 === null || found.size === one.manifest.bytes;
    return {
      ...one,
      ...{ state: isWhole ? 'good' : 'damaged', volume: { volid, node: found.node } },
      protected: one.protected || Number(found.protected ?? 0) === 1,
    };
  });
  const newer = new Set(backups.flatMap(({ id, state }) => (state === 'newer' ? [id] : [])));
  const own = siteNameOf(site);
  const orphans = [...there].flatMap(([, volumes]) =>
    (volumes ?? []).flatMap((volume): Orphan[] => {
      const notes = readNotes(volume.notes);
      const storage = volume.volid.split(':')[0]!;
      const key = isShared(cluster, storage) ? volume.volid : `${volume.node} ${volume.volid}`;
      if (notes === null || known.has(key) || (notes.site ?? own) !== own) return [];
      const orphan = { ...volume, run: notes.run, tier: notes.tier, storage };
      // What stands beside it is of a newer psactl, and must not be written over.
      return newer.has(orphanId(orphan)) ? [] : [orphan];
    }),
  );
  return {
    backups: backups.toSorted(newestFirst),
    orphans,
    unasked: [
      ...[...there].flatMap(([key, list]) => (list === null ? [key] : [])),
      ...(labels === null ? ["pgBackRest's repository"] : []),
    ],
  };
}

/** Labels of the copies in the repository of the database; null: it does not answer. */
async function askRepository(
  cluster: Cluster,
  shelved: readonly { readonly kind: string }[],
): Promise<ReadonlySet<string> | null> {
  if (!shelved.some(({ kind }) => kind === 'pitr')) return new Set();
  try {
    const { backups } = await readRepository(cluster, await repositoryHost(cluster));
    return new Set(backups.map(({ label }) => label));
  } catch {
    cluster.signal.throwIfAborted();
    return null;
  }
}

const isShared = (cluster: Cluster, storage: string): boolean =>
  cluster.site.site.storages.find(({ name }) => name === storage)?.shared ?? false;

async function askStorages(cluster: Cluster, names: ReadonlySet<string>): Promise<OnStorages> {
  const status = await cluster.get<readonly Record<string, unknown>[]>('/cluster/status');
  const isOnline = (node: string) =>
    status.some(({ name, type, online }) => type === 'node' && name === node && Number(online) === 1);
  const nodes = cluster.site.site.nodes.map(({ name }) => name);
  const answers = await Promise.all(
    [...names].flatMap((storage) => {
      const conf = cluster.site.site.storages.find(({ name }) => name === storage);
      const having = nodes.filter((node) => conf?.nodes?.includes(node) ?? true);
      const asked = conf?.shared ? [having.find(isOnline) ?? having[0]!] : having;
      return asked.map(async (node) => {
        const key = conf?.shared ? storage : `${node} ${storage}`;
        if (!isOnline(node)) return [key, null] as const;
        const list = await listVolumes(cluster, node, storage).catch((error) => {
          cluster.signal.throwIfAborted();
          void error;
          return null;
        });
        return [key, list?.map((one) => ({ ...one, node })) ?? null] as const;
      });
    }),
  );
  return new Map(answers);
}

/**
 * The backups that somebody names: ids, or runs with all that is of them.
 * @throws CliError when one is not there
 */
export function named(catalogue: Catalogue, names: readonly string[]): readonly Catalogued[] {
  const found = names.flatMap((name) => {
    const id = name.split('/').at(-1)!;
    const these = catalogue.backups.filter(
      (one) => one.id === id || one.run === id || artefactFile(one.id) === id,
    );
    if (these.length > 0) return these;
    const like = catalogue.backups.slice(0, 3).map((one) => one.id);
    throw new CliError(`Unable to find the backup "${name}".`, {
      outcome: 'not_found',
      why: parseArtefactId(id)
        ? 'The catalogue has none of that id.'
        : isRun(id)
          ? 'The catalogue has nothing of that run.'
          : 'It is no id of a backup, and no run.',
      fix: `See "psactl backup list"${like.length > 0 ? `; the newest are ${like.join(', ')}` : ''}.`,
    });
  });
  return [...new Map(found.map((one) => [one.id, one])).values()];
}

/**
 * Whether it is what a restore has saved from being overwritten: of no generation, and often of what had gone wrong. It stands
 * for none that a run took.
 */
export const isSafety = ({ manifest }: Pick<ShelvedBackup, 'manifest'>): boolean =>
  manifest !== null && manifest.kind !== 'embedded' && manifest.kind !== 'deploy' && manifest.tier === null;

/** The newest good one of each series; what a restore has saved where there is no other. */
export const newestOfEach = (catalogue: Catalogue): readonly Catalogued[] =>
  [...Map.groupBy(catalogue.backups, ({ series }) => series).values()].flatMap((group) => {
    const good = group.filter(({ state }) => state === 'good');
    return lastMade(good.filter((one) => !isSafety(one))) ?? lastMade(good) ?? [];
  });

/** Of backups, the newest first, the one that was made last: not by its date alone, for a clock may have been set back. */
export function lastMade(backups: readonly Catalogued[]): Catalogued | undefined {
  const last = madeLast(backups.map(({ id, manifest }) => ({ id, after: manifest?.after })));
  return backups.find(({ id }) => id === last?.id);
}

/**
 * What stands beside a backup that is to be used.
 * @param of the site that it must be of; absent: this one
 * @throws CliError when it is damaged, of another site, or not there
 */
export function usable(cluster: Cluster, one: Catalogued, of?: string): SiteManifest {
  const refuse = (why: string, fix: string) =>
    new CliError(`Unable to use the backup ${one.id}: ${why}.`, { code: 'UNUSABLE_BACKUP', fix });
  const { manifest, state } = one;
  if (state === 'newer')
    throw refuse('it was made by a newer psactl', 'Use the psactl that made it, or a later one.');
  if (manifest === null || manifest.kind === 'embedded')
    throw refuse(
      state === 'partial' ? 'it was never finished' : 'its manifest is damaged or missing',
      one.kind === 'container'
        ? 'Have it written anew from its archive (psactl backup catalogue rebuild), or take another one.'
        : 'Take another one: psactl backup list',
    );
  const own = siteNameOf(cluster.site);
  if (manifest.site !== (of ?? own))
    throw refuse(
      `it is of the site ${manifest.site}, and ${of === undefined ? `this one is ${own}` : `${of} was meant`}`,
      'Name the right site with --site.',
    );
  if (state === 'good') return manifest;
  const why = {
    partial: 'it was never finished',
    damaged: 'it is not what its manifest says',
    gone: 'its archive is gone',
    elsewhere: 'the storage of its archive does not answer',
  }[state];
  throw refuse(
    why,
    state === 'elsewhere'
      ? 'Bring its node or share back, or take one that is elsewhere: psactl backup list'
      : 'Take another one: psactl backup list',
  );
}

/** The id of an archive's manifest. */
export const orphanId = ({ run, vmid }: Orphan): string => artefactId('container', run, vmid);
