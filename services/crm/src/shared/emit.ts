import type { EventType } from '@psa/contracts/events/catalog';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { enqueue, envelope, type NewEvent } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';

/** What the features of this service need of the world. */
export type CrmDeps = Pick<ServiceDeps, 'db' | 'relay' | 'ids' | 'clock' | 'log' | 'bus'>;

/** Puts events into the outbox of the current transaction, in this order. */
export function emit(
  tx: Tx,
  ctx: RequestContext,
  deps: CrmDeps,
  events: readonly NewEvent<EventType>[],
): Promise<void> {
  const now = deps.clock.now();
  return enqueue(
    tx,
    deps.relay,
    events.map((event) => envelope(ctx, event, deps.ids, now)),
  );
}

/** True for a user of a customer's portal. */
export const isPortal = (ctx: RequestContext) => ctx.scope.customer_id !== null;
