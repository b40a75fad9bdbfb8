import { setTimeout as sleep } from 'node:timers/promises';
import { takeOwnerLock } from '@psa/infra/owner-lock';
import { CliError } from './errors.ts';

/**
 * Runs `work` while no other psactl on this machine holds the lock file. A holder that was killed does not
 * count. Waits up to `patienceMs`, then gives up with exit code 11.
 */
export async function withLock<T>(
  path: string,
  patienceMs: number,
  what: string,
  work: () => Promise<T>,
  options: { signal?: AbortSignal; waiting?(): void } = {},
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  let release: (() => Promise<void>) | null = null;
  for (let told = false; release === null; ) {
    try {
      release = await takeOwnerLock(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code) throw error;
      if (Date.now() >= deadline) {
        throw new CliError(`Unable to use ${what}: another psactl holds it.`, {
          outcome: 'locked',
          why: (error as Error).message,
          fix: 'Wait until it has ended, then run this again.',
        });
      }
      if (!told) options.waiting?.();
      told = true;
      await sleep(50, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
  try {
    return await work();
  } finally {
    await release();
  }
}
