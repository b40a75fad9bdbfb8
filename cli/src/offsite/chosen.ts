import { isRun, parseArtefactId } from '@psa/recovery/artefact-name';
import { madeLast } from '@psa/recovery/made-last';
import { type Receipt, readRemote } from '@psa/recovery/offsite/receipt';
import { CliError } from '../errors.ts';
import { siteNameOf } from '../site/generations.ts';
import type { KnownSite } from '../site/site.ts';
import type { Remote } from './remotes.ts';

/** A good copy, and where it is. */
export interface Chosen {
  readonly remote: Remote;
  readonly receipt: Receipt;
}

/**
 * The good copies of a site that somebody names by ids or runs; without any, the newest of each part. One of each.
 * @throws CliError when one is not there, or is of another site
 */
export async function chooseCopies(
  site: KnownSite,
  remotes: readonly Remote[],
  names: readonly string[],
): Promise<readonly Chosen[]> {
  const own = siteNameOf(site);
  const found = await Promise.all(
    remotes.map(async (remote) =>
      (await readRemote(remote.rclone)).flatMap(({ state, receipt }) =>
        state === 'good' ? [{ remote, receipt: receipt! }] : [],
      ),
    ),
  );
  const copies = found.flat();
  const ours = copies.filter(({ receipt }) => receipt.site === own);
  const once = (list: readonly Chosen[]) => [...new Map(list.map((one) => [one.receipt.id, one])).values()];
  if (names.length === 0)
    return [...Map.groupBy(ours, ({ receipt }) => parseArtefactId(receipt.id)!.series).values()].map(
      (list) => {
        const sorted = list.toSorted((a, b) => (a.receipt.at < b.receipt.at ? 1 : -1));
        const last = madeLast(sorted.map(({ receipt }) => receipt));
        return sorted.find(({ receipt }) => receipt === last)!;
      },
    );
  return once(
    names.flatMap((name) => {
      const is = ({ receipt: { id } }: Chosen) =>
        id === name || (isRun(name) && parseArtefactId(id)!.run === name);
      const these = ours.filter(is);
      if (these.length > 0) return these;
      const others = copies.find(is)?.receipt.site;
      throw new CliError(`Unable to use the copy of "${name}".`, {
        outcome: others === undefined ? 'not_found' : 'failed',
        why:
          others === undefined
            ? 'No remote has a good one.'
            : `It is of the site ${others}, and this one is ${own}.`,
        fix: others === undefined ? 'See "psactl offsite list".' : 'Name the right site with --site.',
      });
    }),
  );
}
