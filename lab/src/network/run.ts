import { spawn } from 'node:child_process';
import { RuntimeFailure } from '../ports.ts';

/**
 * Runs one of the machine's own programs and gives what it wrote. It ends with this process, also when that is killed:
 * whoever goes on where that stopped must not meet what it left at work.
 * @param what said when it fails: "Unable to <what>: …"
 * @throws RuntimeFailure with what it wrote to its standard error
 */
export function run(
  what: string,
  program: string,
  args: readonly string[],
  input: string = '',
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { stdio: 'pipe' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // A program that ends without reading its input: its exit code says why.
    child.stdin.on('error', () => {});
    child.on('error', (error) => reject(new RuntimeFailure(`Unable to ${what}: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(out).toString());
      const text = Buffer.concat(err).toString().trim();
      reject(new RuntimeFailure(`Unable to ${what}: ${text || `${program} ended with ${signal ?? code}`}`));
    });
    child.stdin.end(input);
  });
}
