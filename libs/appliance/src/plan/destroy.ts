import { ownComment, sidOf } from './desired.ts';
import type { Observed } from './observed.ts';
import { isWhollyOurs, ownerOf, ownMarker } from './ownership.ts';
import { refusedRemoval } from './refusals.ts';
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
      steps.add(
        { kind: 'remove-rule', rule: name },
        { target: `HA rule ${name}`, reason: 'made by psactl → removed' },
      ),
    );
  const gone: string[] = [];
  let isAllGone = true;
  for (const guest of observed.guests) {
    const marker = guest.type === 'lxc' ? ownMarker(doomed, guest) : null;
    const keeps = marker ? refusedRemoval(guest.id, guest.config!, observed.guests) : null;
    const target = `${marker?.container ?? guest.name} (CT ${guest.id})`;
    if (isWhollyOurs(doomed, observed, guest) && observed.nodes[guest.node] === 'online' && keeps === null) {
      const managed = observed.ha.resources.some(({ sid }) => sid === sidOf(guest.id));
      gone.push(
        steps.add(
          { kind: 'remove', container: guest.id },
          {
            ...{ target, node: guest.node, after: rules },
            reason: `made by psactl, ${guest.status}${managed ? ', managed by HA' : ''} → removed with its disks`,
          },
        ),
      );
      continue;
    }
    const isHalf = marker !== null && guest.config?.lock === 'create';
    const isBegun = isHalf || ownerOf(doomed, observed, guest) === 'begun';
    if (guest.inPool || marker || isBegun) isAllGone = false;
    if (observed.nodes[guest.node] !== 'online' && (guest.inPool || marker))
      notes.push(`${target} stays: its node ${guest.node} does not answer. Destroy again when it is back.`);
    else if (marker && keeps !== null && isWhollyOurs(doomed, observed, guest))
      notes.push(`${target} stays: ${keeps}`);
    else if (isBegun) notes.push(`${target} stays: ${cutShort(guest.id)}`);
    else if (marker)
      notes.push(`${target} stays: it has the marker of psactl, but not the pool and the tag.`);
    else if (guest.inPool && guest.type === 'lxc' && guest.config === null)
      notes.push(`${target} stays: its configuration could not be read. Destroy again when it can.`);
    else if (guest.inPool) notes.push(`${target} stays: it is in the pool, but psactl did not make it.`);
  }
  for (const id of observed.hidden) {
    isAllGone = false;
    notes.push(`CT ${id} stays: the token of psactl cannot see it. ${whyHidden(doomed, observed, id)}`);
  }
  for (const group of observed.ha.groups.filter((one) => one.comment === comment))
    steps.add(
      { kind: 'remove-group', group: group.name },
      { target: `HA group ${group.name}`, reason: 'made by psactl → removed', after: gone },
    );
  if (observed.ownPools.includes(doomed.pool) && isAllGone)
    steps.add(
      { kind: 'remove-pool', pool: doomed.pool },
      { target: `pool ${doomed.pool}`, reason: 'empty → removed', after: gone },
    );
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

/** Whose a guest may be that the token cannot see, and how to get rid of it. */
function whyHidden({ pool }: Doomed, { made, begun }: Observed, id: number): string {
  if (made.includes(id))
    return `psactl made it, and it has left the pool ${pool}: put it back (pvesh set /pools --poolid ${pool} --vms ${id}) and destroy again.`;
  if (begun.includes(id)) return `It may be what psactl began to make: ${cutShort(id)}`;
  return "It is somebody else's, or has left the pool.";
}

const cutShort = (id: number) =>
  `its creation has not ended. If no task makes it any more, on its node: pct unlock ${id} && pct destroy ${id} --purge.`;
