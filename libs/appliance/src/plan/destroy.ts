import { ownComment, sidOf } from './desired.ts';
import type { Observed } from './observed.ts';
import { isWhollyOurs, ownMarker } from './ownership.ts';
import { type Plan, Steps } from './step.ts';

/** The appliance that is to go. */
export interface Doomed {
  readonly appliance: string;
  readonly site: string;
  readonly pool: string;
}

/** What must be done so that nothing of ours is left on a site; nobody else's guest, rule or pool is touched. */
export function planDestroy(doomed: Doomed, observed: Observed): Plan {
  const steps = new Steps();
  const notes: string[] = [];
  const comment = ownComment(doomed.appliance, doomed.site);
  const rules = observed.ha.rules
    .filter((rule) => rule.comment === comment)
    .map(({ name }) =>
      steps.add('remove', `rule:${name}`, { target: `HA rule ${name}`, reason: 'made by psactl → removed' }),
    );
  const gone: string[] = [];
  let isAllGone = true;
  for (const guest of observed.guests) {
    const marker = guest.type === 'lxc' ? ownMarker(doomed, guest) : null;
    const target = `${marker?.container ?? guest.name} (CT ${guest.id})`;
    if (isWhollyOurs(doomed, guest) && observed.nodes[guest.node] === 'online') {
      const managed = observed.ha.resources.some(({ sid }) => sid === sidOf(guest.id));
      gone.push(
        steps.add('remove', `ct:${guest.id}`, {
          ...{ target, node: guest.node, container: guest.id, after: rules },
          reason: `made by psactl, ${guest.status}${managed ? ', managed by HA' : ''} → removed with its disks`,
        }),
      );
      continue;
    }
    if (guest.inPool || marker) isAllGone = false;
    if (observed.nodes[guest.node] !== 'online' && (guest.inPool || marker))
      notes.push(`${target} stays: its node ${guest.node} does not answer. Destroy again when it is back.`);
    else if (marker)
      notes.push(`${target} stays: it has the marker of psactl, but not the pool and the tag.`);
    else if (guest.inPool) notes.push(`${target} stays: it is in the pool, but psactl did not make it.`);
  }
  for (const group of observed.ha.groups.filter((one) => one.comment === comment))
    steps.add('remove', `group:${group.name}`, {
      ...{ target: `HA group ${group.name}`, after: gone },
      reason: 'made by psactl → removed',
    });
  if (observed.ownPools.includes(doomed.pool) && isAllGone)
    steps.add('remove', `pool:${doomed.pool}`, {
      ...{ target: `pool ${doomed.pool}`, after: gone },
      reason: 'empty → removed',
    });
  else if (observed.pools.includes(doomed.pool) && isAllGone)
    notes.push(`The pool ${doomed.pool} stays: psactl did not make it, and rights may hang on it.`);
  const problems = observed.quorate
    ? []
    : [
        {
          target: `site ${doomed.site}`,
          message: 'The cluster has no quorum: nothing can be removed.',
          fix: 'Bring back the nodes that are away.',
        },
      ];
  return { steps: problems.length > 0 ? [] : steps.ordered(), problems, notes };
}
