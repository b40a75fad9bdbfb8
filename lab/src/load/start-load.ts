import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LoadReport, LoadTick } from './load.ts';
import type { CheckInput, LoadInput } from './options.ts';

/** A load that runs in a process of its own. */
export interface RunningLoad {
  /** How it fares; null before its first request. */
  tick(): LoadTick | null;
  /** The report, when its time is over. @throws when it could not begin: it cannot sign in */
  readonly done: Promise<LoadReport>;
  /** Ends it now: requests on the way are waited for. */
  stop(): Promise<LoadReport>;
}

/** @param namespace the file of a network namespace; null: here */
export function startLoad(options: LoadInput, namespace: string | null): RunningLoad {
  let last: LoadTick | null = null;
  const child = start({ job: 'load', ...options }, namespace, (line) => {
    if (!line.startsWith('{')) return false;
    last = JSON.parse(line) as LoadTick;
    return true;
  });
  const done = child.answer as Promise<LoadReport>;
  // Whoever waits for it later still gets the error.
  done.catch(() => {});
  return {
    tick: () => last,
    done,
    stop: () => {
      child.end();
      return done;
    },
  };
}

/** The tickets of a load that are not there. @throws when that cannot be told */
export async function checkTickets(
  options: CheckInput,
  namespace: string | null,
): Promise<readonly string[]> {
  const { answer } = start({ job: 'check', ...options }, namespace, () => false);
  return ((await answer) as { missing: readonly string[] }).missing;
}

function start(options: object, namespace: string | null, line: (line: string) => boolean) {
  const program = fileURLToPath(new URL('./load-process.ts', import.meta.url));
  const argv = [process.execPath, program];
  const [command, ...args] = namespace === null ? argv : ['nsenter', `--net=${namespace}`, '--', ...argv];
  const child = spawn(command!, args, { stdio: 'pipe' });
  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify(options)}\n`);
  const chunks: Buffer[] = [];
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  createInterface({ input: child.stderr }).on('line', (text) => {
    if (!line(text)) said = `${said}${text}\n`.slice(-2_000);
  });
  const answer = new Promise<unknown>((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`Unable to start a load: ${error.message}`)));
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(Buffer.concat(chunks).toString()));
      else reject(new Error(`Unable to run a load: ${said.trim() || `it ended with ${code}`}`));
    });
  });
  return { answer, end: () => child.stdin.end() };
}
