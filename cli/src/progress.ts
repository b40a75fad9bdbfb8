import type { Output } from './output.ts';

/** What a long run tells about itself. */
export interface Progress {
  /** A new step begins; `total` in whatever the step counts, when known. */
  start(step: string, total?: number): void;
  /** So many more are done. */
  advance(by?: number): void;
  /** Something worth a line: a wait, a retry. */
  note(message: string): void;
  /** Nothing more comes. */
  end(): void;
}

const REDRAW_MS = 80;
const PLAIN_MS = 5_000;

abstract class Counting implements Progress {
  protected step = '';
  protected total: number | undefined;
  protected done = 0;
  readonly #interval: number;
  #last = 0;
  #shown = true;

  constructor(interval: number) {
    this.#interval = interval;
  }

  start(step: string, total?: number): void {
    this.end();
    this.step = step;
    this.total = total;
    this.done = 0;
    this.#update(true);
  }

  advance(by = 1): void {
    this.done += by;
    this.#update(this.done === this.total);
  }

  end(): void {
    if (this.step !== '' && !this.#shown) this.#update(true);
    this.finish();
    this.step = '';
  }

  /** Shows the present state, but not more often than a reader can follow. */
  #update(now: boolean): void {
    const time = performance.now();
    this.#shown = now || time - this.#last >= this.#interval;
    if (!this.#shown) return;
    this.#last = time;
    this.show();
  }

  protected counts(): string {
    if (this.total === undefined) return this.done === 0 ? '' : ` ${this.done}`;
    return this.total === 0 ? '' : ` ${this.done} of ${this.total}`;
  }

  protected abstract show(): void;
  protected finish(): void {}
  abstract note(message: string): void;
}

/** One line that is drawn over, with a bar when the end is known. */
class TerminalProgress extends Counting {
  readonly #out: Output;
  constructor(out: Output) {
    super(REDRAW_MS);
    this.#out = out;
  }
  protected show(): void {
    const width = 24;
    const share = this.total ? Math.min(1, this.done / this.total) : 0;
    const bar = this.total
      ? ` [${'='.repeat(Math.round(share * width)).padEnd(width)}] ${Math.floor(share * 100)} %`
      : '';
    this.#out.write(
      `\r\u001b[K${`${this.step}${this.counts()}${bar}`.slice(0, (this.#out.columns || 80) - 1)}`,
    );
  }
  protected override finish(): void {
    this.#out.write('\r\u001b[K');
  }
  note(message: string): void {
    this.#out.write(`\r\u001b[K${message}\n`);
  }
}

/** A line now and then, for logs. */
class PlainProgress extends Counting {
  readonly #out: Output;
  constructor(out: Output) {
    super(PLAIN_MS);
    this.#out = out;
  }
  protected show(): void {
    this.#out.write(`${this.step}${this.counts()}\n`);
  }
  note(message: string): void {
    this.#out.write(`${message}\n`);
  }
}

/** One JSON object per line: `{ "progress": step, "done", "total" }` or `{ "note": text }`. */
class JsonProgress extends Counting {
  readonly #out: Output;
  constructor(out: Output) {
    super(500);
    this.#out = out;
  }
  protected show(): void {
    this.#out.write(`${JSON.stringify({ progress: this.step, done: this.done, total: this.total })}\n`);
  }
  note(message: string): void {
    this.#out.write(`${JSON.stringify({ note: message })}\n`);
  }
}

/** Nothing but notes: whoever asked for JSON on a terminal reads the result and not the way there. */
class QuietProgress implements Progress {
  readonly #out: Output;
  constructor(out: Output) {
    this.#out = out;
  }
  start(): void {}
  advance(): void {}
  end(): void {}
  note(message: string): void {
    this.#out.write(`${message}\n`);
  }
}

/**
 * Live on a terminal, plain lines in a log; beside `--json` one object per line for a program, and quiet on a
 * terminal. Always on stderr.
 */
export function progressTo(out: Output, json: boolean): Progress {
  if (json) return out.isTTY ? new QuietProgress(out) : new JsonProgress(out);
  return out.isTTY ? new TerminalProgress(out) : new PlainProgress(out);
}
