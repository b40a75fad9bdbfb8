import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { RuntimeFailure } from '../ports.ts';

/** What an attempt met: `silent` is what a firewall does that drops. */
export type ProbeFound = 'open' | 'refused' | 'silent' | 'unreachable';

/** One thing to do for a probe process. */
export interface ProbeOrder {
  readonly id: number;
  readonly do: 'addresses' | 'listen' | 'connect';
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** The sender's own address, where it has several. */
  readonly from: string | null;
  readonly timeoutMs: number;
}

/** A probe process in a network namespace. */
export class ProbeChild {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: unknown) => void; reject: (error: Error) => void }
  >();
  #next = 1;
  #ended: Error | null = null;

  /** @param file the namespace: `/proc/<pid>/ns/net` or one under /run/netns */
  constructor(file: string) {
    const program = fileURLToPath(new URL('./probe-process.ts', import.meta.url));
    this.#child = spawn('nsenter', [`--net=${file}`, '--', process.execPath, program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdin!.on('error', () => {});
    this.#child.on('error', (error) => this.#end(error.message));
    this.#child.on('exit', () => this.#end('it ended'));
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      const { id, answer } = JSON.parse(line) as { id: number; answer: unknown };
      this.#waiting.get(id)?.resolve(answer);
      this.#waiting.delete(id);
    });
    this.#file = file;
  }
  readonly #file: string;

  addresses(): Promise<readonly string[]> {
    return this.#order({ do: 'addresses' });
  }

  /** Opens a listener. @returns `listening`, `taken` where something real listens, or what is wrong */
  listen(protocol: 'tcp' | 'udp', address: string, port: number): Promise<string> {
    return this.#order({ do: 'listen', protocol, address, port });
  }

  connect(
    protocol: 'tcp' | 'udp',
    to: { readonly address: string; readonly port: number },
    from: string,
    timeoutMs: number,
  ): Promise<ProbeFound> {
    return this.#order({ do: 'connect', protocol, ...to, from, timeoutMs });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#ended) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin!.end();
    await ended;
  }

  #order<T>(order: Partial<ProbeOrder>): Promise<T> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      this.#child.stdin!.write(`${JSON.stringify({ id, ...order })}\n`);
    });
  }

  #end(why: string): void {
    this.#ended = new RuntimeFailure(`Unable to try sockets in ${this.#file}: ${why}.`);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}
