import { type Draft, expected, step } from './draft.ts';
import type { DrRefusal } from './facts.ts';
import type { DrStep, MeasuredStep } from './step.ts';
import { clearDraft } from './warm.ts';

/** What a site that is to follow follows from. */
export interface FollowFacts {
  /** The site that serves by the inventory. */
  readonly from: string;
  /** The one that follows. */
  readonly to: string;
  readonly kind: 'cold' | 'warm';
  /** The site that serves now. */
  readonly serving: string;
  /** What its database is: none is there; one follows; another one is there. */
  readonly database: 'none' | 'follows' | 'other';
  /** It was asked for that the database is made anew, although it follows. */
  readonly anew: boolean;
  readonly measured: readonly MeasuredStep[];
}

/** How the standby site is made one whose database follows. */
export interface FollowPlan {
  readonly from: string;
  readonly to: string;
  readonly steps: readonly DrStep[];
  /** Empty: it may be carried out. */
  readonly refusals: readonly DrRefusal[];
  readonly total_ms: number;
}

/**
 * Has the database of the standby site follow that of the primary, all the time. Done again it carries what has changed since
 * (secrets, certificates, what was deployed), and makes the database anew where it no longer follows.
 */
export function planFollow(facts: FollowFacts): FollowPlan {
  const { from, to, database, anew } = facts;
  const drafts: readonly Draft[] = [
    step(
      'carry',
      `Carry secrets, certificates and what was deployed from ${from} to ${to}.`,
      null,
      `.psactl/${to} holds what .psactl/${from} does.`,
    ),
    ...(database === 'other' || (anew && database === 'follows') ? [clearDraft(to)] : []),
    step(
      'ready',
      `Build ${to}: the database and the repository run, services and edge lie ready and are not started.`,
      `psactl apply --site ${to}`,
      `"psactl plan --site ${to}" has no step left.`,
    ),
    step(
      'copy',
      `Wait until the repository of ${from} is copied.`,
      null,
      'It has a copy of the database and the log behind it.',
    ),
    step('follow', 'Wait until the database follows.', 'psactl dr status', 'It says how far behind it is.'),
  ];
  const steps = expected(drafts, facts.measured);
  return {
    ...{ from, to, steps, refusals: refusalsOf(facts) },
    total_ms: steps.reduce((sum, { expected_ms }) => sum + expected_ms, 0),
  };
}

function refusalsOf({ kind, from, to, serving }: FollowFacts): readonly DrRefusal[] {
  if (kind === 'cold')
    return [
      {
        why: 'The standby is cold: dr.kind says so.',
        fix: `Write kind: warm, and feed: "HOST:8433", which leads to the edge of ${from}; then "psactl apply --site ${from}" once.`,
      },
    ];
  if (serving !== from)
    return [
      {
        why: `${serving} serves, and what follows is ${to}.`,
        fix: 'Go back first: psactl dr failback',
      },
    ];
  return [];
}
