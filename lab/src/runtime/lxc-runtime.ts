import { spawn } from 'node:child_process';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../network/run.ts';
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
} from '../ports.ts';
import { Cgroups } from './cgroup.ts';
import { writeGuestFiles } from './guest-files.ts';
import { raiseKernelLimits } from './kernel-limits.ts';
import { lxcConfig, UNPLUGGED, vethName } from './lxc-config.ts';
import { forgetMachine } from './machine-id.ts';
import { spawnInside } from './spawn-inside.ts';

/** What the runtime stands on. */
export interface LxcRuntimeOptions {
  /** Name of the lab: first part of its control groups. */
  readonly lab: string;
  /** Where LXC's configurations and logs go; made when it is missing. */
  readonly folder: string;
  readonly network: Pick<LabNetwork, 'attachment'>;
  /** The network namespace of a node, as it is called in `/run/netns`. */
  readonly namespaceOf: (node: string) => string;
}

/** Linux counts the times of processes in hundredths of a second, whatever its own clock does. */
const TICKS = 100;
const END_MS = 60_000;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Arguments: bridge, container, `net`, `up`, `veth`, the card's end on the node. */
const PLUG = `#!/bin/sh\n[ "$1" = ${UNPLUGGED} ] || exec ip link set dev "$6" master "$1" up\n`;

/** Containers by LXC, in the network namespaces of the nodes. It keeps nothing: the machine is asked each time. */
export class LxcRuntime implements ContainerRuntime {
  readonly forgetMachine = forgetMachine;
  readonly #options: LxcRuntimeOptions;
  readonly #groups: Cgroups;

  constructor(options: LxcRuntimeOptions) {
    this.#options = options;
    this.#groups = new Cgroups(options.lab);
  }

  /** How a shell of the node gets into its containers without this process. `%` stands for the id. */
  direct(node: string): DirectAccess {
    return { probe: this.#groups.monitorProcesses(node, '%'), attach: this.#attach(node, '%') };
  }

  async start(spec: RunSpec): Promise<void> {
    const { node, id } = spec;
    if (this.#groups.processes(node, id).length > 0) {
      if (this.#groups.monitors(node, id).length > 0) throw new RuntimeFailure(`CT ${id} already running`);
      // Its monitor was killed: LXC does not know this one any more.
      await this.stop(node, id);
    }
    this.#groups.clear(node, id);
    const links = spec.cards.map(
      ({ bridge, vlan }) => this.#options.network.attachment(node, bridge, vlan).link,
    );
    await raiseKernelLimits();
    await writeGuestFiles(spec);
    const folder = this.#folder(node, id);
    await mkdir(folder, { recursive: true });
    const plug = join(this.#options.folder, 'plug');
    // Written aside: a file that is open for writing cannot be run, and other containers start at the same time.
    const draft = `${plug}.${node}.${id}`;
    await writeFile(draft, PLUG, { mode: 0o755 });
    await rename(draft, plug);
    const config = lxcConfig(spec, {
      containerGroup: this.#groups.container(node, id),
      monitorGroup: this.#groups.monitor(node, id),
      limitLines: this.#groups.limitLines(spec.limits),
      links,
      plug,
      folder,
    });
    await writeFile(join(folder, 'config'), config);
    // The kernel takes a killed container's cards away in its own time.
    for (const index of links.keys())
      await run('', ...this.#command(node, ['ip', 'link', 'delete', vethName(id, index)])).catch(() => {});
    await this.#launch(node, id, folder);
  }

  async #launch(node: string, id: number, folder: string): Promise<void> {
    const log = join(folder, 'log');
    await rm(log, { force: true });
    const [program, args] = this.#command(node, [
      'lxc-start',
      ...this.#name(node, id),
      '-d',
      '-l',
      'WARN',
      '-o',
      log,
    ]);
    const code = await new Promise<number | null>((resolve, reject) => {
      // No pipes: the monitor would hold them as long as the container runs.
      const child = spawn(program, args, { stdio: 'ignore', detached: true, env: { PATH } });
      child.once('error', reject);
      child.once('exit', resolve);
    });
    if (code === 0) return;
    const said = await readFile(log, 'utf8').catch(() => '');
    const reasons = said.split('\n').flatMap((line) => / ERROR .* - (.+)$/.exec(line)?.[1] ?? []);
    await this.stop(node, id);
    throw new RuntimeFailure(
      `startup for container '${id}' failed: ${reasons[0] ?? `lxc-start ended with ${code}`}`,
    );
  }

  async shutdown(node: string, id: number, timeoutMs: number): Promise<void> {
    if (this.#groups.processes(node, id).length === 0) return;
    const seconds = String(Math.max(1, Math.ceil(timeoutMs / 1000)));
    try {
      await run(
        'stop',
        ...this.#command(node, ['lxc-stop', ...this.#name(node, id), '--nokill', '--timeout', seconds]),
      );
    } catch (error) {
      if (this.#groups.processes(node, id).length > 0)
        throw new RuntimeFailure('container did not stop', { cause: error });
    }
    await this.#ended(node, [id]);
  }

  async stop(node: string, id: number): Promise<void> {
    this.#kill(node, [id], { monitors: false });
    await this.#ended(node, [id]);
  }

  async killNode(node: string): Promise<void> {
    const ids = this.#groups.known(node);
    this.#kill(node, ids, { monitors: true });
    await this.#ended(node, ids);
  }

  /** Removes what the lab leaves in the machine's control groups. No container may run. */
  clear(): void {
    this.#groups.clearLab();
  }

  /** All in one go, without a pause in which one could tell the other. Monitors that live clean up after theirs. */
  #kill(node: string, ids: readonly number[], options: { monitors: boolean }): void {
    for (const id of ids) {
      const processes = this.#groups.processes(node, id);
      const init = this.#groups.init(node, id);
      // A frozen process dies when it thaws.
      const frozen = processes.length > 0 && this.#groups.isFrozen(node, id);
      for (const pid of options.monitors ? this.#groups.monitors(node, id) : []) kill(pid);
      for (const pid of init === null ? processes : [init]) kill(pid);
      if (frozen) this.#groups.thaw(node, id);
    }
  }

  async #ended(node: string, ids: readonly number[]): Promise<void> {
    const until = Date.now() + END_MS;
    for (const id of ids) {
      while (this.#groups.processes(node, id).length + this.#groups.monitors(node, id).length > 0) {
        if (Date.now() > until) throw new RuntimeFailure(`CT ${id} did not end`);
        await sleep(20);
      }
      this.#groups.clear(node, id);
    }
  }

  async freeze(node: string, id: number): Promise<void> {
    this.#running(node, id);
    await run('freeze', ...this.#command(node, ['lxc-freeze', ...this.#name(node, id)]));
  }

  async unfreeze(node: string, id: number): Promise<void> {
    this.#running(node, id);
    await run('unfreeze', ...this.#command(node, ['lxc-unfreeze', ...this.#name(node, id)]));
  }

  async state(node: string, id: number): Promise<RunState> {
    const pid = this.#groups.init(node, id);
    if (pid === null) return STOPPED;
    const age = await ageOf(pid);
    return {
      state: this.#groups.isFrozen(node, id) ? 'frozen' : 'running',
      pid,
      uptime: age,
      ...this.#groups.counters(node, id),
      ...(await traffic(pid)),
    };
  }

  async running(node: string): Promise<readonly number[]> {
    return this.#groups.living(node);
  }

  async setLimits(node: string, id: number, limits: Limits): Promise<void> {
    this.#running(node, id);
    try {
      this.#groups.setLimits(node, id, limits);
    } catch (error) {
      throw new RuntimeFailure(`unable to change the limits of CT ${id}: ${(error as Error).message}`);
    }
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
    const pid = this.#running(node, id);
    const out = await run('list the interfaces', 'nsenter', ['-n', '-t', String(pid), 'ip', '-j', 'address']);
    const links = JSON.parse(out) as {
      ifname: string;
      address?: string;
      addr_info: { family: string; local: string; prefixlen: number }[];
    }[];
    return links.map((link) => {
      const first = link.addr_info.find((one) => one.family === 'inet');
      return {
        name: link.ifname,
        hwaddr: link.address ?? '00:00:00:00:00:00',
        inet: first ? `${first.local}/${first.prefixlen}` : null,
      };
    });
  }

  #running(node: string, id: number): number {
    const pid = this.#groups.init(node, id);
    if (pid === null) throw new RuntimeFailure(`container '${id}' not running!`);
    return pid;
  }

  #folder(node: string, id: number): string {
    return join(this.#options.folder, node, String(id));
  }

  #name(node: string, id: number | string): string[] {
    return ['-P', join(this.#options.folder, node), '-n', String(id)];
  }

  #attach(node: string, id: string): string[] {
    return [...this.#enter(node), 'lxc-attach', ...this.#name(node, id)];
  }

  /** LXC is reached by an abstract socket, which belongs to the network namespace of the node. */

  #enter(node: string): string[] {
    return ['nsenter', `--net=/run/netns/${this.#options.namespaceOf(node)}`, '--'];
  }

  #command(node: string, argv: readonly string[]): [string, string[]] {
    const [program, ...args] = [...this.#enter(node), ...argv] as [string, ...string[]];
    return [program, args];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Seconds since a process began. */
async function ageOf(pid: number): Promise<number> {
  const [stat, uptime] = await Promise.all(
    [`/proc/${pid}/stat`, '/proc/uptime'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  // Its name stands in brackets and may hold anything; what is counted comes after.
  const began = Number(stat!.slice(stat!.lastIndexOf(')') + 2).split(' ')[19] ?? Number.NaN) / TICKS;
  const age = Number(uptime!.split(' ')[0]) - began;
  return Number.isFinite(age) ? Math.max(0, Math.floor(age)) : 0;
}

/** Bytes that came in and went out by all cards but the loopback. */
async function traffic(pid: number): Promise<{ netIn: number; netOut: number }> {
  const table = await readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => '');
  let [netIn, netOut] = [0, 0];
  for (const line of table.split('\n').slice(2)) {
    const [name, counts] = line.split(':');
    if (counts === undefined || name?.trim() === 'lo') continue;
    const columns = counts.trim().split(/\s+/).map(Number);
    netIn += columns[0] ?? 0;
    netOut += columns[8] ?? 0;
  }
  return { netIn, netOut };
}
