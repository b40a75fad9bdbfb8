import { lasting } from '@psa/recovery/dr/duration';
import { when } from '../../backup/backup-text.ts';
import { define } from '../../command.ts';
import type { DrStatus } from '../../dr/dr-status.ts';
import { recoveryError } from '../../recovery-error.ts';
import type { SiteOptions } from '../../site/site.ts';

const MINUTE = 60_000;

export const drStatusCommand = define<
  SiteOptions,
  { readonly data: DrStatus },
  null,
  { readonly data: DrStatus }
>({
  summary: 'Shows how ready the second site is, and what would be lost now',
  description: `
Reads the copies of the site that serves in its folders and on its remotes, as a failover would, and asks both sites from
outside. Predicted is what a failover would take and lose at this moment: from what steps of earlier ones took, and from what
is assumed where none has run. Ends with 3 when something is wrong, such as a promise of backup.targets that would not be kept.`,
  examples: [
    { run: 'psactl dr status', note: 'both sites, the newest copies, time and loss beside what is promised' },
    { run: 'psactl dr status --json', note: 'for monitoring: 0, or 3 with the problems' },
  ],
  async plan(context) {
    const { drStatus } = await import('../../dr/dr-status.ts');
    try {
      return { data: { data: await drStatus(context) }, carry: null };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  outcome: ({ data }) => (data.problems.length === 0 ? 'done' : 'partial'),
  render: ({ data: { serving, sites, copies, places, standby, predicted, targets, problems, notes } }) => {
    const site = ({ name, role, epoch, says, answers }: DrStatus['sites'][number]) =>
      `  ${name.padEnd(12)}${name === serving ? 'serves' : role === 'serving' ? 'stands by' : role === 'following' ? 'follows' : role}, failover ${epoch}; ${says ? `its edge says ${says.site} ${says.epoch}` : answers ? 'it answers' : 'nothing of it answers'}\n`;
    const copy = ([kind, one]: [string, DrStatus['copies']['database']]) =>
      `  ${kind.padEnd(12)}${one ? `${when(one.at)}, ${lasting(one.age_minutes * MINUTE)} ago: ${one.id}, ${one.place}` : 'none'}\n`;
    const lag = places.map(
      ({ id, age_minutes, place }) => `  ${place}: ${id}, ${lasting(age_minutes * MINUTE)} behind\n`,
    );
    const follows =
      standby === null
        ? ''
        : `The database that follows:
  ${standby.role === null ? 'does not say how far it is' : `is ${standby.lag_seconds === null ? 'not known to have anything' : `${standby.lag_seconds} s behind at most`}; ${standby.behind_bytes} bytes have come and are not in it; newest piece ${standby.newest ?? 'none'}, asked for more ${standby.asked_at === null ? 'never' : when(standby.asked_at)}`}

`;
    const { rto_minutes: rto, rpo_minutes: rpo, by } = predicted;
    return `Sites:
${sites.map(site).join('')}
Newest copies:
${Object.entries(copies).map(copy).join('')}
By place:
${lag.join('')}
${follows}If ${serving} were lost now:
  back after  ${lasting(rto * MINUTE)}${by === 'assumed' ? ', part of it assumed' : ''} (promised ${lasting(targets.rto_minutes * MINUTE)})
  lost        ${rpo === null ? 'everything' : lasting(rpo * MINUTE)} (promised ${lasting(targets.rpo_minutes * MINUTE)})
${notes.map((note) => `\nnote: ${note}\n`).join('')}${problems.map((one) => `\nPROBLEM: ${one}\n`).join('')}`;
  },
});
