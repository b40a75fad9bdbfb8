import Type, { type Static } from 'typebox';
import { Closed, listQuery, Nullable, Timestamp, Uuid } from './common.ts';
import { EventEnvelope } from './events/envelope.ts';

/** Filters of `GET /events/history`; cursor paging only, newest first. */
export const EventHistoryQuery = Closed({
  limit: listQuery.limit,
  cursor: listQuery.cursor,
  type: Type.Optional(
    Type.String({ maxLength: 100, description: 'exact type, or a prefix such as `ticket.`' }),
  ),
  aggregate_type: Type.Optional(Type.String({ maxLength: 50 })),
  aggregate_id: Type.Optional(Type.String({ maxLength: 64 })),
  correlation_id: Type.Optional(Type.String({ maxLength: 100 })),
  after: Type.Optional(Timestamp),
  before: Type.Optional(Timestamp),
});
export const EventTypeInfo = Type.Object({
  type: Type.String(),
  description: Type.String(),
  service: Type.String(),
  schema: Type.Unknown(),
});
export const EventStatsQuery = Closed({
  hours: Type.Optional(Type.Integer({ minimum: 1, maximum: 720, default: 24 })),
});
export const EventStats = Type.Object({
  total: Type.Integer(),
  since: Timestamp,
  by_type: Type.Array(Type.Object({ type: Type.String(), count: Type.Integer(), last_at: Timestamp })),
  per_hour: Type.Array(Type.Object({ hour: Timestamp, count: Type.Integer() })),
});
/** Publishes `system.test_published.v1` through the outbox and the bus; the answer names the event to look for. */
export const TestEventRequest = Closed({
  message: Type.String({ minLength: 1, maxLength: 500, pattern: '^[^\\u0000]*$' }),
});
export const TestEventResponse = Type.Object({ event_id: Uuid, correlation_id: Type.String() });

/** What the live stream tells a portal: that something happened, never its content. */
export const StreamMessage = Type.Object({
  id: Uuid,
  type: Type.String(),
  aggregate: Type.Object({ type: Type.String(), id: Type.String() }),
  occurred_at: Timestamp,
});

/** An event of the history: its envelope and when it was stored. */
export const StoredEvent = Type.Object({ ...EventEnvelope.properties, recorded_at: Timestamp });
export const EventHistory = Type.Object({
  data: Type.Array(StoredEvent),
  meta: Type.Object({ limit: Type.Integer(), next_cursor: Nullable(Type.String()) }),
  links: Type.Object({ self: Type.String(), next: Nullable(Type.String()), first: Type.String() }),
});

const ConsumerName = Type.String({ maxLength: 100, pattern: '^[a-z0-9_-]+\\.[a-z0-9_-]+$' });
export const DeadLettersQuery = Closed({
  consumer: Type.Optional(ConsumerName),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
});
/** An event that a consumer failed at until the last retry. */
export const DeadLetterInfo = Type.Object({
  consumer: Type.String(),
  event: EventEnvelope,
  error: Type.String(),
  attempts: Type.Integer(),
  parked_at: Timestamp,
});
export const ReplayDeadLettersRequest = Closed({
  consumer: ConsumerName,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000 })),
});
export const ReplayDeadLettersResponse = Type.Object({ consumer: Type.String(), replayed: Type.Integer() });

/** What the live fan-out carries on the cache channel {@link liveChannel}: enough to decide who may hear of it. */
export const LiveMessage = Type.Object({
  ...StreamMessage.properties,
  customer_id: Nullable(Uuid),
  public: Type.Boolean(),
  taken_from: Type.Optional(
    Type.Array(Uuid, { description: 'of a ticket: who may have lost the sight of it by this event' }),
  ),
});
export type LiveMessage = Static<typeof LiveMessage>;
export const liveChannel = (tenantId: string) => `live:${tenantId}`;
