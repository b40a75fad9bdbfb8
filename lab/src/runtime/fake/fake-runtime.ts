import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ContainerRuntime,
  type DirectAccess,
  type ExecOptions,
  GUEST_PATH,
  type LabNetwork,
  type Limits,
  type RunSpec,
  type RunState,
  RuntimeFailure,
  STOPPED,
} from '../../ports.ts';
import { writeGuestFiles } from '../guest-files.ts';
import { forgetMachine } from '../machine-id.ts';
import { spawnInside } from '../spawn-inside.ts';

/** What the fake stands on. */
export interface FakeRuntimeOptions {
  /** Folder that says what runs; another one on the same folder goes on where this one ended. */
  readonly folder: string;
  readonly network: Pick<LabNetwork, 'attachment'>;
}

/** What is written down of a container that runs. */
interface Started {
  readonly spec: RunSpec;
  readonly startedAt: number;
}

const ATTACH = join(import.meta.dirname, 'attach');
const MIB = 1024 * 1024;
/** What a container that does nothing uses. */
const IDLE = { memory: 24 * MIB, swap: 0, netIn: 1024, netOut: 1024 };
/** Folders of a system that what runs in it takes for granted. */
const SYSTEM = ['etc', 'opt', 'root', 'run', 'tmp', 'var/lib'];
const WANTS = 'etc/systemd/system/multi-user.target.wants';

/**
 * Containers without processes of their own, for machines without root. Programs are the machine's, run over the
 * container's files (`attach`). A container that runs is a folder, `<node>/<id>`:
 *
 * | file                | what                                                                 |
 * | ------------------- | -------------------------------------------------------------------- |
 * | `started.json`      | specification and time of the start                                  |
 * | `root`              | link to its root file system                                         |
 * | `hostname`          | its name; while it is there, the container runs                      |
 * | `address`           | of its first card                                                    |
 * | `active/<unit>`     | units that run                                                       |
 * | `frozen`, `drained` | it stands still; servers that its HAProxy sends nothing              |
 */
export class FakeRuntime implements ContainerRuntime {
  readonly forgetMachine = forgetMachine;
  readonly #options: FakeRuntimeOptions;

  constructor(options: FakeRuntimeOptions) {
    this.#options = options;
  }

  /** How a shell of the node gets into its containers without this process. `%` stands for the id. */
  direct(node: string): DirectAccess {
    return { probe: join(this.#folder(node, '%'), 'hostname'), attach: this.#attach(node, '%') };
  }

  async start(spec: RunSpec): Promise<void> {
    const { node, id, rootfs, cards } = spec;
    if (this.#started(node, id)) throw new RuntimeFailure(`CT ${id} already running`);
    for (const { bridge, vlan } of cards) this.#options.network.attachment(node, bridge, vlan);
    if (!existsSync(rootfs))
      throw new RuntimeFailure(`startup for container '${id}' failed: ${rootfs} is missing`);
    await writeGuestFiles(spec);
    for (const name of SYSTEM) await mkdir(join(rootfs, name), { recursive: true });
    // An init that ends at once: the start went well all the same.
    if ((await readlink(join(rootfs, 'sbin/init')).catch(() => '')).endsWith('/false')) return;
    const draft = this.#aside(node, id);
    await mkdir(join(draft, 'active'), { recursive: true });
    await symlink(rootfs, join(draft, 'root'));
    const address = cards.find((card) => card.address !== null)?.address?.split('/')[0] ?? '';
    const started: Started = { spec, startedAt: Date.now() };
    const units = existsSync(join(rootfs, WANTS)) ? readdirSync(join(rootfs, WANTS)) : [];
    const files = {
      'started.json': JSON.stringify(started),
      hostname: `${spec.hostname}\n`,
      address: `${address}\n`,
      ...Object.fromEntries(units.map((unit) => [`active/${unit}`, ''])),
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(draft, name), text);
    await rename(draft, this.#folder(node, id));
  }

  async shutdown(node: string, id: number): Promise<void> {
    await this.stop(node, id);
  }

  async stop(node: string, id: number): Promise<void> {
    const gone = this.#aside(node, id);
    // At once: what is half gone would run in part.
    await rename(this.#folder(node, id), gone).catch(() => {});
    await rm(gone, { recursive: true, force: true });
  }

  async freeze(node: string, id: number): Promise<void> {
    this.#running(node, id);
    await writeFile(join(this.#folder(node, id), 'frozen'), '');
  }

  async unfreeze(node: string, id: number): Promise<void> {
    this.#running(node, id);
    await rm(join(this.#folder(node, id), 'frozen'), { force: true });
  }

  async state(node: string, id: number): Promise<RunState> {
    const started = this.#started(node, id);
    if (!started) return STOPPED;
    const uptime = Math.max(0, Math.floor((Date.now() - started.startedAt) / 1000));
    const state = existsSync(join(this.#folder(node, id), 'frozen')) ? 'frozen' : 'running';
    return { ...IDLE, state, pid: id, uptime, cpuSeconds: uptime / 100 };
  }

  async running(node: string): Promise<readonly number[]> {
    const folder = join(this.#options.folder, node);
    const names = existsSync(folder) ? readdirSync(folder) : [];
    return names
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  async setLimits(node: string, id: number, limits: Limits): Promise<void> {
    const { spec, startedAt } = this.#running(node, id);
    const started: Started = { spec: { ...spec, limits }, startedAt };
    await writeFile(join(this.#folder(node, id), 'started.json'), JSON.stringify(started));
  }

  async exec(node: string, id: number, argv: readonly string[], options: ExecOptions = {}): Promise<number> {
    this.#running(node, id);
    const attach = [...this.#attach(node, String(id)), '--keep-env', '--'];
    return spawnInside([...attach, ...argv], { PATH: GUEST_PATH }, options);
  }

  async interfaces(
    node: string,
    id: number,
  ): Promise<{ name: string; hwaddr: string; inet: string | null }[]> {
    const { cards } = this.#running(node, id).spec;
    return [
      { name: 'lo', hwaddr: '00:00:00:00:00:00', inet: '127.0.0.1/8' },
      ...cards.map(({ name, hwaddr, address }) => ({ name, hwaddr: hwaddr.toLowerCase(), inet: address })),
    ];
  }

  async killNode(node: string): Promise<void> {
    for (const id of await this.running(node)) await this.stop(node, id);
  }

  /** Folders of all that run, on any node. */
  folders(): string[] {
    const { folder } = this.#options;
    return readdirSync(folder).flatMap((node) =>
      readdirSync(join(folder, node)).flatMap((name) => (/^\d+$/.test(name) ? join(folder, node, name) : [])),
    );
  }

  #folder(node: string, id: number | string): string {
    return join(this.#options.folder, node, String(id));
  }

  /** Where a container's folder is made, or taken away. */
  #aside(node: string, id: number): string {
    return join(this.#options.folder, node, `.${id}-${randomBytes(4).toString('hex')}`);
  }

  #attach(node: string, id: string): string[] {
    return [ATTACH, this.#folder(node, id)];
  }

  #started(node: string, id: number): Started | null {
    try {
      return JSON.parse(readFileSync(join(this.#folder(node, id), 'started.json'), 'utf8')) as Started;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  #running(node: string, id: number): Started {
    const started = this.#started(node, id);
    if (!started) throw new RuntimeFailure(`container '${id}' not running!`);
    return started;
  }
}
