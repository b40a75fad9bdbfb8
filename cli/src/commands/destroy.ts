import { planDestroy } from '@psa/appliance/plan/destroy';
import type { Plan } from '@psa/appliance/plan/step';
import { type Applied, refuseProblems, waitForTasks } from '../apply/apply.ts';
import { begunCreations, Journal, openTasks, readJournal } from '../apply/apply-journal.ts';
import { desire } from '../apply/desire.ts';
import { observe } from '../apply/observe.ts';
import { appliedText, planText } from '../apply/plan-text.ts';
import { runSteps } from '../apply/run-steps.ts';
import { destroyWorker } from '../apply/worker.ts';
import { type Context, define } from '../command.ts';
import { usage } from '../errors.ts';
import { askOnTerminal } from '../prompt.ts';
import { Cluster } from '../site/cluster.ts';
import { type OpenSite, type SiteOptions, withSite } from '../site/site.ts';

interface Options extends SiteOptions {
  yes?: boolean;
  name?: string;
}

export const destroy = define<Options, Plan & { site: string; appliance: string }, null, Applied>({
  summary: 'Removes the appliance from a site: containers with their data, HA entries, pool',
  description: `
Removes only what psactl made. Backups, templates on the storages and the folder .psactl with the secrets stay.`,
  options: [{ flags: '--name <appliance>', description: 'name of the appliance, in place of typing it' }],
  examples: [
    { run: 'psactl destroy', note: 'shows what goes and asks for the name of the appliance' },
    { run: 'psactl destroy --site lab --yes --name psa', note: 'without asking' },
    { run: 'psactl destroy --dry-run', note: 'only shows what would go' },
  ],
  resume: 'Run psactl destroy again: it goes on where this run ended.',

  async plan(context) {
    return withSite(context, async (site) => {
      const plan = await doom(site, context);
      const json = (context.options as { json?: boolean }).json === true;
      if (!json && plan.steps.length > 0) context.progress.note(planText(plan));
      return { data: { site: site.site.name, appliance: site.inventory.name, ...plan }, carry: null };
    });
  },

  async apply({ data }, context) {
    if (data.steps.length > 0) await askForName(data.appliance, context);
    return withSite(context, (site) =>
      site.folder.locked('psactl destroy', async () => {
        const start = performance.now();
        const before = readJournal(site.folder);
        // A creation that goes on comes into the pool, and into sight, at its end.
        await waitForTasks(site, openTasks(before), context);
        const plan = await doom(site, context);
        refuseProblems(plan, site.site);
        // Nothing was to go, so nobody was asked; now there is.
        if (plan.steps.length > 0 && data.steps.length === 0) await askForName(data.appliance, context);
        const begun = new Set(begunCreations(before));
        const journal = await Journal.open(site.folder);
        try {
          journal.add({ event: 'begin', text: `psactl destroy: ${plan.steps.length} steps` });
          const desired = { appliance: site.inventory.name, site: site.site.name, pool: site.inventory.name };
          const cluster = new Cluster(site, context.signal, (step, upid) => journal.task(step, upid));
          const work = destroyWorker({ desired, begun, cluster });
          const steps = await runSteps(plan.steps, work, { ...context, journal });
          context.signal.throwIfAborted();
          journal.add({ event: 'end' });
          return { steps, notes: plan.notes, seconds: Math.round((performance.now() - start) / 100) / 10 };
        } finally {
          journal.close();
        }
      }),
    );
  },

  renderPlan: planText,
  render: appliedText,
  outcome: ({ steps }) => {
    if (steps.every(({ outcome }) => outcome === 'done')) return 'done';
    return steps.some(({ outcome }) => outcome === 'done') ? 'partial' : 'failed';
  },
});

async function doom(site: OpenSite, { signal, progress }: Context<Options>): Promise<Plan> {
  progress.start('looking at the cluster');
  const desired = await desire(site, { recreate: [], removeData: true });
  const journal = readJournal(site.folder);
  const observed = await observe(new Cluster(site, signal), desired, { journal, inside: false });
  progress.end();
  return planDestroy(desired, observed);
}

/** The name, typed or in `--name`: a `y` too many must not cost all the data. */
async function askForName(name: string, { options, io }: Context<Options>): Promise<void> {
  const fix = `Type its name, ${name}, or give --yes --name ${name}.`;
  if (options.yes) {
    if (options.name === name) return;
    throw usage('Unable to destroy the appliance: --yes needs its name beside it.', fix);
  }
  if (!io.stdin.isTTY) throw usage('Unable to ask for the name of the appliance.', fix);
  const typed = await askOnTerminal(
    `All data of the appliance goes. Type its name (${name}) to destroy it`,
    io,
  );
  if (typed !== name) throw usage('Nothing was done: that is not the name of the appliance.', fix);
}
