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
import { usage } from '../errors.ts';

interface Options extends RolloutOptions {
  readonly to?: string;
}

export const rollback = define<Options, DeployPlan, { prepared: Prepared; wanted: Wanted }, DeployResult>({
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

  async plan(context) {
    const { withSite } = await import('../appliance/site.ts');
    const { prepare } = await import('../deploy/deploy-site.ts');
    const { options, args, io, signal } = context;
    return withSite(context, async (site) => {
      const services = servicesOf(site, args);
      const to = options.to
        ? Object.fromEntries(services.map((name) => [name, options.to!]))
        : await before(site.folder.path, services);
      const wanted: Wanted = {
        action: 'rollback',
        to,
        version: Object.values(to)[0]!,
        ...{ backup: false, migrate: false, lenient: true },
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
      site.folder.locked('psactl rollback', async () => {
        const now = await prepare(site, wanted, signal);
        return carryOut(site, wanted, now, progress, signal);
      }),
    );
  },
  render: renderDeployResult,
  outcome: ({ ended }) => (ended === 'done' ? 'done' : 'failed'),
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
