import type { Plan } from '@psa/appliance/plan/step';
import { plural, table } from '../text.ts';
import type { Applied } from './apply.ts';

/** A plan for people. */
export function planText({ steps, problems, notes }: Plan): string {
  const parts: string[] = [];
  if (problems.length > 0)
    parts.push(
      problems.map(({ target, message, fix }) => `PROBLEM  ${target}: ${message} ${fix}\n`).join(''),
    );
  if (steps.length > 0)
    parts.push(table(steps.map(({ action, target, reason }) => [action, target, reason])));
  if (notes.length > 0) parts.push(notes.map((note) => `note  ${note}\n`).join(''));
  parts.push(
    steps.length > 0
      ? `${plural(steps.length, 'step')} to do.\n`
      : problems.length > 0
        ? 'Nothing can be done until the problems above are mended.\n'
        : notes.length > 0
          ? 'Nothing to do now, but for what the notes above name.\n'
          : 'Nothing to do: the cluster is as the inventory says.\n',
  );
  return parts.join('\n');
}

/** A run for people: what failed and was left out, and the time. */
export function appliedText({ steps, notes, seconds }: Applied): string {
  const count = (outcome: string) => steps.filter((step) => step.outcome === outcome).length;
  const troubles = steps.filter((step) => step.outcome === 'failed');
  const parts = [
    ...(steps.length === 0 ? ['Nothing to do: the cluster is as the inventory says.\n'] : []),
    ...(steps.length === 0
      ? []
      : [
          table(
            steps.map(({ id, target, outcome, seconds: time }) => [
              outcome,
              id,
              target,
              `${time.toFixed(1)} s`,
            ]),
          ),
        ]),
    ...troubles.map(({ id, error }) => `FAILED  ${id}: ${error}\n`),
    ...notes.map((note) => `note  ${note}\n`),
    `${count('done')} done, ${count('failed')} failed, ${count('skipped')} left out, in ${seconds.toFixed(1)} s.\n`,
  ];
  return parts.join('\n');
}
