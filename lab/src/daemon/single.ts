import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A lab has one daemon. @returns false: another one has it, or is just starting */
export function takeLab(dir: string): boolean {
  const file = join(dir, 'run', 'labd.pid');
  mkdirSync(join(dir, 'run'), { recursive: true, mode: 0o700 });
  for (;;) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (isDaemonOf(dir, readFileSync(file, 'utf8').trim())) return false;
    // Left by one that was killed.
    rmSync(file, { force: true });
  }
}

/** Whether the process is a daemon of this lab: a process id in a file may be anybody's by now. */
function isDaemonOf(dir: string, pid: string): boolean {
  if (!/^\d+$/.test(pid) || pid === String(process.pid)) return false;
  try {
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return argv.includes('run') && argv.some((word) => word.endsWith('main.ts')) && argv.includes(dir);
  } catch {
    return false;
  }
}
