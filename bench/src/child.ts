import { type ChildProcess, fork } from 'node:child_process';

/** A program of the benchmark in a process of its own, so that it does not share our event loop. */
export interface Child<Ready> {
  readonly process: ChildProcess;
  /** What it said when it was ready. */
  readonly ready: Ready;
  /** Sends a message and waits for the answer; one at a time. */
  ask<Answer>(message: unknown): Promise<Answer>;
  stop(): Promise<void>;
}

/** Starts a module beside this one; it says `ready`, answers each message with one, ends when we let go of it. */
export async function startChild<Ready>(
  module: string,
  options: { env?: Record<string, string>; input?: unknown; execArgv?: string[] } = {},
): Promise<Child<Ready>> {
  const child = fork(new URL(module, import.meta.url), {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: options.execArgv ?? process.execArgv,
    serialization: 'advanced',
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${module} ended (${signal ?? code}).`)));
  });
  ended.catch(() => {});
  const next = () => Promise.race([ended, new Promise<unknown>((resolve) => child.once('message', resolve))]);
  if (options.input !== undefined) child.send(options.input as object);
  const ready = (await next()) as Ready;
  return {
    process: child,
    ready,
    async ask(message) {
      const answer = next();
      child.send(message as object);
      return answer as never;
    },
    async stop() {
      if (child.connected) child.disconnect();
      const patience = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await ended.catch(() => {});
      clearTimeout(patience);
    },
  };
}
