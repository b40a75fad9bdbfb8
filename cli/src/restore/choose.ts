import type { ArtefactKind } from '@psa/recovery/artefact-name';
import type { SiteManifest } from '@psa/recovery/manifest';
import { parseMoment } from '@psa/recovery/moment';
import { type Catalogued, isSafety, lastMade, named, readCatalogue, usable } from '../backup/catalogue.ts';
import { CliError, usage } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import { zoneOf } from '../site/generations.ts';
import type { KnownSite } from '../site/site.ts';

/** A backup that is to be restored. */
export interface Chosen {
  readonly backup: Catalogued;
  readonly manifest: SiteManifest;
  /** Minutes since it was taken: what was written after it is not in it. */
  readonly age_minutes: number;
}

/**
 * The backup that somebody names: by its id, by its run, or `latest`, the good one that was made last.
 * @param kinds of which it may be; @param fits which of several of a run is meant
 * @param of the site that it may be of, as manifests name it; absent: this one
 * @throws CliError when there is none, several, or it is not usable
 */
export async function choose(
  cluster: Cluster,
  name: string,
  kinds: readonly ArtefactKind[],
  fits: (manifest: SiteManifest) => boolean = () => true,
  of?: string,
): Promise<Chosen> {
  const catalogue = await readCatalogue(cluster);
  const isRight = (one: Catalogued) =>
    kinds.includes(one.kind) &&
    (one.manifest === null || one.manifest.kind === 'embedded' || fits(one.manifest));
  const found =
    name === 'latest'
      ? latestOf(catalogue.backups.filter(isRight))
      : named(catalogue, [name]).filter(isRight);
  const [backup, another] = found;
  if (!backup)
    throw new CliError(
      `Unable to restore from "${name}": it holds no ${kinds.join(' or ')} that was asked for.`,
      {
        outcome: 'not_found',
        fix: 'See "psactl backup list".',
      },
    );
  if (another)
    throw new CliError(`Unable to restore from "${name}": it holds several that fit.`, {
      outcome: 'usage',
      why: found.map(({ id }) => id).join(', '),
      fix: 'Name one of them.',
    });
  const manifest = usable(cluster, backup, of);
  const age_minutes = Math.max(0, Math.round((Date.now() - new Date(manifest.at).getTime()) / 60_000));
  return { backup, manifest, age_minutes };
}

/**
 * What `latest` stands for: the newest good one. Where none is good it is the newest, so that its own reason is said (its
 * node is away, it is damaged) and not that there is none.
 * @param backups that fit, the newest first
 */
export function latestOf(backups: readonly Catalogued[]): readonly Catalogued[] {
  // What a restore has just saved from being overwritten is not what somebody wants next.
  const made = backups.filter((one) => !isSafety(one));
  return [lastMade(made.filter(({ state }) => state === 'good')) ?? made[0]].flatMap((one) => one ?? []);
}

/** How long ago, for people: `3 h 20 min`. */
export function ago(minutes: number): string {
  const [days, hours] = [Math.floor(minutes / 1_440), Math.floor(minutes / 60) % 24];
  const words = [days > 0 ? `${days} d` : '', hours > 0 ? `${hours} h` : '', `${minutes % 60} min`];
  return words.filter((word) => word !== '').join(' ');
}

/** A moment that somebody names with --to, by the clock of the site's zone. @throws CliError when it is none */
export function givenMoment({ inventory }: Pick<KnownSite, 'inventory'>, text: string): Date {
  try {
    return parseMoment(text, zoneOf(inventory));
  } catch (error) {
    throw usage(`Unable to understand --to: ${(error as Error).message}`);
  }
}
