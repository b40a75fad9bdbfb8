import { newIdempotencyKey } from '../api/client.ts';
import { ApiError } from '../api/error.ts';

/**
 * What became of a request that failed: `refused` for certain, `unknown` because no clear answer came, or
 * `arrived`: an earlier attempt under the same key got through with another text.
 */
export type Outcome = 'refused' | 'unknown' | 'arrived';

export function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof ApiError)) return 'unknown';
  if (error.code === 'IDEMPOTENCY_CONFLICT') return 'arrived';
  // A success whose answer could not be read is one too: the change may have happened.
  return error.status >= 400 && error.status < 500 ? 'refused' : 'unknown';
}

/**
 * Keeps the Idempotency-Key of something that shall exist once. While the outcome is unknown the key stays, also
 * when the text is changed: the server then says whether the first attempt arrived. After a certain answer
 * comes a new one.
 */
export class RequestKey {
  #key = newIdempotencyKey();

  get value(): string {
    return this.#key;
  }

  /** Notes the end of an attempt; returns what became of it. */
  failed(error: unknown): Outcome {
    const outcome = outcomeOf(error);
    if (outcome !== 'unknown') this.#key = newIdempotencyKey();
    return outcome;
  }

  succeeded(): void {
    this.#key = newIdempotencyKey();
  }
}
