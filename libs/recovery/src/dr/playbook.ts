import { lasting } from './duration.ts';
import type { DrPlan } from './plan.ts';
import { SCENARIO } from './scenario.ts';

/** Who is told. */
export interface PlaybookContact {
  readonly name: string;
  readonly role: string;
  readonly phone?: string;
  readonly mail?: string;
}

/** What a playbook says beside its plan. */
export interface PlaybookFacts {
  readonly appliance: string;
  readonly contacts: readonly PlaybookContact[];
  /** Promised, in minutes. */
  readonly target: { readonly rto_minutes: number; readonly rpo_minutes: number };
}

/**
 * What a person does, at three in the morning, as Markdown: the steps of the plan that `psactl dr failover` carries out,
 * with what to type, how to see that it is done, how long it takes, and who is told.
 */
export function playbookOf(plan: DrPlan, { appliance, contacts, target }: PlaybookFacts): string {
  const { scenario, title, source, site, steps, rto_ms, moment } = plan;
  const { signs, names } = SCENARIO[scenario];
  const named = `${names === null ? '' : ` --${names} NAME`}${scenario === 'data-corrupted' ? ` --before ${moment ?? 'MOMENT'}` : ''}`;
  const total = `${lasting(rto_ms)}${steps.some(({ by }) => by === 'assumed') ? ', part of it assumed' : ', as measured'}`;
  return `# ${title}

<!-- Written by the plan of \`psactl dr failover --scenario ${scenario}\`. Not edited by hand. -->

${source}. Appliance ${appliance}; it goes on at the site ${site}.

**Promised:** back within ${lasting(target.rto_minutes * 60_000)}, at most ${lasting(target.rpo_minutes * 60_000)} of writes lost. **Expected:** ${total}.

## Is it this?

${signs.map((sign) => `- ${sign}`).join('\n')}

## All of it in one

\`\`\`sh
psactl dr failover --scenario ${scenario}${named} --dry-run    # what would be done, what is lost, how long it takes
psactl dr failover --scenario ${scenario}${named}              # asks, does it, and goes on where it was cut off
\`\`\`

It ends with 0 when all is done. Cut off (power, Ctrl-C, a step that fails): mend the cause, run the same line again.

## By hand

${steps
  .map(
    ({ what, command, check, expected_ms, by, confirm }, index) => `### ${index + 1}. ${what}

${lasting(expected_ms)}${by === 'assumed' ? ', assumed' : ''}${confirm ? '. **Needs a yes.**' : '.'}
${command === null ? '' : `\n\`\`\`sh\n${command}\n\`\`\`\n`}
Done when: ${check}`,
  )
  .join('\n\n')}

## Who is told

${contacts.map(({ name, role, phone, mail }) => `- **${name}** (${role}): ${[phone, mail].filter(Boolean).join(', ')}`).join('\n')}

## Afterwards

${
  SCENARIO[scenario].goes_on === 'there'
    ? `What was lost with the old site must not come back by itself: when it has power again, its edge stays down as long as ${site} serves (where dr.edges is given), and psactl refuses to change it. The way back is \`psactl dr failback\`, which loses nothing.`
    : '`psactl backup run`: what is there now is not in any backup yet. Then write down what happened, and when.'
}
`;
}
