import { define } from '../command.ts';
import { ROLLOUT_OPTIONS, type RolloutOptions, servicesOf } from '../deploy/deploy-options.ts';
import type { DeployPlan, DeployResult } from '../deploy/deploy-site.ts';
import { planOf, ROLLOUT_COMMAND, type Rollout } from '../deploy/rollout-command.ts';
import { usage } from '../errors.ts';

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
      const to = release
        ? Object.fromEntries(services.map((service) => [service, release]))
        : await before(site.folder.path, services);
      return {
        ...{ action: 'rollback', to, version: Object.values(to)[0]! },
        ...{ backup: false, migrate: false, lenient: true },
      };
    }),
  ...ROLLOUT_COMMAND,
});

/** What the last change of each service came from. A deploy that went back by itself changed nothing. */
async function before(folder: string, services: readonly string[]): Promise<Record<string, string>> {
  const { readHistory } = await import('../deploy/deployed.ts');
  const { readJournal } = await import('../deploy/journal.ts');
  const journal = await readJournal(folder);
  const history = (await readHistory(folder)).filter((one) => one.outcome === 'done').reverse();
  const found = services.flatMap((name): [string, string][] => {
    const release =
      journal?.rollout.from[name] ?? history.find((one) => one.to[name] && one.from[name])?.from[name];
    return release === undefined ? [] : [[name, release]];
  });
  if (found.length === 0) {
    throw usage('Unable to go back: the history has no release before this one.', 'Name it with --to.');
  }
  return Object.fromEntries(found);
}
