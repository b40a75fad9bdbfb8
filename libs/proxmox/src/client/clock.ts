import { setTimeout as delay } from 'node:timers/promises';

/** Time and chance as ports, so that tests need not wait. */
export interface Clock {
  /** Milliseconds, rising. */
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A number from 0 (with) to 1 (without). */
  random(): number;
}

/** The machine's own. */
export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
  random: () => Math.random(),
};

/** How long to wait before attempt `n` (from 1): doubling, at most `most`, and half of it left to chance. */
export function backoff(attempt: number, clock: Clock, first = 250, most = 5_000): number {
  const whole = Math.min(most, first * 2 ** (attempt - 1));
  return whole / 2 + (whole / 2) * clock.random();
}
