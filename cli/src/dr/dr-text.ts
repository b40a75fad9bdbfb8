import { lasting } from '@psa/recovery/dr/duration';
import type { DrPlan } from '@psa/recovery/dr/plan';
import type { StepDone } from './failover.ts';

const TIME_WIDTH = 10;

/** A plan for a person: what would be done, how long it takes, what is lost, what is in the way. */
export function planText({ title, source, site, steps, refusals, rto_ms, rpo_ms, copies }: DrPlan): string {
  const lines = steps.map(({ what, expected_ms, by, confirm }) => {
    const time = `${by === 'assumed' ? '~' : ''}${lasting(expected_ms)}`;
    return `  ${time.padEnd(TIME_WIDTH)}${what}${confirm ? ' *' : ''}`;
  });
  const taken = Object.values(copies).map(({ id, at, place }) => `  ${id} of ${at}, ${place}`);
  return `${title} (${source}). The platform would go on at ${site}.

${lines.join('\n')}

${lasting(rto_ms)} in all${steps.some(({ by }) => by === 'assumed') ? ' (~: assumed, not measured yet)' : ''}. ${rpo_ms === null ? 'Nothing that was acknowledged is lost.' : `What was written in the last ${lasting(rpo_ms)} is lost.`}${steps.some(({ confirm }) => confirm) ? ' *: takes something away, or leads people elsewhere.' : ''}
${taken.length === 0 ? '' : `\nFrom:\n${taken.join('\n')}\n`}${refusals.map(({ why, fix }) => `\nIn the way: ${why}\n  ${fix}\n`).join('')}`;
}

/** A step as the text shows it: of a failover or of a failback. */
type Shown = Pick<StepDone, 'outcome' | 'ms' | 'text'> & { readonly id: string };

/** The steps that were done. */
export const stepsText = (steps: readonly Shown[]): string =>
  steps
    .map(({ id, outcome, ms, text }) => {
      const time = outcome === 'done' ? lasting(ms) : outcome === 'before' ? 'before' : 'left out';
      return `  ${time.padEnd(TIME_WIDTH)}${id}${text === undefined ? '' : `: ${text}`}\n`;
    })
    .join('');
