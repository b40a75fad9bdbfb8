/** Something that works in the background of a service: relay, consumer, timer. */
export interface Worker {
  start(): Promise<void>;
  /** Finishes what is under way and stops. */
  stop(): Promise<void>;
}
