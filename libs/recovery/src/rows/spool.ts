import { randomUUID } from 'node:crypto';
import { createReadStream, openSync, unlinkSync, write } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const writing = promisify(write);

/** Rows on the disk that nobody else sees and that go with the process, however it ends: the file has no name any more. */
export class Spool {
  readonly #fd: number;
  #bytes = 0;

  constructor(folder = tmpdir()) {
    const file = join(folder, `psa-rows-${randomUUID()}`);
    this.#fd = openSync(file, 'wx+', 0o600);
    unlinkSync(file);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws ENOSPC and the like as they come */
  async write(chunk: Uint8Array): Promise<void> {
    for (let from = 0; from < chunk.length; ) {
      const { bytesWritten } = (await writing(
        this.#fd,
        chunk,
        from,
        chunk.length - from,
        this.#bytes,
      )) as never as {
        bytesWritten: number;
      };
      from += bytesWritten;
      this.#bytes += bytesWritten;
    }
  }

  /** All that was written, from the beginning; any number of times. */
  async *read(): AsyncGenerator<Buffer> {
    if (this.#bytes === 0) return;
    yield* createReadStream('', { fd: this.#fd, start: 0, end: this.#bytes - 1, autoClose: false });
  }
}
