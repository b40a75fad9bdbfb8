import type { Ticket } from '@psa/app/api/types';
import { SlaClock } from '@psa/ui/components/sla-clock';

/** The one clock of a ticket that a list has room for, by the same due time as the list is sorted by. */
export function ShownClock({ sla }: { sla: Ticket['sla'] | undefined }) {
  if (!sla?.shown) return <span className="muted">–</span>;
  return <SlaClock kind={sla.shown} clock={sla[sla.shown]} compact />;
}
