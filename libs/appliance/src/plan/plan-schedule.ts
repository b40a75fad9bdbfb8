import type { Draft } from './draft.ts';
import { scheduleReason } from './ops-mark.ts';
import { nameOf } from './plan-container.ts';

/**
 * What runs by the clock goes along with the appliance, at the end of everything else. It begins with somebody's
 * `psactl backup schedule`, for it gives that container a token and keys; a site where nobody did stays as it is.
 */
export function planSchedule({ desired, observed, steps, places }: Draft): void {
  const { schedule } = desired;
  const container = desired.containers.find(({ group }) => group === 'ops');
  const place = container && places.get(container.id);
  if (!schedule || !place) return;
  const there = observed.guests.find(({ id }) => id === container.id)?.inside?.ops ?? null;
  const isGone = place.isFresh && (there !== null || schedule.isKnown);
  const reason = isGone
    ? `made anew → psactl ${schedule.mark.release}, with its timers`
    : scheduleReason(there, schedule.mark);
  if (reason === null) return;
  steps.add(
    { kind: 'schedule', container: container.id },
    { target: nameOf(container), reason, node: place.node, after: steps.ids() },
  );
}
