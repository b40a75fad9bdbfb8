import type { DrFacts } from './facts.ts';
import { type DrStep, expectStep, type MeasuredStep, type StepKind } from './step.ts';

/** A step before it is known how long it takes. */
export type Draft = Omit<DrStep, 'expected_ms' | 'by'> & { readonly bytes?: number };

/** Steps with how long they are expected to take. */
export const expected = (drafts: readonly Draft[], measured: readonly MeasuredStep[]): readonly DrStep[] =>
  drafts.map(({ bytes, ...draft }) => ({ ...draft, ...expectStep(draft.id, bytes ?? null, measured) }));

/** Makes the type say that each id is of the list. */
export const step = (
  id: StepKind,
  what: string,
  command: string | null,
  check: string,
  more: { readonly confirm?: boolean; readonly bytes?: number } = {},
): Draft => ({ id, what, command, check, confirm: false, ...more });

/** Clients are led to the site that goes on. */
export const switchDraft = ({ hooks }: Pick<DrFacts, 'hooks'>, site: string): Draft =>
  step(
    'switch',
    hooks.switch
      ? `Lead the clients to ${site}: dr.hooks.switch.`
      : `Lead the clients to ${site}: DNS, routes. No hook is given, so a person does it.`,
    null,
    'The public name of the platform leads there, seen from outside.',
    { confirm: hooks.switch },
  );

/** One look as people have it. */
export const smokeDraft = (site: string) =>
  step(
    'smoke',
    'Ask the portal from outside.',
    `psactl status --site ${site}`,
    'The portal and the API answer, with the certificate that psactl gave them. Sign in and look at the newest ticket.',
  );

/** The last of each. */
export const notifyDrafts = ({ hooks }: DrFacts): readonly Draft[] => [
  step(
    'notify',
    hooks.notify ? 'Tell people: dr.hooks.notify.' : 'Tell people: no hook is given, so a person does it.',
    null,
    'Those who are named below know.',
  ),
];
