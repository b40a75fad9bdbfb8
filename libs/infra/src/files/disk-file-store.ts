import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { FileStore, StoredFile } from '@psa/contracts/ports/file-store';
import { syncFolder } from './durable.ts';
import { checkFileName } from './file-name.ts';
import { inPieces } from './measure.ts';

const PIECE = 256 * 1024;
/** A temporary file older than this was left behind by a killed process. */
const STALE_MS = 24 * 3_600_000;

/**
 * Files in a folder: `<folder>/<tenant>/<first two of the key>/<key>`. A file appears under its name only
 * when its last byte is on the disk.
 */
export class DiskFileStore implements FileStore {
  readonly #folder: string;

  constructor(options: { folder: string }) {
    this.#folder = options.folder;
  }

  /** Creates the folder and removes what killed processes left behind. */
  async prepare(): Promise<void> {
    const temporary = join(this.#folder, '.tmp');
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    for (const name of await readdir(temporary)) {
      const file = join(temporary, name);
      const known = await stat(file).catch(() => null);
      if (known && Date.now() - known.mtimeMs > STALE_MS) await rm(file, { force: true });
    }
  }

  async put(tenantId: string, key: string, content: Readable, maxBytes: number): Promise<StoredFile> {
    const target = this.#path(tenantId, key);
    const temporary = join(this.#folder, '.tmp', randomUUID());
    await mkdir(dirname(temporary), { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'wx', 0o600);
    try {
      const measured = await inPieces(content, maxBytes, PIECE, (piece) => file.writeFile(piece));
      await file.sync();
      await file.close();
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await rename(temporary, target);
      await syncFolder(dirname(target));
      return { key, ...measured };
    } catch (error) {
      await file.close().catch(() => {});
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async get(tenantId: string, key: string): Promise<Readable | null> {
    try {
      // Opened before it is returned: whoever deletes it meanwhile does not cut it short.
      return (await open(this.#path(tenantId, key), 'r')).createReadStream({ highWaterMark: PIECE });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async delete(tenantId: string, key: string): Promise<void> {
    await rm(this.#path(tenantId, key), { force: true });
  }

  async ping(): Promise<void> {
    await access(this.#folder, constants.R_OK | constants.W_OK);
  }

  #path(tenantId: string, key: string): string {
    checkFileName(tenantId, key);
    return join(this.#folder, tenantId, key.slice(0, 2), key);
  }
}
