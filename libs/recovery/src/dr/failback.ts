import { type Draft, expected, step } from './draft.ts';
import type { DrStep, MeasuredStep } from './step.ts';

/** What a failback follows from. */
export interface FailbackFacts {
  /** The site that serves. */
  readonly from: string;
  /** The one that it goes back to. */
  readonly to: string;
  /** What steps of earlier runs took, the newest first. */
  readonly measured: readonly MeasuredStep[];
}

/** What is to be done to go back. */
export interface FailbackPlan {
  readonly from: string;
  readonly to: string;
  readonly steps: readonly DrStep[];
  /** From the first step to the last, in ms. */
  readonly total_ms: number;
  /** While nobody can write: from the services' stop on one site to their start on the other, in ms. */
  readonly standing_ms: number;
}

/**
 * Back, with nothing lost: the site that takes over is built while the other one serves; then nobody writes until what is
 * on both is counted to be the same.
 */
export function planFailback({ from, to, measured }: FailbackFacts): FailbackPlan {
  const drafts: readonly Draft[] = [
    step(
      'look',
      `See that every node of ${to} is online.`,
      `psactl status --site ${to}`,
      'All nodes are online, the cluster has its quorum.',
    ),
    step(
      'secrets',
      `Carry secrets, certificates and what was deployed to ${to}.`,
      null,
      `.psactl/${to} holds what .psactl/${from} does.`,
    ),
    step(
      'build',
      `Bring ${to} to what the inventory says. Clients stay at ${from}.`,
      `psactl apply --site ${to}`,
      `"psactl plan --site ${to}" has no step left.`,
    ),
    step('quiet', `Stop the services of ${to}: what they have is old.`, null, 'None of its services runs.'),
    step('hush', `Stop the services of ${from}. From here on nobody writes.`, null, 'The portals say 503.', {
      confirm: true,
    }),
    step(
      'save',
      `Back up the database and Redis of ${from}.`,
      `psactl backup run --only database,redis --site ${from}`,
      'Both are good.',
    ),
    step(
      'database',
      `Restore the database on ${to}. What stood there stays beside it under another name.`,
      `psactl restore database latest --site ${to} --of ${from}`,
      'It says how many tables there are.',
      { confirm: true },
    ),
    step(
      'redis',
      `Restore Redis on ${to}.`,
      `psactl restore redis latest --site ${to} --of ${from}`,
      'It says how many keys there are.',
    ),
    step('compare', 'Count the rows of every table on both sites.', null, 'They are the same.'),
    step(
      'promote',
      `Have the edge of ${to} say that it is the later one; that of ${from} then stops.`,
      null,
      `Only the edge of ${to} serves.`,
    ),
    step(
      'start',
      `Start the services of ${to}.`,
      null,
      `"psactl status --site ${to}" says that all are ready.`,
    ),
    step(
      'smoke',
      'Ask the portal from outside.',
      `psactl status --site ${to}`,
      'The portal and the API answer.',
    ),
    step(
      'switch',
      `Lead the clients to ${to}.`,
      null,
      'The public name of the platform leads there, seen from outside.',
      { confirm: true },
    ),
    step(
      'fence',
      `Keep ${from} from serving: it stands by again.`,
      `psactl dr fence --site ${from}`,
      'Its portal does not open.',
      { confirm: true },
    ),
    step('notify', 'Tell people.', null, 'They know.'),
  ];
  const steps = expected(drafts, measured);
  const at = (id: string) => steps.findIndex((one) => one.id === id);
  const sum = (list: readonly DrStep[]) => list.reduce((all, { expected_ms }) => all + expected_ms, 0);
  return {
    ...{ from, to, steps, total_ms: sum(steps) },
    standing_ms: sum(steps.slice(at('hush'), at('switch') + 1)),
  };
}
