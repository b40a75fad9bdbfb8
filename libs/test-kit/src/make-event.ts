import { randomUUID } from 'node:crypto';
import type { EventEnvelope } from '@psa/contracts/events/envelope';

const TENANT = randomUUID();

/** A valid event with defaults for all that a test does not name. */
export function makeEvent(given: Partial<EventEnvelope> = {}): EventEnvelope {
  return {
    id: randomUUID(),
    type: 'ticket.opened.v1',
    version: 1,
    tenant_id: TENANT,
    customer_id: null,
    aggregate: { type: 'ticket', id: randomUUID() },
    occurred_at: '2026-01-05T09:00:00.000Z',
    correlation_id: 'test',
    causation_id: null,
    actor: { kind: 'system', id: null, name: null },
    public: true,
    data: {},
    ...given,
  };
}

/** Events 0 … `count` − 1 spread over `aggregates` objects in turn; `data.n` is the number. */
export function makeEvents(count: number, aggregates: number): EventEnvelope[] {
  const ids = Array.from({ length: aggregates }, () => randomUUID());
  return Array.from({ length: count }, (_, n) =>
    makeEvent({ aggregate: { type: 'ticket', id: ids[n % aggregates]! }, data: { n } }),
  );
}
