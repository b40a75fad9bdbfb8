import { DATA_PARTS } from '../inventory/schema.ts';
import type { Draft } from './draft.ts';
import { isWhollyOurs, ownMarker } from './ownership.ts';
import { nameOf } from './plan-container.ts';
import { refusedRemoval } from './refusals.ts';

/** Containers of ours that the inventory no longer has: the highest number of a group goes first. */
export function planSurplus(draft: Draft): void {
  const { desired, observed, steps, notes } = draft;
  const wanted = new Set(desired.containers.map(({ id }) => id));
  const surplus = observed.guests
    .filter((guest) => !wanted.has(guest.id) && guest.type === 'lxc' && ownMarker(desired, guest))
    .sort((a, b) => b.id - a.id);
  // They go when nobody sends them requests any more.
  const before = steps.ids('configure', 'ready', 'part', 'rollout');
  const last = new Map<string, string>();
  for (const guest of surplus) {
    const { group, container: name } = ownMarker(desired, guest)!;
    const target = nameOf({ name, id: guest.id });
    const keeps = refusedRemoval(guest.id, guest.config!, observed.guests);
    const isData = DATA_PARTS.some((part) => part === group);
    if (!isWhollyOurs(desired, observed, guest))
      notes.push(
        `${target} is no longer in the inventory and stays: it has the marker of psactl, but not the pool and the tag beside it.`,
      );
    else if (observed.nodes[guest.node] !== 'online')
      notes.push(`${target} is not removed now: its node ${guest.node} does not answer.`);
    else if (isData && !desired.removeData)
      notes.push(
        `${target} is no longer in the inventory and stays: it holds a copy of the data. Remove it with --remove-data.`,
      );
    else if (keeps !== null) notes.push(`${target} is no longer in the inventory; ${keeps}`);
    else {
      const previous = last.get(group);
      const id = steps.add(
        { kind: 'remove', container: guest.id },
        {
          ...{ target, node: guest.node, reason: 'there, but not in the inventory → removed' },
          after: [...before, ...(previous === undefined ? [] : [previous])],
        },
      );
      last.set(group, id);
    }
  }
}
