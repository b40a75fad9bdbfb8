import type { Desired } from './desired.ts';
import type { Draft } from './draft.ts';
import type { Observed } from './observed.ts';
import { planContainer } from './plan-container.ts';
import { planContents } from './plan-contents.ts';
import { planHa } from './plan-ha.ts';
import { planSchedule } from './plan-schedule.ts';
import { planSurplus } from './plan-surplus.ts';
import { type Plan, Steps } from './step.ts';

/**
 * What must be done so that a site becomes as it shall be: ordered steps with reasons, nothing when all is well.
 * Whatever is not ours, and whatever could not be looked at, stands in no step.
 */
export function plan(desired: Desired, observed: Observed): Plan {
  const draft: Draft = {
    ...{ desired, observed, steps: new Steps(), problems: [], notes: [] },
    places: new Map(),
  };
  const { steps, problems, notes } = draft;
  if (!observed.quorate)
    problems.push({
      target: `site ${desired.site}`,
      message: 'The cluster has no quorum: nothing can be changed.',
      fix: 'Bring back the nodes that are away: more than half of them must see each other.',
    });
  if (!observed.pools.includes(desired.pool))
    steps.add(
      { kind: 'create-pool', pool: desired.pool },
      {
        target: `pool ${desired.pool}`,
        reason: 'no pool → a pool for the containers of the appliance',
      },
    );
  planTemplates(draft);
  for (const container of desired.containers) planContainer(draft, container);
  planContents(draft);
  planHa(draft);
  planSurplus(draft);
  planSmoke(draft);
  planSchedule(draft);
  return { steps: problems.length > 0 ? [] : steps.ordered(), problems, notes };
}

/** Only templates that a container is to be made from: an old archive that is gone does no harm. */
function planTemplates({ desired, observed, steps }: Draft): void {
  for (const { key, file, storage, node } of desired.templates) {
    if (observed.templates.includes(key)) continue;
    const place = node === null ? storage : `${storage}@${node}`;
    if (!observed.templateStorages.includes(place)) continue;
    steps.add(
      { kind: 'upload', template: key },
      {
        target: `${file} on ${node === null ? storage : `${storage} of ${node}`}`,
        reason: 'not on the storage → uploaded',
        node,
      },
    );
  }
}

/** After work on what serves people, one look from outside. */
function planSmoke({ desired, steps }: Draft): void {
  const touched = steps.ids(
    'configure',
    'switch',
    'rollout',
    'start',
    'ready',
    'part',
    'replace',
    'remove',
    'remove-rule',
  );
  if (touched.length === 0 || desired.containers.length === 0 || desired.follows) return;
  const before = [
    ...touched,
    ...steps.ids('update', 'resize', 'move', 'install', 'migrate', 'manage', 'unmanage'),
  ];
  steps.add(
    { kind: 'smoke' },
    {
      target: 'the portal through HAProxy',
      reason: 'after the steps above → answers over TLS',
      after: before,
    },
  );
}
