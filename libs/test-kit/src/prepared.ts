import { existsSync } from 'node:fs';
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { PREPARED } from './prepared-setup.ts';
import { until } from './until.ts';

const PATIENCE_MS = 600_000;

/**
 * What several test files begin with and take long to make: the first who asks makes it, once per run, and the
 * others wait for it. All only read it, or copy it.
 * @param make fills the folder that it is given
 * @returns the folder
 */
export async function prepared(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(inject(PREPARED), name);
  const [turn, half] = [`${folder}.turn`, `${folder}.half`];
  for (;;) {
    if (existsSync(folder)) return folder;
    if (await take(turn)) break;
    // Whoever has the turn has failed when it is given back.
    await until(() => existsSync(folder) || !existsSync(turn), PATIENCE_MS, `what is prepared as ${name}`);
  }
  try {
    await rm(half, { recursive: true, force: true });
    await mkdir(half);
    await make(half);
    await rename(half, folder);
    return folder;
  } catch (error) {
    await rmdir(turn);
    throw error;
  }
}

/** A folder is made by one, however many try. */
async function take(turn: string): Promise<boolean> {
  try {
    await mkdir(turn);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}
