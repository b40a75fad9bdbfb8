import Type, { type Static } from 'typebox';

/** Who caused an event. `system` is the platform itself (timers, relays, migrations). */
export const EventActor = Type.Object({
  kind: Type.Union([Type.Literal('staff'), Type.Literal('customer'), Type.Literal('system')]),
  id: Type.Union([Type.String(), Type.Null()]),
  name: Type.Union([Type.String(), Type.Null()]),
});

/**
 * The envelope around every event. `type` is `<noun>.<past tense>.v<version>`; `aggregate` names the object
 * whose events keep their order; `customer_id` decides which portal users may see that it happened.
 */
export const EventEnvelope = Type.Object({
  /** UUIDv7, the identity for idempotence. */
  id: Type.String({ format: 'uuid' }),
  type: Type.String({ pattern: '^[a-z_]+\\.[a-z_]+\\.v[0-9]+$' }),
  version: Type.Integer({ minimum: 1 }),
  tenant_id: Type.String({ format: 'uuid' }),
  customer_id: Type.Union([Type.String({ format: 'uuid' }), Type.Null()]),
  aggregate: Type.Object({ type: Type.String(), id: Type.String() }),
  occurred_at: Type.String({ format: 'date-time' }),
  /** The request or job that started it all; kept through every follow-up event. */
  correlation_id: Type.String(),
  /** The event that directly caused this one. */
  causation_id: Type.Union([Type.String(), Type.Null()]),
  actor: EventActor,
  /** False: portal users must not learn of it (internal notes). */
  public: Type.Boolean(),
  data: Type.Record(Type.String(), Type.Unknown()),
});
export type EventEnvelope = Static<typeof EventEnvelope>;
export type EventActor = Static<typeof EventActor>;
