import type { Dr } from '@psa/appliance/inventory/dr-schema';
import type { Context } from '../command.ts';
import { CliError } from '../errors.ts';
import { type DrState, readDrState } from '../site/dr-state.ts';
import { type KnownSite, readSite, type SiteOptions } from '../site/site.ts';

/** What commands of disaster recovery get from the command line. */
export type DrContext = Pick<Context<SiteOptions>, 'options' | 'io' | 'signal' | 'progress'>;

/** One site of the pair, as this machine knows it. */
export interface PairedSite {
  readonly known: KnownSite;
  readonly state: DrState;
}

/** The site that serves, as far as this machine knows, and the one that can take over. */
export interface Pair {
  readonly dr: Dr;
  readonly serving: PairedSite;
  readonly other: PairedSite;
}

/** A site of the inventory by its name. */
export const siteNamed = (context: DrContext, name: string): Promise<KnownSite> =>
  readSite({ ...context, options: { ...context.options, site: name } });

/** Both sites; null: the inventory has no second one. Speaks to nobody. */
export async function readPair(context: DrContext): Promise<Pair | null> {
  const { dr } = (await readSite(context)).inventory;
  if (!dr) return null;
  const paired = async (name: string): Promise<PairedSite> => {
    const known = await siteNamed(context, name);
    return { known, state: await readDrState(known.folder) };
  };
  const [primary, standby] = [await paired(dr.primary), await paired(dr.standby)];
  // Of two that are said to serve it is the one of the later failover; at first it is the primary.
  const rank = ({ state }: PairedSite) => (state.role === 'serving' ? state.epoch : 0);
  return rank(standby) > rank(primary)
    ? { dr, serving: standby, other: primary }
    : { dr, serving: primary, other: standby };
}

/** @throws CliError when the inventory has no second site */
export async function needPair(context: DrContext): Promise<Pair> {
  const pair = await readPair(context);
  if (pair) return pair;
  throw new CliError('Unable to speak of a second site: the inventory has none.', {
    outcome: 'usage',
    fix: 'Add the section dr to it: dr: { primary: main, standby: dr, kind: cold, contacts: [{ name: …, role: …, phone: … }] }',
  });
}
