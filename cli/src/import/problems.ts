/** Why a row of the file was not taken. `field` is the column, or null when the row as a whole is at fault. */
export interface Problem {
  /** Line in the file; the header is line 1. */
  readonly line: number;
  /** The record it belongs to, as far as it can be read. */
  readonly record: string | null;
  readonly field: string | null;
  readonly message: string;
}

/** Problems named in the result; the rest are counted, and all of them go to the file of `--problems`. */
export const MOST_NAMED = 1_000;

/** Counts refused rows and keeps the first {@link MOST_NAMED} reasons. Hand each row's reasons over at once. */
export class ProblemList {
  readonly named: Problem[] = [];
  refused = 0;
  #reasons = 0;
  readonly #sink: ((problem: Problem) => void) | null;

  constructor(sink: ((problem: Problem) => void) | null = null) {
    this.#sink = sink;
  }

  /** One refused row, for one reason or several. */
  refuse(...reasons: readonly Problem[]): void {
    this.refused++;
    for (const reason of reasons) {
      this.#reasons++;
      if (this.named.length < MOST_NAMED) this.named.push(reason);
      this.#sink?.(reason);
    }
  }

  /** How many reasons there are beyond the named ones. */
  get unnamed(): number {
    return this.#reasons - this.named.length;
  }
}
