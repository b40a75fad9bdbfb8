import { getHeapStatistics } from 'node:v8';
import { type AppError, unavailable } from './errors.ts';

/** The loop is looked at this often. */
const LOOK_EVERY_MS = 100;
/** How late the event loop may be on average; whoever waits longer asks again anyway. */
const MOST_DELAY_MS = 1_000;
/** Share of the heap's limit; V8 ends the process at 1, and collects garbage all the time shortly before. */
const MOST_HEAP = 0.9;

/** Whether a process has more to do than it can, by its event loop and its memory. */
export class LoadGuard {
  readonly #timer: NodeJS.Timeout;
  readonly #mostDelayMs: number;
  #looked = performance.now();
  #cpu = process.threadCpuUsage();
  /** Smoothed, so that one stop for breath turns nobody away. */
  #delayMs = 0;

  constructor(options: { mostDelayMs?: number } = {}) {
    this.#mostDelayMs = options.mostDelayMs ?? MOST_DELAY_MS;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Why a new request cannot be taken now: 503 with Retry-After; null: it can. */
  refusal(): AppError | null {
    if (this.#delayMs > this.#mostDelayMs) return busy('answers would come late');
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    return used > limit * MOST_HEAP ? busy('the memory is nearly full') : null;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    const cpu = process.threadCpuUsage(this.#cpu);
    this.#cpu = process.threadCpuUsage();
    // Late by its own work alone: who waits for a machine that others keep busy gains nothing by being sent away.
    const late = Math.min(now - this.#looked, (cpu.user + cpu.system) / 1_000) - LOOK_EVERY_MS;
    this.#looked = now;
    this.#delayMs = (this.#delayMs + Math.max(0, late)) / 2;
  }
}

const busy = (why: string) => unavailable(`Too much to do just now: ${why}.`, 1);

/** The guard of this process; all apps in it share one event loop. */
let shared: LoadGuard | null = null;
export function loadGuard(): LoadGuard {
  shared ??= new LoadGuard();
  return shared;
}
