import { type LiveMessage, liveChannel } from '@psa/contracts/event-api';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { onceEach } from '@psa/service-kit/inbox';
import { consumer, type ServiceDeps } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';
import type { Months } from './months.ts';
import { countEvents, insertEvents } from './repository.ts';

export const HISTORY_CONSUMER = 'events.history';
/** One transaction per batch and tenant; larger ones gained nothing. */
const MAX_BATCH = 250;
/** Pages that are looked at follow what happens this much later at most. */
const GATHER_MS = 100;

type Deps = Pick<ServiceDeps, 'db' | 'bus' | 'cache' | 'clock' | 'log'>;

/** Stores every event of the platform and tells whoever listens live. */
export function historyConsumer(deps: Deps, months: Months): Worker {
  const store = (events: readonly EventEnvelope[]) => storeEvents(deps, months, events);
  return consumer(() =>
    deps.bus.subscribe({
      consumer: HISTORY_CONSUMER,
      topics: ['#'],
      handle: (event) => store([event]),
      handleBatch: store,
      maxBatch: MAX_BATCH,
      gatherMs: GATHER_MS,
    }),
  );
}

/** Stores what is new of these events, each once, in their order; then sends it to the live listeners. */
export async function storeEvents(
  deps: Deps,
  months: Months,
  events: readonly EventEnvelope[],
): Promise<void> {
  await months.ensure(events.map((event) => event.occurred_at));
  await onceEach(deps.db, HISTORY_CONSUMER, events, async (tx, fresh, tenantId) => {
    await Promise.all([
      insertEvents(tx, tenantId, fresh, deps.clock.now()),
      countEvents(tx, tenantId, fresh),
    ]);
    tx.afterCommit(() => {
      for (const event of fresh) void tell(deps, event);
    });
  });
}

/** From whom an event took the sight of its ticket: that it did is the last that they learn of it. */
function takenFrom(event: EventEnvelope): { taken_from?: string[] } {
  const { taken_from = [] } = event.data as { taken_from?: string[] };
  return taken_from.length > 0 ? { taken_from } : {};
}

/** What the live channel says of an event. */
export const liveMessage = (event: EventEnvelope): LiveMessage => ({
  id: event.id,
  type: event.type,
  aggregate: event.aggregate,
  occurred_at: event.occurred_at,
  customer_id: event.customer_id,
  public: event.public,
  ...takenFrom(event),
});

/** Live messages may be lost (a reload shows everything), so a cache that is away holds nothing up. */
async function tell(deps: Deps, event: EventEnvelope): Promise<void> {
  try {
    await deps.cache.publish(liveChannel(event.tenant_id), JSON.stringify(liveMessage(event)));
  } catch (error) {
    deps.log.warn({ err: error, event: event.id }, 'live fan-out failed');
  }
}
