import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  type ContainerRuntime,
  type ExecOptions,
  type LabNetwork,
  type Limits,
  type RunSpec,
  type RunState,
  RuntimeFailure,
  STOPPED,
} from '../../ports.ts';
import { guestFiles } from '../guest-files.ts';
import { APPLIANCE_PROGRAMS } from './appliance-programs.ts';
import { BASIC_PROGRAMS } from './basic-programs.ts';
import { FakeContainer, type FakeState, type FakeStates } from './fake-container.ts';
import { type Container, inputOf, type Program } from './program.ts';
import { runArgv } from './shell.ts';

/** What the fake stands on. */
export interface FakeRuntimeOptions {
  /** File that holds what runs; another one on the same file goes on where this one ended. */
  readonly file: string;
  readonly network: Pick<LabNetwork, 'attachment'>;
  /** Programs beside the usual ones, or in place of them. */
  readonly programs?: Readonly<Record<string, Program>>;
}

const MIB = 1024 * 1024;
/** What a container that does nothing uses. */
const IDLE = { memory: 24 * MIB, swap: 0, netIn: 1024, netOut: 1024 };

/**
 * Containers without processes, for machines without root: their files stand in their folders, their units are words
 * in a file, and their programs are functions.
 */
export class FakeRuntime implements ContainerRuntime {
  readonly #options: FakeRuntimeOptions;
  readonly #programs: Readonly<Record<string, Program>>;
  readonly #states: FakeStates;

  constructor(options: FakeRuntimeOptions) {
    this.#options = options;
    this.#programs = { ...BASIC_PROGRAMS, ...APPLIANCE_PROGRAMS, ...options.programs };
    this.#states = {
      get: () => this.#read(),
      change: (key, state) => {
        const all = this.#read();
        const known = all[key];
        // One that was stopped meanwhile stays so.
        if (known) this.#write({ ...all, [key]: { ...known, ...state } });
      },
    };
  }

  async start(spec: RunSpec): Promise<void> {
    const key = keyOf(spec.node, spec.id);
    if (this.#read()[key]) throw new RuntimeFailure(`CT ${spec.id} already running`);
    for (const { bridge, vlan } of spec.cards) this.#options.network.attachment(spec.node, bridge, vlan);
    if (!existsSync(spec.rootfs))
      throw new RuntimeFailure(`startup for container '${spec.id}' failed: ${spec.rootfs} is missing`);
    this.#write({ ...this.#read(), [key]: { spec, startedAt: Date.now(), frozen: false, units: {} } });
    const box = new FakeContainer(key, this.#states);
    for (const [path, text] of guestFiles(spec)) box.write(path, Buffer.from(text));
    for (const unit of box.enabled()) box.setUnit(unit, 'active');
  }

  async shutdown(node: string, id: number): Promise<void> {
    await this.stop(node, id);
  }

  async stop(node: string, id: number): Promise<void> {
    const { [keyOf(node, id)]: _, ...others } = this.#read();
    this.#write(others);
  }

  async freeze(node: string, id: number): Promise<void> {
    this.#states.change(this.#key(node, id), { frozen: true });
  }

  async unfreeze(node: string, id: number): Promise<void> {
    this.#states.change(this.#key(node, id), { frozen: false });
  }

  async state(node: string, id: number): Promise<RunState> {
    const state = this.#read()[keyOf(node, id)];
    if (!state) return STOPPED;
    const uptime = Math.max(0, Math.floor((Date.now() - state.startedAt) / 1000));
    return { ...IDLE, state: state.frozen ? 'frozen' : 'running', pid: id, uptime, cpuSeconds: uptime / 100 };
  }

  async running(node: string): Promise<readonly number[]> {
    return Object.values(this.#read())
      .filter(({ spec }) => spec.node === node)
      .map(({ spec }) => spec.id)
      .sort((a, b) => a - b);
  }

  async setLimits(node: string, id: number, limits: Limits): Promise<void> {
    const key = this.#key(node, id);
    this.#states.change(key, { spec: { ...this.#read()[key]!.spec, limits } });
  }

  async exec(node: string, id: number, argv: readonly string[], options: ExecOptions = {}): Promise<number> {
    const key = this.#key(node, id);
    const { stdin, stdout, stderr, signal } = options;
    const content = stdin ? await buffer(stdin) : Buffer.alloc(0);
    const [out, err] = [stdout ?? sink(), stderr ?? sink()];
    const call = {
      ...{ argv, box: new FakeContainer(key, this.#states), input: inputOf(content) },
      out: (chunk: Buffer) => void out.write(chunk),
      err: (message: string) => void err.write(message),
      signal: signal ?? new AbortController().signal,
    };
    return runArgv(call, (name) => (Object.hasOwn(this.#programs, name) ? this.#programs[name]! : null));
  }

  async interfaces(
    node: string,
    id: number,
  ): Promise<{ name: string; hwaddr: string; inet: string | null }[]> {
    const { spec } = this.#read()[this.#key(node, id)]!;
    return [
      { name: 'lo', hwaddr: '00:00:00:00:00:00', inet: '127.0.0.1/8' },
      ...spec.cards.map(({ name, hwaddr, address }) => ({
        name,
        hwaddr: hwaddr.toLowerCase(),
        inet: address,
      })),
    ];
  }

  /** All that run, on any node. */
  containers(): readonly Container[] {
    return Object.keys(this.#read()).map((key) => new FakeContainer(key, this.#states));
  }

  async killNode(node: string): Promise<void> {
    const left = Object.entries(this.#read()).filter(([, { spec }]) => spec.node !== node);
    this.#write(Object.fromEntries(left));
  }

  /** Puts a file into a running container; the owner is not kept. */
  async write(
    node: string,
    id: number,
    path: string,
    content: Buffer,
    { perms }: { readonly perms: string },
  ): Promise<void> {
    const mode = perms === '' ? undefined : Number.parseInt(perms, 8);
    new FakeContainer(this.#key(node, id), this.#states).write(path, content, mode);
  }

  async read(node: string, id: number, path: string): Promise<Buffer> {
    return new FakeContainer(this.#key(node, id), this.#states).read(path);
  }

  #key(node: string, id: number): string {
    const key = keyOf(node, id);
    if (!this.#read()[key]) throw new RuntimeFailure(`container '${id}' not running!`);
    return key;
  }

  /** Read each time: everything in between is done without waiting, so nothing is lost between two writers here. */
  #read(): Record<string, FakeState> {
    if (!existsSync(this.#options.file)) return {};
    return JSON.parse(readFileSync(this.#options.file, 'utf8')) as Record<string, FakeState>;
  }

  #write(states: Record<string, FakeState>): void {
    const { file } = this.#options;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(states));
    renameSync(`${file}.new`, file);
  }
}

const keyOf = (node: string, id: number) => `${node}/${id}`;

function sink(): PassThrough {
  const stream = new PassThrough();
  stream.resume();
  return stream;
}
