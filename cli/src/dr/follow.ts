import { type FollowFacts, type FollowPlan, planFollow } from '@psa/recovery/dr/follow';
import type { StepKind } from '@psa/recovery/dr/step';
import { CliError } from '../errors.ts';
import { Cluster } from '../site/cluster.ts';
import { readDrState, writeDrState } from '../site/dr-state.ts';
import { withSite } from '../site/site.ts';
import { clearDatabase } from '../site/standby.ts';
import { build, type Done, type SiteWork } from './acts.ts';
import { measuredOf } from './facts.ts';
import { locked, type StepDone } from './failover.ts';
import { learnPair, leave } from './left.ts';
import { type DrContext, needPair, type PairedSite } from './pair.ts';
import { carrySecrets, refuseOtherSecrets } from './secrets.ts';
import { askStandby, byInventory, waitUntil } from './standby.ts';

/** A plan, and the sites that it is for. */
export interface PreparedFollow {
  readonly plan: FollowPlan;
  readonly from: PairedSite;
  readonly to: PairedSite;
}

/** What came of it. */
export interface Following {
  readonly from: string;
  readonly site: string;
  readonly steps: readonly StepDone[];
}

/** Looks at the standby site, and plans. Changes nothing. */
export async function prepareFollow(context: DrContext, anew: boolean): Promise<PreparedFollow> {
  await learnPair(context, 'both');
  const pair = await needPair(context);
  const { primary, standby } = byInventory(pair);
  const [from, to] = [primary.known.site.name, standby.known.site.name];
  const isServing = pair.serving === primary;
  context.progress.start(`look at ${to}`);
  const database =
    pair.dr.kind === 'warm' && isServing
      ? await databaseOf(context, standby, await askStandby(context, pair))
      : 'none';
  context.progress.end();
  const plan = planFollow({
    ...{ from, to, kind: pair.dr.kind, serving: pair.serving.known.site.name, database, anew },
    measured: measuredOf([primary.known, standby.known]),
  });
  return { plan, from: primary, to: standby };
}

/** What the standby site has of a database. @throws CliError when it cannot be told */
async function databaseOf(
  context: DrContext,
  { known, state }: PairedSite,
  seen: Awaited<ReturnType<typeof askStandby>>,
): Promise<FollowFacts['database']> {
  if (seen?.state?.role === 'primary') return 'other';
  if (state.role === 'following') return 'follows';
  const at = { ...context, options: { ...context.options, site: known.site.name } };
  return withSite(at, async (site) => {
    const cluster = new Cluster(site, context.signal);
    const there = (await cluster.placed('postgres')).filter(({ state: is }) => is !== 'missing');
    // Whatever it is, nobody has said that it may go; the plan says so, and a person says yes.
    return there.length === 0 ? 'none' : 'other';
  });
}

/** Carries the plan out. Each step may be done twice: run again, it does what is left. */
export async function follow(outer: DrContext, { plan, from, to }: PreparedFollow): Promise<Following> {
  const at = { ...outer, options: { ...outer.options, site: plan.to } };
  return withSite(at, (open) =>
    locked(open, 'psactl dr follow', outer, async (context) => {
      const work: SiteWork = {
        ...{ context, from: from.known, to: open, cluster: new Cluster(open, context.signal) },
        ...{ copies: {}, identity: null, named: null, moment: null },
      };
      const steps: StepDone[] = [];
      for (const { id, what } of plan.steps) {
        context.signal.throwIfAborted();
        context.progress.start(what);
        const began = performance.now();
        const done = await act(work, { from, to }, id);
        steps.push({ id, outcome: 'done', ms: Math.round(performance.now() - began), ...done });
      }
      return { from: plan.from, site: plan.to, steps };
    }),
  );
}

async function act(
  work: SiteWork,
  { from, to }: Pick<PreparedFollow, 'from' | 'to'>,
  id: StepKind,
): Promise<Done> {
  const { cluster, context } = work;
  const note = (text: string) => context.progress.note(text);
  switch (id) {
    case 'carry': {
      await refuseOtherSecrets(to.known, await from.known.folder.secrets());
      await carrySecrets(from.known, to.known);
      // As old as the one that serves: neither edge stops for the other's sake.
      const { epoch } = await readDrState(from.known.folder);
      await writeDrState(to.known.folder, { epoch, role: 'following', since: new Date().toISOString() });
      return {};
    }
    case 'clear':
      await clearDatabase(cluster);
      return {};
    case 'ready': {
      const done = await build(work);
      await leave(cluster);
      const at = { ...context, options: { ...context.options, site: from.known.site.name } };
      await withSite(at, (site) => leave(new Cluster(site, context.signal)));
      return done;
    }
    case 'copy': {
      const { copies, log } = await waitUntil(cluster, note, ({ copies: them, log: it }) =>
        them.at !== null && it.at !== null
          ? null
          : (them.failing ?? it.failing ?? 'the repository is being copied'),
      );
      return { text: `of ${new Date(copies.has_until ?? log.has_until ?? 0).toISOString()}` };
    }
    case 'follow': {
      const { newest } = await waitUntil(cluster, note, ({ role, behind_bytes }) =>
        role === 'standby_leader' && behind_bytes === 0
          ? null
          : role === 'none'
            ? 'the database is being made from the copy'
            : `${behind_bytes} bytes of log are still to be taken over`,
      );
      return newest === null ? {} : { text: `up to ${newest}` };
    }
    default:
      throw new CliError(`"${id}" is no step of a site that is to follow.`);
  }
}
