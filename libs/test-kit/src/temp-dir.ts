import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that exists until it is removed. */
export interface TempDir {
  readonly path: string;
  /** Removes the folder and all in it; safe to call twice. */
  remove(): Promise<void>;
}

/** Makes an empty folder of one's own, named `psa-<purpose>-…`, with symbolic links resolved. */
export async function tempDir(purpose: string): Promise<TempDir> {
  const path = await realpath(await mkdtemp(join(tmpdir(), `psa-${purpose}-`)));
  return {
    path,
    // A server that was just killed may still be writing its last file, hence the retries.
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}
