/** How many requests may come at once, and how many a second in the long run. */
export interface Bucket {
  readonly capacity: number;
  readonly perSecond: number;
}

/**
 * A shared cache of short-lived values: revocations, rate counters, exchanged API keys, and live fan-out.
 * Nothing in it may be the only copy of anything: a flush costs time, never data.
 * Adapters: memory (one process) and Redis. Both pass `cache.contract.ts` of the test kit.
 */
export interface Cache {
  /** The value, or null when absent or expired. */
  get(key: string): Promise<string | null>;
  /** Several values in one round trip, in the order of the keys. */
  getMany(keys: readonly string[]): Promise<(string | null)[]>;
  /** Stores a value for `ttlSeconds` (> 0). Replaces what was there. */
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
  /** Stores only where nothing is stored; true when it did. A lock or a "seen before" mark. */
  setIfAbsent(key: string, value: string, ttlSeconds: number): Promise<boolean>;
  /** Removes keys; absent ones are ignored. */
  delete(...keys: string[]): Promise<void>;
  /**
   * Adds `by` to a counter that starts at 0 and expires `ttlSeconds` after its first increment.
   * Returns the new value and the seconds until it expires. Atomic across processes.
   */
  increment(key: string, ttlSeconds: number, by?: number): Promise<{ value: number; ttlSeconds: number }>;
  /**
   * Takes one request out of a bucket that fills up steadily; a bucket never seen is full. Atomic across processes.
   * `left`: what is in it afterwards, with fractions.
   */
  take(key: string, bucket: Bucket): Promise<{ taken: boolean; left: number }>;
  /** Sends a message to whoever listens now; nobody listening is no error. Used for live fan-out only. */
  publish(channel: string, message: string): Promise<void>;
  /** Listens to a channel. Returns the function that stops listening. */
  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>>;
  /** Throws when the backing service does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
