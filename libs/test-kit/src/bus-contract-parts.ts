import { randomUUID } from 'node:crypto';
import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { EventBus } from '@psa/contracts/ports/bus';

/** An adapter as the contract needs it. */
export interface BusUnderTest {
  /** A bus as a process of its own would open it; called several times on the same broker. */
  open(): Promise<EventBus>;
  /** Kills the broker with SIGKILL, waits a moment and has it running again. */
  crash(): Promise<void>;
  /** The same for another process: a module's path with `openBus(config)`, and the config. */
  readonly foreign: { readonly module: string; config(): string };
}

/** Opens one more bus on the broker; closed after the test. */
export type OpenBus = () => Promise<EventBus>;

/** A consumer that no other test has. */
export function consumerName(purpose: string): string {
  return `test.${purpose}-${randomUUID().slice(0, 8)}`;
}

/** The `n` of events made by `makeEvents`. */
export function numbers(events: readonly EventEnvelope[]): number[] {
  return events.map((event) => event.data.n as number);
}

/** 0 to `count` - 1. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

/** Sorted, for comparing without an order. */
export function byId(events: readonly EventEnvelope[]): EventEnvelope[] {
  return [...events].sort((a, b) => a.id.localeCompare(b.id));
}

/** Events that came after a later one of their aggregate. */
export function outOfOrder(events: readonly EventEnvelope[]): EventEnvelope[] {
  const last = new Map<string, number>();
  return events.filter((event) => {
    const n = event.data.n as number;
    const before = last.get(event.aggregate.id) ?? -1;
    last.set(event.aggregate.id, Math.max(n, before));
    return n < before;
  });
}
