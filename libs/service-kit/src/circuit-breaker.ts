import type { Clock } from '@psa/contracts/ports/clock';
import { unavailable } from './errors.ts';

/** Nobody's request is the cause: the service was not reached at all. */
const NOBODY = '';

/**
 * Stops asking a service that fails: after `failures` failures in a row it opens and refuses at once (503)
 * for `openMs`; then one trial call decides whether it closes again.
 *
 * One caller alone never opens it and never keeps it open: what that caller asks for may be what the service fails
 * at, and all others would pay for it. A service that nobody reached is away for everybody.
 */
export class CircuitBreaker {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #threshold: number;
  readonly #openMs: number;
  #failures = 0;
  /** Who met the failures in a row. */
  readonly #callers = new Set<string>();
  #openedAt: number | null = null;
  #trial = false;
  #lastTrialBy: string | null = null;

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

  /** Throws 503 when no call may go out now; otherwise the caller must report how the call ended. */
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
    this.#callers.clear();
    this.#openedAt = null;
    this.#trial = false;
    this.#lastTrialBy = null;
  }

  /** The call says nothing of the service: its client went away, or it could not be sent as it was. */
  abandoned(): void {
    this.#trial = false;
  }

  /** `by`: whose request it was; without, the service was not reached. */
  failed(by: string = NOBODY): void {
    const wasTrial = this.#trial;
    this.#trial = false;
    if (this.#openedAt !== null) {
      const again = wasTrial && by !== NOBODY && by === this.#lastTrialBy;
      if (wasTrial) this.#lastTrialBy = by;
      if (again) this.succeeded();
      else this.#openedAt = this.#clock.now().getTime();
      return;
    }
    this.#failures++;
    if (this.#callers.size < this.#threshold) this.#callers.add(by);
    const isSure = this.#callers.has(NOBODY) || this.#callers.size > 1;
    if (this.#failures >= this.#threshold && isSure) this.#openedAt = this.#clock.now().getTime();
  }
}
