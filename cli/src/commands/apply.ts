import type { Plan } from '@psa/appliance/plan/step';
import { type Applied, applySite, type Looked, planSite, refuseProblems } from '../apply/apply.ts';
import { PLAN_OPTIONS, type PlanOptions, wishOf } from '../apply/plan-options.ts';
import { appliedText, planText } from '../apply/plan-text.ts';
import { define } from '../command.ts';
import { type SiteOptions, withSite } from '../site/site.ts';
import { plural } from '../text.ts';

interface Options extends SiteOptions, PlanOptions {
  yes?: boolean;
}

export const apply = define<Options, Plan & { site: string }, Looked, Applied>({
  summary: 'Brings the cluster to what the inventory says',
  description: `
Shows the plan, asks, and carries it out: what may run at the same time does. It can be ended at any time, however
hard, and run again. What psactl did not make it never touches.`,
  options: PLAN_OPTIONS,
  examples: [
    { run: 'psactl apply', note: 'shows what it will do and asks' },
    { run: 'psactl apply --site lab --yes', note: 'the whole appliance on the lab' },
    { run: 'psactl apply --dry-run', note: 'only shows, as psactl plan' },
  ],
  resume: 'Run psactl apply again: it goes on where this run ended.',

  async plan(context) {
    return withSite(context, async (site) => {
      const looked = await planSite(site, wishOf(context.options, site), context);
      refuseProblems(looked.plan, site.site);
      // With --json nobody reads it before the end.
      const json = (context.options as { json?: boolean }).json === true;
      if (!json && looked.plan.steps.length > 0) context.progress.note(planText(looked.plan));
      return { data: { site: site.site.name, ...looked.plan }, carry: looked };
    });
  },

  confirm: ({ data }) => (data.steps.length === 0 ? null : `Do these ${plural(data.steps.length, 'step')}?`),

  async apply({ carry }, context) {
    const { options } = context;
    return withSite(context, (site) =>
      applySite(site, carry, { ...wishOf(options, site), mayGrow: options.yes === true }, context),
    );
  },

  renderPlan: planText,
  render: appliedText,
  outcome: ({ steps }) => {
    if (steps.every(({ outcome }) => outcome === 'done')) return 'done';
    return steps.some(({ outcome }) => outcome === 'done') ? 'partial' : 'failed';
  },
});
