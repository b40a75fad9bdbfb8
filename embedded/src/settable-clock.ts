import type { Clock } from '@psa/contracts/ports/clock';

/** The machine's clock, but for while it is held: the demo data are made at the times they tell of. */
export class SettableClock implements Clock {
  #held: Date | null = null;

  now(): Date {
    return this.#held === null ? new Date() : new Date(this.#held);
  }

  /** Stands still at that instant until the next call. */
  hold(at: Date): void {
    this.#held = at;
  }

  /** Goes with the machine again. */
  release(): void {
    this.#held = null;
  }
}
