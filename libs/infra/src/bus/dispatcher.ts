import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { DEFAULT_RETRY_DELAYS_MS, type Subscription } from '@psa/contracts/ports/bus';
import { aggregateKey } from './topics.ts';

/** An event taken from the broker and not settled yet. `token` is the broker's handle for settling it. */
export interface Taken<T> {
  readonly event: EventEnvelope;
  readonly token: T;
  /** Deliveries that failed so far. */
  readonly failures: number;
  /** Epoch milliseconds before which it must not be tried again; 0: at once. */
  readonly notBefore: number;
}

/** What the dispatcher asks of its broker. */
export interface Settle<T> {
  /** The events are handled; the broker may forget them. */
  done(taken: readonly Taken<T>[]): Promise<void>;
  /** The event failed and will be tried again at `notBefore`; remember it where that is possible. */
  retrying(taken: Taken<T>, error: string): Promise<void>;
  /** The event failed for the last time; keep it as a dead letter and forget it otherwise. */
  park(taken: Taken<T>, error: string): Promise<void>;
}

interface Entry<T> extends Taken<T> {
  /** Place in the order of arrival. */
  readonly seq: number;
  /** Which delivery it came with; see `forget`. */
  readonly generation: number;
}

interface Lane<T> {
  readonly entries: Entry<T>[];
  running: boolean;
  /** Set while the first entry waits for its next try. */
  timer: NodeJS.Timeout | null;
}

/** Events of one call of `handleBatch`, where the subscription says nothing. */
const MAX_BATCH = 100;
/** Lanes handled at the same time where events are handled one by one. */
const CONCURRENCY = 8;
/** Where the subscription says nothing: at 200 events a second a batch holds ten instead of two. */
const GATHER_MS = 25;
/** Pause before settling is tried again when the broker did not take it. */
const SETTLE_RETRY_MS = 1_000;

/**
 * Hands events to a subscription: in order per aggregate (a lane each), several aggregates at the same time,
 * or many events in one call where the subscription has `handleBatch`. A failed event holds up its own lane
 * alone. Knows nothing of any broker.
 */
export class Dispatcher<T> {
  readonly #subscription: Subscription;
  readonly #settle: Settle<T>;
  readonly #delays: readonly number[];
  readonly #lanes = new Map<string, Lane<T>>();
  /** Lanes whose first entry may be handled now, in the order they became so. */
  readonly #ready = new Set<string>();
  #size = 0;
  #seq = 0;
  #generation = 0;
  #running = 0;
  #stopped = false;
  #scheduled = false;
  /** When the last batch ended, by the monotonic clock. */
  #batchEnded = Number.NEGATIVE_INFINITY;
  #gathering: NodeJS.Timeout | null = null;
  #idle: (() => void)[] = [];
  readonly #onFree: () => void;

  /** @param onFree called whenever events were settled, so that more can be taken. */
  constructor(subscription: Subscription, settle: Settle<T>, onFree: () => void = () => {}) {
    this.#subscription = subscription;
    this.#settle = settle;
    this.#delays = subscription.retryDelaysMs ?? DEFAULT_RETRY_DELAYS_MS;
    this.#onFree = onFree;
  }

  /** Events held: waiting, under way, or waiting for their next try. */
  get size(): number {
    return this.#size;
  }

  /** Takes an event. Events of one aggregate must come in their order. */
  add(taken: Taken<T>): void {
    if (this.#stopped) return;
    const key = aggregateKey(taken.event);
    let lane = this.#lanes.get(key);
    if (!lane) {
      lane = { entries: [], running: false, timer: null };
      this.#lanes.set(key, lane);
    }
    lane.entries.push({ ...taken, seq: this.#seq++, generation: this.#generation });
    this.#size++;
    if (lane.entries.length === 1 && !lane.running) this.#wake(key, lane);
  }

  /**
   * Forgets every event not under way, because the broker will deliver it again (lost connection).
   * Events under way stay; their lanes take nothing up until they are finished.
   */
  forget(): void {
    this.#generation++;
    for (const [key, lane] of this.#lanes) {
      if (lane.timer) clearTimeout(lane.timer);
      lane.timer = null;
      this.#size -= lane.entries.length;
      lane.entries.length = 0;
      if (!lane.running) this.#lanes.delete(key);
    }
    this.#ready.clear();
  }

  /** Takes and starts nothing more; resolves when the handlers under way are done and settled. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#gathering) clearTimeout(this.#gathering);
    this.forget();
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Makes a lane ready, now or when its first entry is due. */
  #wake(key: string, lane: Lane<T>): void {
    const head = lane.entries[0];
    if (!head) return;
    const wait = head.notBefore - Date.now();
    if (wait > 0) {
      lane.timer = setTimeout(() => {
        lane.timer = null;
        this.#wake(key, lane);
      }, wait);
      return;
    }
    this.#ready.add(key);
    this.#schedule();
  }

  /** Starts work after the present turn of the event loop, when all that arrives together is here. */
  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#subscription.handleBatch) {
      if (this.#running === 0 && this.#ready.size > 0 && !this.#gathers())
        void this.#run(() => this.#runBatch());
      return;
    }
    while (this.#running < CONCURRENCY && !this.#stopped) {
      const next = this.#ready.values().next();
      if (next.done) return;
      void this.#run(async () => {
        const [entry] = this.#take(next.value, 1);
        if (entry) this.#release(next.value, await this.#single(entry));
      });
    }
  }

  /** Whether more shall come before the next batch begins; it is begun when the time is over. */
  #gathers(): boolean {
    if (this.#gathering) return true;
    const wait = this.#batchEnded + (this.#subscription.gatherMs ?? GATHER_MS) - performance.now();
    if (wait <= 0 || this.#ready.size >= (this.#subscription.maxBatch ?? MAX_BATCH)) return false;
    this.#gathering = setTimeout(() => {
      this.#gathering = null;
      this.#batchEnded = Number.NEGATIVE_INFINITY;
      this.#schedule();
    }, wait);
    return true;
  }

  async #run(work: () => Promise<void>): Promise<void> {
    this.#running++;
    try {
      await work();
    } finally {
      this.#running--;
      this.#batchEnded = performance.now();
      this.#onFree();
      if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
      this.#schedule();
    }
  }

  /** Takes up to `count` entries off the head of a ready lane and marks it as under way. */
  #take(key: string, count: number): Entry<T>[] {
    this.#ready.delete(key);
    const lane = this.#lanes.get(key);
    if (!lane) return [];
    lane.running = true;
    // A tried entry goes alone, so that it cannot fail its neighbours' batch again.
    const tried = lane.entries.findIndex((entry) => entry.failures > 0);
    const most = tried === 0 ? 1 : tried > 0 ? Math.min(count, tried) : count;
    return lane.entries.splice(0, most);
  }

  /** Gives a lane back after work; `again` are the entries to go on with, at its head. */
  #release(key: string, again: readonly Entry<T>[]): void {
    const lane = this.#lanes.get(key);
    if (!lane) return;
    lane.running = false;
    // What was delivered before `forget` the broker delivers again: it is in the lane already or will be.
    const held = again.filter((entry) => entry.generation === this.#generation);
    this.#size -= again.length - held.length;
    lane.entries.unshift(...held);
    if (lane.entries.length === 0) this.#lanes.delete(key);
    else this.#wake(key, lane);
  }

  async #runBatch(): Promise<void> {
    const most = this.#subscription.maxBatch ?? MAX_BATCH;
    const taken = new Map<string, Entry<T>[]>();
    const batch: Entry<T>[] = [];
    for (const key of this.#ready) {
      const entries = this.#take(key, most - batch.length);
      taken.set(key, entries);
      batch.push(...entries);
      if (batch.length >= most) break;
    }
    const fresh = batch.filter((entry) => entry.failures === 0).sort((a, b) => a.seq - b.seq);
    const oneByOne = new Set(batch);
    if (fresh.length > 0) {
      try {
        await this.#subscription.handleBatch!(fresh.map((entry) => entry.event));
        for (const entry of fresh) oneByOne.delete(entry);
        await this.#done(fresh);
      } catch {
        // Somebody in it is bad: each on its own will show who.
      }
    }
    for (const [key, entries] of taken) {
      let rest = entries.filter((entry) => oneByOne.has(entry));
      while (rest.length > 0 && !this.#stopped) {
        const again = await this.#single(rest[0]!);
        rest = [...again, ...rest.slice(1)];
        if (again.length > 0) break;
      }
      this.#release(key, rest);
    }
  }

  /** Handles one event and settles it. Returns it with its new counts when it is to be tried again. */
  async #single(entry: Entry<T>): Promise<Entry<T>[]> {
    try {
      await this.#subscription.handle(entry.event, { attempt: entry.failures + 1 });
    } catch (error) {
      return this.#failed(entry, describe(error));
    }
    await this.#done([entry]);
    return [];
  }

  async #failed(entry: Entry<T>, error: string): Promise<Entry<T>[]> {
    const failures = entry.failures + 1;
    const delay = this.#delays[failures - 1];
    if (delay === undefined) {
      try {
        await this.#settle.park({ ...entry, failures }, error);
        this.#size--;
        return [];
      } catch {
        // Not parked, so not forgotten either: the last try is made again later.
        return [{ ...entry, notBefore: Date.now() + SETTLE_RETRY_MS }];
      }
    }
    const next = { ...entry, failures, notBefore: Date.now() + delay };
    // Only the count would be lost, never the event.
    await this.#settle.retrying(next, error).catch(() => {});
    return [next];
  }

  async #done(entries: readonly Taken<T>[]): Promise<void> {
    // What the broker does not hear of it delivers again, and consumers are idempotent.
    await this.#settle.done(entries).catch(() => {});
    this.#size -= entries.length;
  }
}

/** The text kept with a dead letter. */
function describe(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.length > 1_000 ? `${text.slice(0, 999)}…` : text;
}
