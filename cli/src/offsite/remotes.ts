import { Rclone } from '@psa/recovery/offsite/rclone';
import type { RetentionPolicy } from '@psa/recovery/policy';
import type { Io } from '../command.ts';
import { CliError } from '../errors.ts';
import { generationsOf, zoneOf } from '../site/generations.ts';
import type { KnownSite } from '../site/site.ts';

/** A place outside that gets copies of one generation or several. */
export interface Remote {
  /** As the inventory names it: `offsite:psa`. */
  readonly name: string;
  readonly rclone: Rclone;
  /** Names of the generations that it gets. */
  readonly generations: readonly string[];
  /** What stays there. */
  readonly policy: RetentionPolicy;
}

/**
 * The remotes of a site's inventory.
 * @throws CliError when it names none
 */
export function remotesOf(site: KnownSite, io: Pick<Io, 'env'>, signal: AbortSignal): readonly Remote[] {
  const having = generationsOf(site).filter(({ remote }) => remote !== null);
  if (having.length === 0)
    throw new CliError(`Unable to find a place outside: no generation of ${site.file} has a remote.`, {
      outcome: 'usage',
      fix: 'Write remote: <rclone remote> at one of backup.tiers, as in "remote: offsite:psa".',
    });
  return [...Map.groupBy(having, ({ remote }) => remote!)].map(([name, generations]) => ({
    name,
    rclone: new Rclone(name, { env: io.env, signal }),
    generations: generations.map((one) => one.name),
    policy: {
      zone: zoneOf(site.inventory),
      tiers: generations.map((one) => ({ name: one.name, on: one.on, keep: one.keep })),
    },
  }));
}
