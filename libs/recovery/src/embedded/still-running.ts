import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { postmastersOf } from '@psa/infra/postgres-processes';
import { DATABASE } from './source.ts';

/** A process that works on a data folder, also one that was moved away or removed under it. */
export interface Worker {
  readonly pid: number;
  /** As the kernel calls it: `postgres`, `node-MainThread`. */
  readonly name: string;
}

/**
 * Who still works on a data folder that is to be filled anew: its database by the path that it was started with, the
 * platform by its open log. The database writes its control file by that path even when the folder was moved away, and
 * the platform starts a database that has ended again: both would spoil what is restored there.
 * Of processes of other users only the database is seen.
 */
export async function stillRunning(dataDir: string): Promise<Worker | null> {
  const parent = await realpath(dirname(dataDir)).catch(() => null);
  // Where there is no folder nothing was started in it that could come back.
  if (parent === null) return null;
  const place = join(parent, basename(dataDir));
  const [postmaster] = await postmastersOf(join(place, DATABASE));
  const pid = postmaster ?? (await openIn(place));
  if (pid === null) return null;
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return { pid, name: name.trim() };
}

/** A process that has a file of a folder open, by the path that the kernel knows: one that was removed keeps it. */
async function openIn(folder: string): Promise<number | null> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    // Ended meanwhile, or somebody else's.
    const descriptors = await readdir(`/proc/${entry}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const path = await readlink(`/proc/${entry}/fd/${descriptor}`).catch(() => '');
      if (path.startsWith(`${folder}/`)) return Number(entry);
    }
  }
  return null;
}
