import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConformanceReport } from './conformance.ts';
import { type LabSettings, makeLabFolder } from './settings.ts';

/** A node as `psactl lab status` shows it. */
export interface LabNodeStatus {
  readonly name: string;
  readonly address: string;
  /** `https://127.77.0.11:8006` */
  readonly api: string;
  /** `127.77.0.11:22` */
  readonly ssh: string;
  readonly power: 'on' | 'off';
  /** Cut off from the others by `partition`. */
  readonly partitioned: boolean;
  readonly quorate: boolean;
  /** Containers that the node has, and how many of them run. */
  readonly containers: number;
  readonly running: number;
  /** Storages that `fill-disk` filled, with the share of their size. */
  readonly filled: Readonly<Record<string, number>>;
}

/** The lab as its daemon sees it. */
export interface LabStatus {
  readonly name: string;
  readonly runtime: 'lxc' | 'fake';
  /** What Proxmox VE's own slowness is multiplied with. */
  readonly timeFactor: number;
  readonly folder: string;
  /** The inventory that `lab up` wrote. */
  readonly inventory: string;
  /** How the appliance's portal is reached; null: the fake has none. */
  readonly portal: string | null;
  readonly pid: number;
  /** Requests of its API held against Proxmox VE's schema; null: there is no schema here. */
  readonly conformance: ConformanceReport | null;
  readonly nodes: readonly LabNodeStatus[];
}

/** What the daemon of a lab can be asked. Every method throws {@link LabError}. */
export interface LabControl {
  status(): Promise<LabStatus>;
  /** Takes the power from a node. */
  killNode(node: string): Promise<LabStatus>;
  /** Switches it on again; containers with `onboot` start. */
  startNode(node: string): Promise<LabStatus>;
  /** Takes the disks of a node that is off, and what the cluster knew of their containers. */
  loseDisks(node: string): Promise<LabStatus>;
  /** Cuts a node off from the others. */
  partition(node: string): Promise<LabStatus>;
  /** Plugs a node's cables in again; without a name those of all. */
  heal(node?: string): Promise<LabStatus>;
  /** Fills a storage of a node up to a share of its size; 0 empties it. */
  fillDisk(node: string, storage: string, share: number): Promise<LabStatus>;
  /** Ends the daemon; containers go on. */
  stop(): Promise<void>;
}

/** What the lab could not do. */
export class LabError extends Error {
  override readonly name = 'LabError';
  /** Whether there is no daemon: the lab is not up. */
  readonly isDown: boolean;
  readonly fix: string | null;

  constructor(message: string, options: { isDown?: boolean; fix?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.isDown = options.isDown ?? false;
    this.fix = options.fix ?? null;
  }
}

/** What `lab up` may be told; what is absent stays as the lab was made, else has its usual value. */
export interface LabUpOptions extends Partial<LabSettings> {
  readonly dir: string;
  /** Schema of the API to hold requests against; absent: PSA_PVE_SCHEMA, or ../shared/pve/apidoc.json when it is there. */
  readonly schema?: string;
  /** Told every step of the way. */
  readonly onStep?: (text: string) => void;
}

/** Exit code of a daemon that finds another one for its lab. */
export const ANOTHER_DAEMON = 3;
/** How long a daemon that somebody else started may take. */
const OTHER_MS = 120_000;

const socketOf = (dir: string) => join(dir, 'run', 'control.sock');

/** Speaks to the daemon of a lab. */
export function labControl(dir: string): LabControl {
  const post = (path: string, body: object = {}) => call<LabStatus>(dir, 'POST', path, body);
  return {
    status: () => call<LabStatus>(dir, 'GET', '/status'),
    killNode: (node) => post('/kill-node', { node }),
    startNode: (node) => post('/start-node', { node }),
    loseDisks: (node) => post('/lose-disks', { node }),
    partition: (node) => post('/partition', { node }),
    heal: (node) => post('/heal', { node }),
    fillDisk: (node, storage, share) => post('/fill-disk', { node, storage, share }),
    async stop() {
      const { pid } = await call<LabStatus>(dir, 'GET', '/status');
      await post('/stop');
      while (isAlive(pid)) await sleep(50);
    },
  };
}

/** Makes a lab, or brings one up that was made before. A running one is left as it is. */
export async function labUp(options: LabUpOptions): Promise<LabStatus> {
  const { dir, onStep, schema, ...settings } = options;
  const control = labControl(dir);
  const running = await control.status().catch(downIsNull);
  if (running) return running;
  const log = join(dir, 'log', 'labd.log');
  makeLabFolder(dir);
  mkdirSync(join(dir, 'log'), { recursive: true, mode: 0o700 });
  const output = openSync(log, 'a', 0o600);
  const start = sizeOf(log);
  const argv = [join(import.meta.dirname, 'main.ts'), 'run', '--dir', resolve(dir)];
  const told = [
    '--settings',
    JSON.stringify(settings),
    ...(schema === undefined ? [] : ['--schema', schema]),
  ];
  let child = startDaemon([...argv, ...told], output);
  const steps = new StepReader(log, start, onStep);
  const began = Date.now();
  try {
    for (;;) {
      steps.tell();
      const status = await control.status().catch(downIsNull);
      if (status) {
        steps.tell();
        child.process.unref();
        return status;
      }
      if (child.code === ANOTHER_DAEMON && Date.now() - began < OTHER_MS) {
        // Another one is bringing the lab up, too: what it makes is what was asked for. Or it was just dying.
        await sleep(1_000);
        if ((await control.status().catch(downIsNull)) === null)
          child = startDaemon([...argv, ...told], output);
        continue;
      }
      if (child.code !== null)
        throw new LabError(`Unable to start the lab in ${dir}: ${steps.lastWords()}`, {
          fix: `See ${log}.`,
        });
      await sleep(100);
    }
  } finally {
    closeSync(output);
  }
}

/** A daemon on its way; `code` stays null while it runs. */
function startDaemon(
  argv: readonly string[],
  output: number,
): { readonly process: ChildProcess; code: number | null } {
  const child = spawn(process.execPath, argv, { detached: true, stdio: ['ignore', output, output] });
  const started: { readonly process: ChildProcess; code: number | null } = { process: child, code: null };
  child.once('exit', (code, signal) => {
    started.code = code ?? (signal === null ? 1 : 128);
  });
  return started;
}

/** Ends everything that a lab has running and removes its folder. */
export async function labDown(dir: string, onStep?: (text: string) => void): Promise<void> {
  await labControl(dir).stop().catch(downIsNull);
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'main.ts'), 'remove', '--dir', resolve(dir)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let words = '';
  const take = (chunk: Buffer) => {
    words += chunk.toString();
    for (const line of chunk.toString().split('\n')) if (line.trim() !== '') onStep?.(line.trim());
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new LabError(`Unable to remove the lab in ${dir}: ${words.trim().slice(-1_000)}`);
}

function downIsNull(error: unknown): null {
  if (error instanceof LabError && error.isDown) return null;
  throw error;
}

function fixOf(isDown: boolean, { code }: NodeJS.ErrnoException): { fix?: string } {
  if (isDown) return { fix: 'Start it with: psactl lab up (with the whole appliance: npm run lab)' };
  return code === 'EACCES'
    ? { fix: 'It belongs to somebody else: run this as that user, or with sudo.' }
    : {};
}

function unanswered(dir: string, cause: NodeJS.ErrnoException): LabError {
  const code = cause.code ?? '';
  // One that is being killed still takes connections, and its end resets them.
  const isEnding = ['ECONNRESET', 'EPIPE'].includes(code);
  const isDown = isEnding || ['ENOENT', 'ECONNREFUSED'].includes(code);
  const text = isEnding
    ? `The lab in ${dir} ended without an answer.`
    : isDown
      ? `There is no lab up in ${dir}.`
      : `Unable to speak to the lab in ${dir}: ${cause.message}`;
  return new LabError(text, { isDown, ...fixOf(isDown, cause), cause });
}

async function call<T>(dir: string, method: string, path: string, body?: object): Promise<T> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(
      { socketPath: socketOf(dir), method, path, headers: { 'content-type': 'application/json' } },
      resolve,
    );
    sent.once('error', (cause: NodeJS.ErrnoException) => reject(unanswered(dir, cause)));
    sent.end(body === undefined ? '' : JSON.stringify(body));
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const answer = JSON.parse(Buffer.concat(chunks).toString('utf8') || 'null') as T & { error?: string };
  if (response.statusCode !== 200)
    throw new LabError(answer?.error ?? `The lab answered ${response.statusCode}.`);
  return answer;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function sizeOf(file: string): number {
  return readFileSync(file).length;
}

/** Reads what the daemon says while it starts. */
class StepReader {
  readonly #file: string;
  readonly #onStep: ((text: string) => void) | undefined;
  #at: number;
  #last = 'it ended without a word';

  constructor(file: string, start: number, onStep?: (text: string) => void) {
    this.#file = file;
    this.#at = start;
    this.#onStep = onStep;
  }

  tell(): void {
    const text = readFileSync(this.#file).subarray(this.#at).toString('utf8');
    const end = text.lastIndexOf('\n') + 1;
    this.#at += Buffer.byteLength(text.slice(0, end));
    for (const line of text.slice(0, end).split('\n')) {
      if (line.trim() === '') continue;
      this.#last = line.trim();
      this.#onStep?.(line.trim());
    }
  }

  lastWords(): string {
    this.tell();
    return this.#last;
  }
}
