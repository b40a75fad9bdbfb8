import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Taking over is a matter of milliseconds; so is another's. */
const PATIENCE_MS = 10_000;

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

/** The pid of the live process that a lock names; null: nobody holds it any more, undefined: it is not there. */
async function holderOf(path: string): Promise<string | null | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const [pid, started] = text.trim().split(' ');
  return pid && started && (await startTime(Number(pid))) === started ? pid : null;
}

/** Whether this process still holds a lock file: its folder may have been moved away with it, and another one stand there. */
export async function holdsLock(path: string): Promise<boolean> {
  return (await holderOf(path)) === String(process.pid);
}

/** Whether a live process holds the lock file. */
export async function isOwned(path: string): Promise<boolean> {
  return Boolean(await holderOf(path));
}

/**
 * Takes a lock file that names this process, so that a second program on the same data is refused instead of
 * ending the first one's server. A lock whose owner is gone (kill -9, power) is taken over.
 *
 * Between seeing that an owner is gone and taking its file away somebody else may have taken it over, and that one's
 * file would go. So only who holds a second lock, `<path>.takeover`, replaces a file, and looks again before. That one
 * is taken over in the same way from one who was killed with it.
 * @returns the function that gives the lock back.
 * @throws when a live process holds it.
 */
export async function takeOwnerLock(path: string): Promise<() => Promise<void>> {
  const mine = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  const deadline = performance.now() + PATIENCE_MS;
  await writeFile(mine, `${process.pid} ${await startTime(process.pid)}\n`, { mode: 0o600 });
  try {
    for (;;) {
      try {
        // link() creates or fails, in one step; rename() would replace another's lock.
        await link(mine, path);
        return giveBack(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = await holderOf(path);
      if (holder) throw new LockHeld(path, holder);
      if (holder === null && (await takeOver(path, mine))) return giveBack(path);
      if (performance.now() > deadline)
        throw new Error(`Unable to use ${nameOf(path)}: others are taking it over.`);
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** A live process holds the lock. */
class LockHeld extends Error {
  override readonly name = 'LockHeld';

  constructor(path: string, pid: string) {
    super(`Unable to use ${nameOf(path)}: process ${pid} is using it.`);
  }
}

/** Puts one's own file into the place of a lock whose owner is gone. @returns false: look again */
async function takeOver(path: string, mine: string): Promise<boolean> {
  let done: () => Promise<void>;
  try {
    done = await takeOwnerLock(`${path}.takeover`);
  } catch (error) {
    if (!(error instanceof LockHeld)) throw error;
    await sleep(5);
    return false;
  }
  try {
    if ((await holderOf(path)) !== null) return false;
    await rename(mine, path);
    return true;
  } finally {
    await done();
  }
}

/** Once: what stands there later is another's, and so may be what stands there now. */
function giveBack(path: string): () => Promise<void> {
  let given: Promise<void> | null = null;
  const give = async () => {
    if (await holdsLock(path)) await rm(path, { force: true });
  };
  return () => (given ??= give());
}

const nameOf = (path: string) => path.replace(/\.owner$/, '');
