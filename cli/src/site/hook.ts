import { execFile } from 'node:child_process';
import { CliError } from '../errors.ts';

/** How long a hook may take. */
export const HOOK_MS = 10 * 60_000;

/** What a hook finds around it. */
export interface HookOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** What it reads; nothing when absent. */
  readonly input?: string;
  /** `dr.hooks.fence`: stands in the error. */
  readonly field: string;
}

/** Runs a shell line of the inventory. @throws CliError when it fails */
export function runHook(line: string, { field, env, signal, input }: HookOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { env, signal, timeout: HOOK_MS, maxBuffer: 2 ** 24 };
    const child = execFile('sh', ['-c', line], options, (error, stdout, stderr) => {
      if (!error) return resolve();
      reject(
        new CliError(`Unable to go on: ${field} of the inventory failed.`, {
          why: `${line}: ${stderr.trim() || stdout.trim() || error.message}`,
          fix: 'Mend the command, or take it out of the inventory.',
          cause: error,
        }),
      );
    });
    // A line that does not read its input has ended before all of it is written.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}
