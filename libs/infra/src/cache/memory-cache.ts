import type { Bucket, Cache } from '@psa/contracts/ports/cache';
import { type Clock, systemClock } from '@psa/contracts/ports/clock';

interface Entry {
  readonly value: string;
  readonly expiresAt: number;
}

/** Milliseconds between two looks for expired entries that nobody asks for any more. */
const SWEEP_MS = 30_000;

/** The cache of a single process: no other process sees it, and it is empty after a restart. */
export class MemoryCache implements Cache {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Map<string, Set<(message: string) => void>>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #clock: Clock;

  /** @param options.clock decides what has expired; the machine's own by default. */
  constructor(options: { clock?: Clock } = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#sweeper = setInterval(() => {
      const now = this.#now();
      for (const [key, entry] of this.#entries) if (entry.expiresAt <= now) this.#entries.delete(key);
    }, SWEEP_MS);
    this.#sweeper.unref();
  }

  async get(key: string): Promise<string | null> {
    return this.#live(key)?.value ?? null;
  }

  async getMany(keys: readonly string[]): Promise<(string | null)[]> {
    return keys.map((key) => this.#live(key)?.value ?? null);
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    this.#entries.set(key, { value, expiresAt: this.#now() + milliseconds(ttlSeconds) });
  }

  async setIfAbsent(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    const ms = milliseconds(ttlSeconds);
    if (this.#live(key)) return false;
    this.#entries.set(key, { value, expiresAt: this.#now() + ms });
    return true;
  }

  async delete(...keys: string[]): Promise<void> {
    for (const key of keys) this.#entries.delete(key);
  }

  async increment(key: string, ttlSeconds: number, by = 1): Promise<{ value: number; ttlSeconds: number }> {
    const ms = milliseconds(ttlSeconds);
    const now = this.#now();
    const old = this.#live(key);
    const before = old ? Number(old.value) : 0;
    if (!Number.isSafeInteger(before) || !Number.isSafeInteger(by)) {
      throw new TypeError(`Unable to increment ${key}: not a whole number.`);
    }
    const expiresAt = old?.expiresAt ?? now + ms;
    this.#entries.set(key, { value: String(before + by), expiresAt });
    return { value: before + by, ttlSeconds: Math.ceil((expiresAt - now) / 1_000) };
  }

  async take(key: string, { capacity, perSecond }: Bucket): Promise<{ taken: boolean; left: number }> {
    const now = this.#now();
    // Kept is the time at which the bucket will be full again, so that a full one is not kept at all.
    const fullAt = Math.max(now, Number(this.#live(key)?.value ?? 0));
    const left = capacity - ((fullAt - now) / 1_000) * perSecond;
    if (left < 1) return { taken: false, left };
    const next = fullAt + 1_000 / perSecond;
    this.#entries.set(key, { value: String(next), expiresAt: Math.ceil(next) });
    return { taken: true, left: left - 1 };
  }

  async publish(channel: string, message: string): Promise<void> {
    for (const listener of this.#listeners.get(channel) ?? []) {
      // As over a network: the publisher neither waits for listeners nor suffers from their errors.
      setImmediate(() => {
        if (this.#listeners.get(channel)?.has(listener)) callListener(listener, message);
      });
    }
  }

  async subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    const own = (message: string) => listener(message);
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(own));
    return async () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(channel) === listeners) this.#listeners.delete(channel);
    };
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#entries.clear();
    this.#listeners.clear();
  }

  #now(): number {
    return this.#clock.now().getTime();
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (!entry || entry.expiresAt > this.#now()) return entry;
    this.#entries.delete(key);
    return undefined;
  }
}

/** Whole milliseconds of a time to live. @throws RangeError unless it is above 0. */
export function milliseconds(ttlSeconds: number): number {
  if (!(ttlSeconds > 0)) throw new RangeError(`A time to live must be above 0 seconds, not ${ttlSeconds}.`);
  return Math.ceil(ttlSeconds * 1_000);
}

/** Calls a listener; its error is its own affair and must not reach the other listeners. */
export function callListener(listener: (message: string) => void, message: string): void {
  try {
    listener(message);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}
