import { lasting } from '@psa/recovery/dr/duration';
import type { FailbackPlan } from '@psa/recovery/dr/failback';
import { define } from '../../command.ts';
import { stepsText } from '../../dr/dr-text.ts';
import type { FailedBack, PreparedFailback } from '../../dr/failback.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Options extends SiteOptions {
  readonly anew?: boolean;
}

export const drFailback = define<Options, FailbackPlan, PreparedFailback, { readonly data: FailedBack }>({
  summary: 'Brings the platform back to its own site after a failover, with nothing lost',
  description: `
The site is built while the other one serves. Then the services stop, the database and Redis are carried over, and every row is
counted on both sides before the services start again and the clients are led back. What the site still had from before the
failover stays beside the database under another name: look there for what the failover lost. Cut off, the same line goes on.`,
  options: [
    { flags: '--anew', description: 'begin with the first step, although an earlier run was cut off' },
  ],
  examples: [
    { run: 'psactl dr failback --dry-run', note: 'what would be done, and how long nobody could write' },
  ],
  resume: 'Run the same line again: it goes on where it was cut off.',
  async plan(context) {
    const { prepareFailback } = await import('../../dr/failback.ts');
    const prepared = await prepareFailback(context, context.options.anew === true);
    return { data: prepared.plan, carry: prepared };
  },
  confirm: ({ data: { from, to, standing_ms } }) =>
    `Bring the platform from ${from} back to ${to}? Nobody can use it for about ${lasting(standing_ms)}.`,
  renderPlan: ({ from, to, steps, total_ms, standing_ms }) =>
    `From ${from} back to ${to}:

${steps.map(({ what, expected_ms, by }) => `  ${`${by === 'assumed' ? '~' : ''}${lasting(expected_ms)}`.padEnd(10)}${what}\n`).join('')}
${lasting(total_ms)} in all, of which nobody can use the platform for ${lasting(standing_ms)}. Nothing is lost.
`,
  async apply({ carry }, context) {
    const { failBack } = await import('../../dr/failback.ts');
    try {
      return { data: await failBack(context, carry) };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  render: ({ data: { from, site, steps, standing_ms, total_ms } }) =>
    `The platform is back on ${site}, ${from} stands by, after ${lasting(total_ms)}${standing_ms === null ? '' : `; nobody could use it for ${lasting(standing_ms)}`}.
${stepsText(steps)}`,
});
