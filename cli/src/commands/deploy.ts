import { isReleaseVersion } from '@psa/appliance/inventory/release-version';
import { define } from '../command.ts';
import type { DeployResult } from '../deploy/carry-out.ts';
import { ROLLOUT_OPTIONS, type RolloutOptions, servicesOf } from '../deploy/deploy-options.ts';
import type { DeployPlan } from '../deploy/prepare.ts';
import { planOf, ROLLOUT_COMMAND, type Rollout } from '../deploy/rollout-command.ts';

interface Options extends RolloutOptions {
  readonly release: string;
  readonly backup: boolean;
}

export const deploy = define<Options, DeployPlan, Rollout, DeployResult>({
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
        if (!isReleaseVersion(text)) throw new Error('Give a version such as 1.2.0.');
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

  plan: (context) =>
    planOf(context, (site) => ({
      action: 'deploy',
      to: Object.fromEntries(
        servicesOf(site, context.args).map((service) => [service, context.options.release]),
      ),
      version: context.options.release,
      backup: context.options.backup,
      migrate: true,
      lenient: context.options.force === true,
    })),
  ...ROLLOUT_COMMAND,
});
