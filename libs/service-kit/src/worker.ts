/** Something that works in the background of a service: relay, consumer, timer. */
export interface Worker {
  start(): Promise<void>;
  /** Finishes what is under way and stops. */
  stop(): Promise<void>;
  /** Where it has timers: fires those that are due now; returns how many. */
  runDue?(): Promise<number>;
  /** Where requests leave it work: resolves when nothing is under way. */
  idle?(): Promise<void>;
}
