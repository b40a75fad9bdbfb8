import { define } from '../command.ts';
import type { DeployResult } from '../deploy/carry-out.ts';
import { ROLLOUT_OPTIONS, type RolloutOptions, servicesOf } from '../deploy/deploy-options.ts';
import type { DeployPlan } from '../deploy/prepare.ts';
import { planOf, ROLLOUT_COMMAND, type Rollout } from '../deploy/rollout-command.ts';
import { CliError, usage } from '../errors.ts';
import type { SiteFolder } from '../site/folder.ts';

interface Options extends RolloutOptions {
  readonly to?: string;
}

export const rollback = define<Options, DeployPlan, Rollout, DeployResult>({
  summary: 'Goes back to the release before, one replica after the other',
  description: `
Without --to it goes back to what the history says ran before; a deploy that was cut short is taken back. The database
stays as it is: what migrations added, the release before can live with.`,
  args: [{ name: 'service...', description: 'services to take back; all when absent', required: false }],
  options: [{ flags: '--to <version>', description: 'the release to go back to' }, ...ROLLOUT_OPTIONS],
  examples: [
    { run: 'psactl rollback --site lab --dry-run', note: 'what it would go back to' },
    { run: 'psactl rollback tickets --to 0.1.0 --site lab', note: 'one service, to this release' },
  ],
  resume: 'Run the same command again: it goes on where it was.',

  plan: (context) =>
    planOf(context, async (site) => {
      const services = servicesOf(site, context.args);
      const release = context.options.to;
      await refusePart(site.folder, context.args, release);
      const to = release
        ? Object.fromEntries(services.map((service) => [service, release]))
        : await before(site.folder, services);
      return {
        ...{ action: 'rollback', to, version: Object.values(to)[0]! },
        ...{ backup: false, migrate: false, lenient: true },
      };
    }),
  ...ROLLOUT_COMMAND,
});

/** What was cut short is taken back as a whole: its services may need each other's release. */
async function refusePart(
  folder: SiteFolder,
  args: readonly string[],
  release: string | undefined,
): Promise<void> {
  const { readRolloutJournal } = await import('../site/rollout-journal.ts');
  const journal = await readRolloutJournal(folder);
  if (!journal || (args.length === 0 && release === undefined)) return;
  const { action, rollout } = journal;
  const services = Object.keys(rollout.to);
  const goal = action === 'rollback' ? rollout.to : rollout.from;
  const isWhole =
    (args.length === 0 || services.every((name) => args.includes(name))) &&
    args.every((name) => services.includes(name)) &&
    (release === undefined || Object.values(goal).every((one) => one === release));
  if (isWhole) return;
  throw new CliError(`Unable to begin: a ${action} of ${services.join(', ')} has not ended.`, {
    outcome: 'locked',
    code: 'UNFINISHED_DEPLOY',
    fix: 'Take it back with "psactl rollback", without services and --to; then run this again.',
  });
}

/** What the last change of each service came from. A deploy that went back by itself changed nothing. */
async function before(folder: SiteFolder, services: readonly string[]): Promise<Record<string, string>> {
  const { readDeployed, readHistory } = await import('../site/deployed.ts');
  const { readRolloutJournal } = await import('../site/rollout-journal.ts');
  const { releaseBefore } = await import('../deploy/release-before.ts');
  const journal = await readRolloutJournal(folder);
  // The releases of the one that was cut short: the rollout itself knows its way back.
  if (journal) return { ...journal.rollout.to };
  const [history, deployed] = await Promise.all([readHistory(folder.path), readDeployed(folder.path)]);
  const found = services.flatMap((name): [string, string][] => {
    const release = releaseBefore(history, name, deployed[name]);
    return release === undefined ? [] : [[name, release]];
  });
  if (found.length === 0) {
    throw usage('Unable to go back: the history has no release before this one.', 'Name it with --to.');
  }
  return Object.fromEntries(found);
}
