import type { OpenSite } from '../appliance/site.ts';
import type { Context, Planned } from '../command.ts';
import { outageQuestion, type RolloutOptions, refuseIll } from './deploy-options.ts';
import type { DeployPlan, DeployResult, Prepared, Wanted } from './deploy-site.ts';
import { renderDeployPlan, renderDeployResult } from './deploy-text.ts';

/** What plan hands on to apply. */
export interface Rollout {
  readonly prepared: Prepared;
  readonly wanted: Wanted;
}
type Plan = Planned<DeployPlan, Rollout>;

/** What is wanted, but for what every rollout takes from its options. */
type OwnWants = Omit<Wanted, 'drainMs' | 'readyMs' | 'proveMs' | 'notify'>;

/** Looks at the site and decides; changes nothing. */
export async function planOf<O extends RolloutOptions>(
  context: Context<O>,
  wants: (site: OpenSite) => OwnWants | Promise<OwnWants>,
): Promise<Plan> {
  const { withSite } = await import('../appliance/site.ts');
  const { prepare } = await import('./deploy-site.ts');
  const { options, io, signal } = context;
  return withSite(context, async (site) => {
    const wanted: Wanted = {
      ...(await wants(site)),
      drainMs: options.drainSeconds * 1000,
      readyMs: options.readySeconds * 1000,
      proveMs: options.proveSeconds * 1000,
      notify: options.notify ?? io.env.PSA_NOTIFY_URL ?? null,
    };
    const prepared = await prepare(site, wanted, signal);
    return { data: prepared.plan, carry: { prepared, wanted } };
  });
}

/** What deploy and rollback do alike once the plan stands. */
export const ROLLOUT_COMMAND = {
  renderPlan: renderDeployPlan,
  confirm: ({ carry }: Plan) => outageQuestion(carry.prepared),

  async apply(
    { carry: { prepared, wanted } }: Plan,
    context: Context<RolloutOptions>,
  ): Promise<DeployResult> {
    refuseIll(prepared);
    const { withSite } = await import('../appliance/site.ts');
    const { carryOut, prepare } = await import('./deploy-site.ts');
    const { progress, signal } = context;
    return withSite(context, (site) =>
      site.folder.locked(`psactl ${wanted.action}`, async () => {
        // Somebody may have ended what was there when the plan was made.
        const now = await prepare(site, wanted, signal);
        // The way back is open whatever has become ill since.
        if (wanted.action === 'deploy') refuseIll(now);
        return carryOut(site, wanted, now, progress, signal);
      }),
    );
  },
  render: renderDeployResult,
  outcome: ({ ended }: DeployResult) => (ended === 'done' ? ('done' as const) : ('failed' as const)),
};
