/** Answers after which the same request may be sent again. */
const PASSING = new Set([429, 502, 503, 504]);

export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Status of the answer; null when there was none. */
  readonly status: number | null;
  readonly retryAfter: string | null;
  /** Whether the request may be sent twice: a read, or a write with an Idempotency-Key. */
  readonly repeatable: boolean;
  /** What has been waited in all so far, in ms. */
  readonly waitedMs: number;
  readonly patienceMs: number;
}

/**
 * How long to wait before the next attempt, in ms; null: give up. The platform's own word (Retry-After, in
 * seconds or as a date) counts; without one the delay doubles from 250 ms to 8 s, spread by `chance` (0 to 1).
 */
export function retryDelay(attempt: Attempt, now: number, chance: number): number | null {
  const { number, status, repeatable, waitedMs, patienceMs } = attempt;
  if (!repeatable) return null;
  if (status !== null && !PASSING.has(status)) return null;
  const asked = attempt.retryAfter === null ? null : parseRetryAfter(attempt.retryAfter, now);
  const delay = asked ?? Math.min(8_000, 250 * 2 ** (number - 1)) * (0.75 + chance / 2);
  return waitedMs + delay > patienceMs ? null : delay;
}

/** RFC 9110 §10.2.3: seconds or an HTTP date; in ms from now, at least 0. Null when it is neither. */
export function parseRetryAfter(text: string, now: number): number | null {
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
