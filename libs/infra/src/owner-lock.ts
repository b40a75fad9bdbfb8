import { link, readFile, rm, writeFile } from 'node:fs/promises';

/** Start time of a process in clock ticks since boot; tells a pid from its later reuse. */
async function startTime(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may contain spaces; field 22 is the 20th after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent has not asked yet.
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

/**
 * Takes a lock file that names this process, so that a second program on the same data is refused instead of
 * ending the first one's server. A lock whose owner is gone (kill -9, power) is taken over.
 * @returns the function that gives the lock back.
 * @throws when a live process holds it.
 */
export async function takeOwnerLock(path: string): Promise<() => Promise<void>> {
  const mine = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(mine, `${process.pid} ${await startTime(process.pid)}\n`, { mode: 0o600 });
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        // link() creates or fails, in one step; rename() would replace another's lock.
        await link(mine, path);
        return () => rm(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 20) throw error;
      }
      const [pid, started] = (await readFile(path, 'utf8').catch(() => '')).trim().split(' ');
      if (pid && started && (await startTime(Number(pid))) === started) {
        throw new Error(`Unable to use ${path.replace(/\.owner$/, '')}: process ${pid} is using it.`);
      }
      await rm(path, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}
