import type { DrPlan } from '@psa/recovery/dr/plan';
import { SCENARIOS, type Scenario } from '@psa/recovery/dr/scenario';
import { define } from '../../command.ts';
import { planText, stepsText } from '../../dr/dr-text.ts';
import type { Prepared } from '../../dr/facts.ts';
import type { FailedOver } from '../../dr/failover.ts';
import { CliError, usage } from '../../errors.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Options extends SiteOptions {
  readonly scenario: Scenario;
  readonly container?: string;
  readonly node?: string;
  readonly before?: Date;
  readonly fence?: boolean;
  readonly anew?: boolean;
  readonly dryRun?: boolean;
}

const momentOf = (text: string) => {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw new Error('write a moment such as 2026-11-30T02:00:00Z');
  return at;
};

export const drFailover = define<
  Options,
  DrPlan & { readonly unread: readonly string[] },
  Prepared,
  { readonly data: FailedOver }
>({
  summary: 'Brings the platform back after something was lost, on this site or on the other one',
  description: `
One plan for each scenario, and the playbooks of backup/playbooks say the same. Each step is written down before it is begun:
cut off at any moment, the same line goes on where it was. A lost cluster is first looked for: while any of its nodes or its
edge answers, nothing is done, unless --fence stops its edge and services first. Afterwards the old site takes no writes: its
edge does not start while the other one serves (dr.edges), and psactl refuses to change it.`,
  options: [
    {
      flags: '--scenario <name>',
      description: 'what has happened',
      choices: SCENARIOS,
      required: true,
    },
    { flags: '--container <name>', description: 'the container that failed' },
    { flags: '--node <name>', description: 'the node that is lost' },
    {
      flags: '--before <time>',
      description: 'take a backup from before this moment, as 2026-11-30T02:00:00Z',
      parse: momentOf,
    },
    { flags: '--fence', description: 'keep the old site from serving, although something of it answers' },
    { flags: '--anew', description: 'begin with the first step, although an earlier run was cut off' },
  ],
  examples: [
    {
      run: 'psactl dr failover --scenario cluster-lost --dry-run',
      note: 'what would be done, what is lost, how long it takes',
    },
    {
      run: 'psactl dr failover --scenario database-failed --dry-run --json',
      note: 'for a program',
    },
  ],
  resume: 'Run the same line again: it goes on where it was cut off.',

  async plan(context) {
    const { options } = context;
    const { scenario, container, node, before = null, fence = false, anew = false } = options;
    const { SCENARIO } = await import('@psa/recovery/dr/scenario');
    const { prepareFailover } = await import('../../dr/facts.ts');
    const { names } = SCENARIO[scenario];
    for (const [kind, value] of [
      ['container', container],
      ['node', node],
    ] as const)
      if (value !== undefined && names !== kind)
        throw usage(`Unable to use --${kind}: the scenario ${scenario} is not about one.`, 'Leave it out.');
    try {
      const prepared = await prepareFailover(context, {
        ...{ scenario, named: container ?? node ?? null, before, fence, anew },
      });
      const { plan, unread } = prepared;
      if (plan.refusals.length > 0 && options.dryRun !== true)
        throw new CliError(`Unable to carry out "${scenario}": nothing was done.`, {
          code: 'DR_REFUSED',
          why: [...plan.refusals.map(({ why }) => why), ...unread].join('\n'),
          fix: plan.refusals.map(({ fix }) => fix).join('\n'),
        });
      return { data: { ...plan, unread }, carry: prepared };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  confirm: ({ data: { title, site, steps } }) =>
    steps.some(({ confirm }) => confirm)
      ? `${title}. Do these ${steps.length} steps, after which the platform goes on at ${site}?`
      : null,
  renderPlan: (data) =>
    `${planText(data)}${data.unread.map((one) => `\nCould not be read: ${one}\n`).join('')}`,

  async apply({ carry }, context) {
    const { failOver } = await import('../../dr/failover.ts');
    try {
      return { data: await failOver(context, carry) };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  render: ({ data: { scenario, site, steps, rto_ms, rpo_ms, resumed } }) =>
    `${scenario}: the platform goes on at ${site}, after ${Math.round(rto_ms / 1000)} s${resumed ? ' with what was cut off' : ''}.
${stepsText(steps)}${rpo_ms === null ? '' : `What was written in the ${Math.round(rpo_ms / 1000)} s before is lost.\n`}`,
});
