import { lasting } from '@psa/recovery/dr/duration';
import type { FollowPlan } from '@psa/recovery/dr/follow';
import { define } from '../../command.ts';
import { stepsText } from '../../dr/dr-text.ts';
import type { Following, PreparedFollow } from '../../dr/follow.ts';
import { CliError } from '../../errors.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Options extends SiteOptions {
  readonly anew?: boolean;
  readonly dryRun?: boolean;
}

export const drFollow = define<Options, FollowPlan, PreparedFollow, { readonly data: Following }>({
  summary: "Has the standby site's database follow that of the primary all the time (dr.kind: warm)",
  description: `
The standby site is built with the secrets of the primary; its ops container copies the primary's repository, and its database is
made from that and goes on with each piece of the log that comes. Services and edge lie there ready and are not started.
"psactl dr status" says how far behind it is, "psactl dr failover" has it take over. Run it again after a deploy, after new
secrets, and after a failback: a database that has served there meanwhile is taken away, and one that follows stays.`,
  options: [
    {
      flags: '--anew',
      description: 'make its database and its copy of the repository anew, although it follows',
    },
  ],
  examples: [{ run: 'psactl dr follow --dry-run', note: 'what would be done on the standby site' }],
  resume: 'Run the same line again: it does what is left.',
  async plan(context) {
    const { prepareFollow } = await import('../../dr/follow.ts');
    const prepared = await prepareFollow(context, context.options.anew === true);
    const { refusals, to } = prepared.plan;
    if (refusals.length > 0 && context.options.dryRun !== true)
      throw new CliError(`Unable to have ${to} follow: nothing was done.`, {
        code: 'DR_REFUSED',
        why: refusals.map(({ why }) => why).join('\n'),
        fix: refusals.map(({ fix }) => fix).join('\n'),
      });
    return { data: prepared.plan, carry: prepared };
  },
  confirm: ({ data: { from, to, steps } }) =>
    steps.some(({ confirm }) => confirm)
      ? `Take away the database of ${to}, and have it follow that of ${from}?`
      : null,
  renderPlan: ({ from, to, steps, refusals }) =>
    `${to} follows ${from}:

${steps.map(({ what, expected_ms, by, confirm }) => `  ${`${by === 'assumed' ? '~' : ''}${lasting(expected_ms)}`.padEnd(10)}${what}${confirm ? ' *' : ''}\n`).join('')}${refusals.map(({ why, fix }) => `\nIn the way: ${why}\n  ${fix}\n`).join('')}`,
  async apply({ carry }, context) {
    const { follow } = await import('../../dr/follow.ts');
    try {
      return { data: await follow(context, carry) };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  render: ({ data: { from, site, steps } }) =>
    `The database of ${site} follows that of ${from}.\n${stepsText(steps)}`,
});
