import { define } from '../command.ts';
import {
  outageQuestion,
  ROLLOUT_OPTIONS,
  type RolloutOptions,
  refuseIll,
  servicesOf,
} from '../deploy/deploy-options.ts';
import type { DeployPlan, DeployResult, Prepared, Wanted } from '../deploy/deploy-site.ts';
import { renderDeployPlan, renderDeployResult } from '../deploy/deploy-text.ts';

interface Options extends RolloutOptions {
  readonly release: string;
  readonly backup: boolean;
}

export const deploy = define<Options, DeployPlan, { prepared: Prepared; wanted: Wanted }, DeployResult>({
  summary: 'Brings a release onto the services, one replica after the other',
  description: `
Looks whether the site is fit for it, dumps the database, runs the migrations of the release, then takes one replica
after the other out of rotation in HAProxy, switches it, tests it and brings it back. When anything fails, every
replica that was touched goes back to the release before, and the exit code is 1.

Cut short at any point, the same command goes on where it was.`,
  args: [{ name: 'service...', description: 'services to deploy; all when absent', required: false }],
  options: [
    {
      flags: '--release <version>',
      description: "version of a release in the inventory's releases.directory",
      required: true,
      parse: (text) => {
        if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$/.test(text)) throw new Error('Give a version such as 1.2.0.');
        return text;
      },
    },
    { flags: '--no-backup', description: 'make no dump of the database before' },
    ...ROLLOUT_OPTIONS,
  ],
  examples: [
    {
      run: 'psactl deploy --release 0.1.0 --site lab --dry-run',
      note: 'what would be done, and whether the site is fit',
    },
    { run: 'psactl deploy --release 0.1.0 --site lab', note: 'every service' },
    { run: 'psactl deploy tickets crm --release 0.1.0 --site lab', note: 'these two' },
  ],
  resume: 'Run the same command again: it goes on where it was. Or take it back: psactl rollback',

  async plan(context) {
    const { withSite } = await import('../appliance/site.ts');
    const { prepare } = await import('../deploy/deploy-site.ts');
    const { options, args, io, signal } = context;
    return withSite(context, async (site) => {
      const wanted: Wanted = {
        action: 'deploy',
        to: Object.fromEntries(servicesOf(site, args).map((name) => [name, options.release])),
        version: options.release,
        backup: options.backup,
        migrate: true,
        lenient: options.force === true,
        drainMs: options.drainSeconds * 1000,
        readyMs: options.readySeconds * 1000,
        notify: options.notify ?? io.env.PSA_NOTIFY_URL ?? null,
      };
      const prepared = await prepare(site, wanted, signal);
      return { data: prepared.plan, carry: { prepared, wanted } };
    });
  },
  renderPlan: renderDeployPlan,
  confirm: ({ carry }) => outageQuestion(carry.prepared),

  async apply({ carry: { prepared, wanted } }, context) {
    refuseIll(prepared);
    const { withSite } = await import('../appliance/site.ts');
    const { carryOut, prepare } = await import('../deploy/deploy-site.ts');
    const { progress, signal } = context;
    return withSite(context, (site) =>
      site.folder.locked('psactl deploy', async () => {
        // Somebody may have ended what was there when the plan was made.
        const now = await prepare(site, wanted, signal);
        refuseIll(now);
        return carryOut(site, wanted, now, progress, signal);
      }),
    );
  },
  render: renderDeployResult,
  outcome: ({ ended }) => (ended === 'done' ? 'done' : 'failed'),
});
