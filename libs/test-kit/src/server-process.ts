import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server program that a test starts, kills and starts again. */
export class ServerProcess {
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #exitCode: number | null = null;
  readonly #command: string;
  readonly #args: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #port: number;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv, port: number) {
    this.#command = command;
    this.#args = args;
    this.#env = env;
    this.#port = port;
  }

  /** What it ended with the last time; null: it has not, or a signal ended it. */
  get exitCode(): number | null {
    return this.#exitCode;
  }

  /** 0 while it does not run. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts the program and waits until its port takes connections. */
  async start(timeoutMs = 60_000): Promise<void> {
    if (this.#child) return;
    // Whatever ends the test run must not leave the server behind: the kernel kills it with its parent.
    const args = ['--pdeathsig', 'KILL', this.#command, ...this.#args];
    const child = spawn('setpriv', args, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output.push(chunk.toString());
        if (output.length > 50) output.shift();
      });
    }
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      const end = (code: number | null) => {
        if (this.#child === child) this.#child = null;
        this.#exitCode = code;
        resolve();
      };
      child.once('exit', end);
      child.once('error', (error) => {
        output.push(error.message);
        end(null);
      });
    });
    const deadline = Date.now() + timeoutMs;
    while (!(await accepts(this.#port))) {
      if (this.#child !== child || Date.now() > deadline) {
        await this.end('SIGKILL');
        throw new Error(`Unable to start ${this.#command}:\n${output.join('')}`);
      }
      await sleep(50);
    }
  }

  /** Sends a signal and waits for the end; SIGKILL follows after 20 s. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child) return;
    child.kill(signal);
    const patience = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await this.#ended;
    clearTimeout(patience);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
