import { spawn } from 'node:child_process';
import type { ExecOptions } from '../ports.ts';

/**
 * Runs a command that gets into a container.
 * @param env all that it is given
 * @returns its exit code; 128 + signal when one ended it
 */
export function spawnInside(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  { stdin, stdout, stderr, signal }: ExecOptions,
): Promise<number> {
  const [program, ...args] = command as [string, ...string[]];
  const child = spawn(program, args, {
    stdio: [stdin ? 'pipe' : 'ignore', stdout ? 'pipe' : 'ignore', stderr ? 'pipe' : 'ignore'],
    env,
    signal,
  });
  if (stdin && child.stdin) {
    // A program may end without reading all that it is given.
    child.stdin.on('error', () => stdin.unpipe());
    stdin.pipe(child.stdin);
  }
  if (stdout) child.stdout?.pipe(stdout, { end: false });
  if (stderr) child.stderr?.pipe(stderr, { end: false });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, ended) => resolve(code ?? 128 + (ended === 'SIGKILL' ? 9 : 15)));
  });
}
