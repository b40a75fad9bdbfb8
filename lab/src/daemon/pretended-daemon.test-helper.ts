import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process that looks like the daemon of a lab, and does nothing. */
export async function pretendedDaemon(dir: string): Promise<ChildProcess> {
  const argv = ['-e', 'setTimeout(() => {}, 60_000)', 'main.ts', 'run', '--dir', dir];
  const child = spawn(process.execPath, argv);
  await once(child, 'spawn');
  return child;
}
