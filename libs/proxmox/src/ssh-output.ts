const COLLECT_LIMIT = 16 * 1024 * 1024;

/** Keeps what a program says, up to a limit, and passes it on. */
export class Collector {
  readonly #tell: ((chunk: Uint8Array) => void) | undefined;
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(tell?: (chunk: Uint8Array) => void) {
    this.#tell = tell;
  }

  take(chunk: Buffer): void {
    this.#tell?.(chunk);
    // What is streamed is kept for errors only as far as its beginning goes.
    const room = (this.#tell ? 64 * 1024 : COLLECT_LIMIT) - this.#size;
    if (room <= 0) return;
    this.#chunks.push(chunk.subarray(0, room));
    this.#size += Math.min(chunk.length, room);
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

/** Takes our two marks out of the error output: what stands before the first is ssh's own. */
export class Marks {
  hasBegun = false;
  /** The 255 is the command's own. */
  isOwn = false;
  before = '';
  readonly #begin: string;
  readonly #end: string;
  readonly #pass: (chunk: Buffer) => void;
  #held = '';

  constructor(mark: string, pass: (chunk: Buffer) => void) {
    this.#begin = `${mark}+\n`;
    this.#end = `${mark}-\n`;
    this.#pass = pass;
  }

  take(chunk: Buffer): void {
    // latin1 keeps every byte.
    this.#held += chunk.toString('latin1');
    if (!this.hasBegun) {
      const at = this.#held.indexOf(this.#begin);
      if (at < 0) return;
      this.hasBegun = true;
      this.before = this.#held.slice(0, at);
      this.#held = this.#held.slice(at + this.#begin.length);
    }
    // What may be the start of the end mark waits; it may come in pieces.
    let held = Math.min(this.#held.length, this.#end.length);
    while (held > 0 && !this.#held.endsWith(this.#end.slice(0, held))) held--;
    const free = this.#held.length - held;
    if (free > 0) this.#pass(Buffer.from(this.#held.slice(0, free), 'latin1'));
    this.#held = this.#held.slice(free);
  }

  end(): void {
    if (!this.hasBegun) {
      this.before = this.#held;
      return;
    }
    this.isOwn = this.#held.endsWith(this.#end);
    const rest = this.isOwn ? this.#held.slice(0, -this.#end.length) : this.#held;
    if (rest !== '') this.#pass(Buffer.from(rest, 'latin1'));
  }
}
