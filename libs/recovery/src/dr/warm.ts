import { type Draft, notifyDrafts, smokeDraft, step, switchDraft } from './draft.ts';
import type { DrFacts } from './facts.ts';

/** The database that follows takes over: nothing is brought, nothing is restored. */
export const warmDrafts = (facts: DrFacts, site: string): readonly Draft[] => [
  step(
    'claim',
    `Count the failover: ${site} is the later one from here on, and the edge of ${facts.from} stops where it sees it.`,
    null,
    `.psactl/${site}/dr.json has the number.`,
  ),
  step(
    'catch_up',
    `Bring the last pieces of the log, if ${facts.from} still gives them, and no more.`,
    `psactl exec OPS --site ${site} -- su postgres -s /bin/sh -c "psa-follow log once"`,
    'It ends with 0, or says that nobody answers.',
  ),
  step(
    'open',
    `Have the database of ${site} take writes.`,
    `psactl exec POSTGRES --site ${site} -- sh -c 'echo "{\\"standby_cluster\\": null}" | patronictl -c /etc/patroni/config.yml edit-config --apply - --force'`,
    '"patronictl list" there names a Leader, and no Standby Leader.',
    { confirm: true },
  ),
  step(
    'wake',
    `Start the services and the edge of ${site}, which lie ready.`,
    `psactl apply --site ${site}`,
    `"psactl plan --site ${site}" has no step left.`,
  ),
  smokeDraft(site),
  switchDraft(facts, site),
  ...notifyDrafts(facts),
];

/** A database that follows, or did, gives its place to one that is restored, or follows anew. */
export const clearDraft = (site: string): Draft =>
  step(
    'clear',
    `Take away the database that has followed on ${site}, and its copy of the repository.`,
    null,
    'Patroni does not run in its members, and their data folders are gone.',
    { confirm: true },
  );
