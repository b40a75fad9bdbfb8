import type { Clock } from '@psa/contracts/ports/clock';

/** A clock that stands still until told otherwise. */
export class FakeClock implements Clock {
  #now: number;

  /** @param at where it stands at first: an ISO 8601 instant or a Date. */
  constructor(at: string | Date = '2026-01-05T09:00:00Z') {
    this.#now = instant(at);
  }

  now(): Date {
    return new Date(this.#now);
  }

  /** Moves it to an instant, also backwards. */
  set(at: string | Date): void {
    this.#now = instant(at);
  }

  /** Moves it on; units add up: `advance({ hours: 1, minutes: 30 })`. */
  advance(by: { days?: number; hours?: number; minutes?: number; seconds?: number; ms?: number }): void {
    const hours = (by.days ?? 0) * 24 + (by.hours ?? 0);
    const seconds = (hours * 60 + (by.minutes ?? 0)) * 60 + (by.seconds ?? 0);
    this.#now += seconds * 1_000 + (by.ms ?? 0);
  }
}

function instant(at: string | Date): number {
  const ms = new Date(at).getTime();
  if (Number.isNaN(ms)) throw new RangeError(`Not an instant: ${String(at)}`);
  return ms;
}
