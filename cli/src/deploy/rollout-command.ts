import type { Context, Planned } from '../command.ts';
import type { OpenSite } from '../site/site.ts';
import type { DeployResult } from './carry-out.ts';
import { outageQuestion, type RolloutOptions, refuseChanged, refuseIll } from './deploy-options.ts';
import { renderDeployPlan, renderDeployResult } from './deploy-text.ts';
import type { DeployPlan, Prepared, Wanted } from './prepare.ts';

/** What plan hands on to apply. */
export interface Rollout {
  readonly prepared: Prepared;
  readonly wanted: Wanted;
  /** What is wanted now: it may stand on what another psactl has done since. */
  again(site: OpenSite): Promise<Wanted>;
}
type Plan = Planned<DeployPlan, Rollout>;

/** What is wanted, but for what every rollout takes from its options. */
type OwnWants = Omit<Wanted, 'drainMs' | 'readyMs' | 'proveMs' | 'notify'>;

/** Looks at the site and decides; changes nothing. */
export async function planOf<O extends RolloutOptions>(
  context: Context<O>,
  wants: (site: OpenSite) => OwnWants | Promise<OwnWants>,
): Promise<Plan> {
  const { withSite } = await import('../site/site.ts');
  const { Cluster } = await import('../site/cluster.ts');
  const { prepare } = await import('./prepare.ts');
  const { options, io, signal } = context;
  const again = async (site: OpenSite): Promise<Wanted> => ({
    ...(await wants(site)),
    drainMs: options.drainSeconds * 1000,
    readyMs: options.readySeconds * 1000,
    proveMs: options.proveSeconds * 1000,
    notify: options.notify ?? io.env.PSA_NOTIFY_URL ?? null,
  });
  return withSite(context, async (site) => {
    const wanted = await again(site);
    const prepared = await prepare(new Cluster(site, signal), wanted);
    return { data: prepared.plan, carry: { prepared, wanted, again } };
  });
}

/** What deploy and rollback do alike once the plan stands. */
export const ROLLOUT_COMMAND = {
  renderPlan: renderDeployPlan,
  confirm: ({ carry }: Plan) => outageQuestion(carry.prepared),

  async apply(
    { carry: { prepared, wanted, again } }: Plan,
    context: Context<RolloutOptions>,
  ): Promise<DeployResult> {
    refuseIll(prepared);
    const { withSite } = await import('../site/site.ts');
    const { Cluster } = await import('../site/cluster.ts');
    const { carryOut } = await import('./carry-out.ts');
    const { prepare } = await import('./prepare.ts');
    const { progress, signal } = context;
    return withSite(context, (site) =>
      site.folder.locked(`psactl ${wanted.action}`, async () => {
        // Somebody may have ended what was there when the plan was made, or begun something else.
        const cluster = new Cluster(site, signal);
        const wish = await again(site);
        const now = await prepare(cluster, wish);
        refuseChanged({ wanted, prepared }, { wanted: wish, prepared: now }, context.options.yes === true);
        // The way back is open whatever has become ill since.
        if (wanted.action === 'deploy') refuseIll(now);
        return carryOut(cluster, wanted, now, progress);
      }),
    );
  },
  render: renderDeployResult,
  outcome: ({ ended, ops }: DeployResult) => {
    if (ended !== 'done') return 'failed' as const;
    return ops === null || ops.failed === null ? ('done' as const) : ('partial' as const);
  },
};
