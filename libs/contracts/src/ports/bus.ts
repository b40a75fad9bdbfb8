import type { EventEnvelope } from '../events/envelope.ts';

/** What a consumer does with one event. Throwing means "try again later". */
export type EventHandler = (event: EventEnvelope, delivery: Delivery) => Promise<void>;

/** What a consumer may do with several events at once; used where one transaction for many events pays. */
export type EventBatchHandler = (events: readonly EventEnvelope[]) => Promise<void>;

export interface Delivery {
  /** 1 for the first delivery, +1 for each retry. */
  readonly attempt: number;
}

export interface Subscription {
  /** Durable name, `<service>.<purpose>`: the queue is named after it, replicas of a service share it. */
  readonly consumer: string;
  /** Topic patterns over the event type: `ticket.*.v1`, `ticket.#`, `#` (RabbitMQ topic syntax). */
  readonly topics: readonly string[];
  /** One event at a time. */
  readonly handle: EventHandler;
  /**
   * Optional: up to `maxBatch` events in one call, in order. When it throws, the bus falls back to
   * `handle` one by one, so that one bad event does not hold up its neighbours.
   */
  readonly handleBatch?: EventBatchHandler;
  /** Most events handed to `handleBatch`; default 100. */
  readonly maxBatch?: number;
  /**
   * While events keep coming, a batch begins at least so many milliseconds after the one before and takes what has come
   * meanwhile; default 25. The first event after a pause waits for nothing. A batch is a transaction, whatever it holds:
   * where nobody waits for its effect, longer is cheaper.
   */
  readonly gatherMs?: number;
  /** Delay before each retry, in milliseconds; after the last one the event is parked. */
  readonly retryDelaysMs?: readonly number[];
}

/** A parked event: every retry failed. */
export interface DeadLetter {
  readonly consumer: string;
  readonly event: EventEnvelope;
  readonly error: string;
  readonly attempts: number;
  readonly parked_at: string;
}

/**
 * Durable publish/subscribe, at least once, in order per aggregate.
 *
 * `publish` resolves when the events are durable for every consumer known at that moment; order within
 * one call and across calls of one publisher is kept for events of the same aggregate. A failing event is
 * retried with growing delay, later events of the same aggregate wait behind it, and after the last retry
 * it is parked as a dead letter. Consumers must be idempotent (see the inbox in service-kit).
 *
 * Adapters: RabbitMQ, and in-process over PostgreSQL. Both pass `bus.contract.ts` of the test kit.
 */
export interface EventBus {
  publish(events: readonly EventEnvelope[]): Promise<void>;
  subscribe(subscription: Subscription): Promise<void>;
  /** Parked events of a consumer, or of all; of one tenant, or of all. */
  deadLetters(consumer?: string, limit?: number, tenantId?: string): Promise<DeadLetter[]>;
  /** Hands parked events of a consumer (of one tenant, or of all) to it again; returns how many. */
  replayDeadLetters(consumer: string, limit?: number, tenantId?: string): Promise<number>;
  /** Throws when the broker does not answer. */
  ping(): Promise<void>;
  /** Stops taking new events, waits for the handlers under way, closes. */
  close(): Promise<void>;
}

/** Default growth of the retry delay: seconds, then minutes; about 12 minutes in all, then parked. */
export const DEFAULT_RETRY_DELAYS_MS: readonly number[] = [200, 1_000, 5_000, 30_000, 120_000, 600_000];
