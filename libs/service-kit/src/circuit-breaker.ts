import type { Clock } from '@psa/contracts/ports/clock';
import { unavailable } from './errors.ts';

/**
 * Stops asking a service that fails: after `failures` failures in a row it opens and refuses at once (503)
 * for `openMs`; then one trial call decides whether it closes again.
 */
export class CircuitBreaker {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #threshold: number;
  readonly #openMs: number;
  #failures = 0;
  #openedAt: number | null = null;
  #trial = false;

  constructor(name: string, clock: Clock, options: { failures?: number; openMs?: number } = {}) {
    this.#name = name;
    this.#clock = clock;
    this.#threshold = options.failures ?? 5;
    this.#openMs = options.openMs ?? 5_000;
  }

  get state(): 'closed' | 'open' | 'half-open' {
    if (this.#openedAt === null) return 'closed';
    return this.#clock.now().getTime() - this.#openedAt >= this.#openMs ? 'half-open' : 'open';
  }

  /** Throws 503 when no call may go out now; otherwise the caller must report `succeeded` or `failed`. */
  enter(): void {
    const state = this.state;
    if (state === 'closed') return;
    if (state === 'half-open' && !this.#trial) {
      this.#trial = true;
      return;
    }
    const waited = this.#clock.now().getTime() - this.#openedAt!;
    throw unavailable(
      `The ${this.#name} service does not answer just now.`,
      Math.max(1, Math.ceil((this.#openMs - waited) / 1000)),
    );
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openedAt = null;
    this.#trial = false;
  }

  failed(): void {
    this.#trial = false;
    if (++this.#failures >= this.#threshold || this.#openedAt !== null)
      this.#openedAt = this.#clock.now().getTime();
  }

  /** Runs a call through the breaker; what it throws counts as a failure. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    this.enter();
    try {
      const result = await call();
      this.succeeded();
      return result;
    } catch (error) {
      this.failed();
      throw error;
    }
  }
}
