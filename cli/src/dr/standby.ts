import { setTimeout as sleep } from 'node:timers/promises';
import type { StandbyFacts } from '@psa/recovery/dr/facts';
import { type FollowState, standbyLoss, standbyTroubles } from '@psa/recovery/dr/standby';
import type { CliError } from '../errors.ts';
import { Cluster } from '../site/cluster.ts';
import { readDeployed } from '../site/deployed.ts';
import { withSite } from '../site/site.ts';
import { followState, handedOverMs } from '../site/standby.ts';
import type { DrContext, Pair, PairedSite } from './pair.ts';

/** How long a standby may take to say how it is. */
const ASK_MS = 30_000;

/** What is known of a standby that shall follow. */
export interface StandbySeen {
  /** Null: it does not say. */
  readonly state: FollowState | null;
  /** Why it does not say; null: it does. */
  readonly why: string | null;
}

/** Asks a site that follows how far it is; null: it does not follow, or is cold. */
export async function askStandby(context: DrContext, { dr, other }: Pair): Promise<StandbySeen | null> {
  if (dr.kind !== 'warm' || other.state.role !== 'following') return null;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(ASK_MS)]);
  const at = { ...context, options: { ...context.options, site: other.known.site.name } };
  try {
    return {
      state: await withSite(at, (site) => followState(new Cluster(site, signal))),
      why: null,
    };
  } catch (error) {
    context.signal.throwIfAborted();
    const { message, why } = error as CliError;
    return { state: null, why: `${message}${why === undefined ? '' : ` ${why}`}` };
  }
}

/** What a plan needs to know of it. */
export function standbyFacts(seen: StandbySeen | null, { serving, other }: Pair): StandbyFacts | null {
  if (seen === null) return null;
  if (seen.state === null) return { why_not: seen.why ?? 'It does not say how far it is.', loss_ms: null };
  const names = { from: serving.known.site.name, to: other.known.site.name };
  const unfit = standbyTroubles(seen.state, names).find(({ kind }) => kind === 'not_following');
  return {
    why_not: unfit?.why ?? null,
    loss_ms: standbyLoss(seen.state, handedOverMs(serving.known.inventory), Date.now()),
  };
}

/** What is on the serving site and not yet on the one that follows, as this machine knows both. */
export async function staleOf({ serving, other }: Pair): Promise<string[]> {
  const [from, to] = [serving.known, other.known];
  const [theirs, ours] = [await from.folder.secrets(), await to.folder.secrets()];
  const differ = Object.keys(theirs).filter((name) => theirs[name] !== ours[name]);
  const [there, here] = [await readDeployed(from.folder.path), await readDeployed(to.folder.path)];
  const isOlder = JSON.stringify(there) !== JSON.stringify(here);
  return [
    ...(differ.length > 0 ? [`the secrets ${differ.join(', ')}`] : []),
    ...(isOlder ? ['what was deployed'] : []),
  ];
}

/** Between two looks at a copy that comes. */
const LOOK_MS = 3_000;

/** Until the repository has come, and then until the database follows; each may take as long as its bytes do. */
export async function waitUntil(
  cluster: Cluster,
  note: (text: string) => void,
  missing: (state: FollowState) => string | null,
): Promise<FollowState> {
  let last: string | null = null;
  for (;;) {
    const state = await followState(cluster);
    const why = missing(state);
    if (why === null) return state;
    if (why !== last) note(why);
    last = why;
    await sleep(LOOK_MS, undefined, { signal: cluster.signal });
  }
}

/** The site of a pair that stands by, and the one that serves by the inventory. */
export function byInventory({ dr, serving, other }: Pair): {
  readonly primary: PairedSite;
  readonly standby: PairedSite;
} {
  const isPrimary = serving.known.site.name === dr.primary;
  return { primary: isPrimary ? serving : other, standby: isPrimary ? other : serving };
}
