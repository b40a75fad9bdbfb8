import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type DirectAccess, RuntimeFailure } from '../ports.ts';
import { ATTACH_SHIM, FREEZE_SHIM, PVESM_SHIM, pctShim } from './pct-shim.ts';

const SSHD = '/usr/sbin/sshd';
/** As Debian's sshd gives it to root. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const START_MS = 10_000;

/** Where a node's sshd listens. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
  /** Network namespace, as in `/run/netns`; null: the machine's own. */
  readonly namespace: string | null;
}

/** One node and its ways in. */
export interface SshNode {
  readonly name: string;
  readonly listen: readonly ListenAddress[];
  /** Socket of the node's `PctServer`. */
  readonly socket: string;
  readonly direct: DirectAccess;
}

/** The lab's ssh: one key that is let in everywhere, one host key per node, and Debian's sshd on private settings. */
export class NodeSsh {
  readonly #folder: string;
  readonly #run: string;
  readonly #nodes: readonly SshNode[];

  /** @param folder the lab's folder; keys go to `ssh/` in it, process ids to `run/` */
  constructor(folder: string, nodes: readonly SshNode[]) {
    this.#folder = join(folder, 'ssh');
    this.#run = join(folder, 'run');
    this.#nodes = nodes;
  }

  /** The private key that every node lets in. */
  get identity(): string {
    return join(this.#folder, 'id');
  }

  /** Host keys of all nodes, by name and by address. */
  get knownHosts(): string {
    return join(this.#folder, 'known_hosts');
  }

  /** Makes the keys that are missing. */
  async prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o711 });
    await mkdir(this.#run, { recursive: true });
    await makeKey(this.identity);
    const lines: string[] = [];
    for (const { name, listen } of this.#nodes) {
      const key = await makeKey(join(this.#folder, `${name}.host`));
      const addresses = listen.map(({ address, port }) => (port === 22 ? address : `[${address}]:${port}`));
      lines.push(`${[name, ...addresses].join(',')} ${key}\n`);
    }
    await writeFile(this.knownHosts, lines.join(''));
  }

  /** Starts what does not listen yet. One that a former daemon started goes on. */
  async start(node: string): Promise<void> {
    const { listen, socket, direct } = this.#node(node);
    const bin = join(this.#folder, `${node}.bin`);
    await mkdir(bin, { recursive: true });
    for (const [name, script] of [
      ['pct', pctShim({ socket, direct })],
      ['lxc-attach', ATTACH_SHIM],
      ['pvesm', PVESM_SHIM],
      ['lxc-freeze', FREEZE_SHIM],
      ['lxc-unfreeze', FREEZE_SHIM],
    ] as const) {
      await writeFile(join(bin, name), script);
      await chmod(join(bin, name), 0o755);
    }
    // sshd run by root insists on this folder, which Debian's service makes at its start.
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    const key = await readFile(`${this.identity}.pub`, 'utf8');
    await writeFile(join(this.#folder, 'authorized'), key, { mode: 0o600 });
    for (const [index, address] of listen.entries()) {
      const config = this.#config(node, index);
      if (listenerOf(config) !== null) continue;
      await writeFile(config, this.#settings(node, index, address, bin));
      await this.#launch(node, index, address);
    }
  }

  /** Stops listening, and ends all sessions when the node has lost its power. */
  async stop(node: string, options: { readonly sessions: boolean }): Promise<void> {
    for (const index of this.#node(node).listen.keys()) {
      const config = this.#config(node, index);
      const pid = listenerOf(config);
      if (pid === null) continue;
      const victims = options.sessions ? [...descendants(pid), pid] : [pid];
      for (const victim of victims) kill(victim);
      while (listenerOf(config) !== null) await sleep(10);
    }
  }

  /** Whether a node lets anybody in. */
  isListening(node: string): boolean {
    return [...this.#node(node).listen.keys()].every(
      (index) => listenerOf(this.#config(node, index)) !== null,
    );
  }

  #node(name: string): SshNode {
    const node = this.#nodes.find((one) => one.name === name);
    if (!node) throw new RuntimeFailure(`Unable to find the ssh of "${name}": there is no such node.`);
    return node;
  }

  #config(node: string, index: number): string {
    return join(this.#folder, `${node}.${index}.sshd_config`);
  }

  #settings(node: string, index: number, { address, port }: ListenAddress, bin: string): string {
    return [
      `ListenAddress ${address}:${port}`,
      `HostKey "${join(this.#folder, `${node}.host`)}"`,
      `AuthorizedKeysFile "${join(this.#folder, 'authorized')}"`,
      `PidFile "${this.#pidFile(node, index)}"`,
      // Without PAM sshd refuses an account whose password is locked, which root's may be.
      `UsePAM ${isRootLocked() ? 'yes' : 'no'}`,
      'StrictModes no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'PrintMotd no',
      'PrintLastLog no',
      'MaxStartups 200',
      'MaxSessions 40',
      'AcceptEnv LANG LC_*',
      // A home of its own: what the machine's root has in its .bashrc would run before each command.
      `SetEnv "PATH=${bin}:${PATH}" "HOME=${bin}"`,
      '',
    ].join('\n');
  }

  #pidFile(node: string, index: number): string {
    return join(this.#run, `sshd-${node}-${index}.pid`);
  }

  async #launch(node: string, index: number, { address, port, namespace }: ListenAddress): Promise<void> {
    const log = join(this.#folder, `${node}.${index}.log`);
    await rm(log, { force: true });
    const enter = namespace === null ? [] : ['nsenter', `--net=/run/netns/${namespace}`, '--'];
    const sshd = [SSHD, '-f', this.#config(node, index), '-E', log];
    const [program = SSHD, ...args] = [...enter, ...sshd];
    const code = await new Promise<number | null>((resolve, reject) => {
      const child = spawn(program, args, { stdio: 'ignore', env: { PATH } });
      child.once('error', reject);
      child.once('exit', resolve);
    });
    const until = Date.now() + START_MS;
    while (code === 0 && Date.now() < until) {
      if (existsSync(this.#pidFile(node, index)) && (namespace !== null || (await answers(address, port))))
        return;
      await sleep(20);
    }
    const said = await readFile(log, 'utf8').catch(() => '');
    throw new RuntimeFailure(
      `Unable to start sshd of ${node} on ${address}:${port}: ${said.trim().split('\n').at(-1) || `it ended with ${code}`}`,
    );
  }
}

/** Makes a key pair where there is none. @returns the public part, without the comment */
async function makeKey(path: string): Promise<string> {
  if (!existsSync(path))
    await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'psa-lab', '-f', path]);
  return (await readFile(`${path}.pub`, 'utf8')).trim().split(' ').slice(0, 2).join(' ');
}

/** The sshd that was started with a configuration; a process id in a file may be anybody's by now. */
function listenerOf(config: string): number | null {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const command = text(`/proc/${name}/cmdline`);
    if (command.startsWith('sshd:') && command.includes(`-f ${config} `) && command.includes('[listener]'))
      return Number(name);
  }
  return null;
}

function descendants(pid: number): number[] {
  const direct = text(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return direct.flatMap((child) => [child, ...descendants(child)]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function isRootLocked(): boolean {
  return process.getuid?.() === 0 && /^root:!/m.test(text('/etc/shadow'));
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
