import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '../inventory/expand.ts';
import type { Contents } from '../parts/part.ts';

/**
 * A machine of a test: namespaces of its own (network, mounts, processes, name) over a copy-on-write view of this
 * machine's files. Programs run as their units say, with the files of the contents at their places; what is missing is
 * systemd itself. Needs root. Everything ends with the process that holds it.
 */
export class Cell {
  readonly name: string;
  readonly #holder: ChildProcess;
  readonly #pid: number;
  readonly #log = new Map<string, string>();

  private constructor(name: string, holder: ChildProcess, pid: number) {
    this.name = name;
    this.#holder = holder;
    this.#pid = pid;
  }

  static async open(name: string): Promise<Cell> {
    const setUp = `set -e
      root=$(mktemp -d)
      mount -t tmpfs -o mode=755 none "$root"
      mkdir "$root/upper" "$root/work" "$root/root"
      mount -t overlay overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/root"
      cd "$root/root"
      mount -t proc none proc
      mount --rbind /dev dev
      mount -t tmpfs -o mode=755 none run
      mount -t tmpfs -o mode=1777 none tmp
      hostname "${name}"
      # What this machine's own packages have made; a template has none of it.
      rm -rf var/lib/postgresql/* var/lib/etcd/* var/lib/rabbitmq/* var/lib/redis/* var/lib/pgbackrest/*
      ip link set lo up
      echo ready
      # As an init does, it takes note of those that have ended: Patroni waits until a server is wholly gone.
      exec chroot . sh -c 'sleep infinity & wait'`;
    const namespaces = ['--mount', '--net', '--pid', '--uts', '--ipc', '--fork', '--kill-child'];
    // Nothing is left behind when the test run is killed.
    const holder = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...namespaces, 'sh', '-c', setUp], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    holder.stderr.on('data', (chunk) => (said += chunk));
    holder.stdout.on('data', (chunk) => (said += chunk));
    for (let turn = 0; !said.includes('ready'); turn++) {
      if (turn === 200 || holder.exitCode !== null) throw new Error(`Unable to make a cell: ${said}`);
      await sleep(50);
    }
    const children = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8');
    return new Cell(name, holder, Number(children.trim().split(' ')[0]));
  }

  get pid(): number {
    return this.#pid;
  }

  #enter(argv: readonly string[]): string[] {
    const spaces = ['--mount', '--net', '--pid', '--uts', '--ipc', '--root', '--wdns=/'];
    return ['-t', `${this.#pid}`, ...spaces, ...argv];
  }

  /** Starts a program as root; its streams are pipes. */
  spawn(argv: readonly string[]): ChildProcess {
    return spawn('nsenter', this.#enter(argv));
  }

  /** Runs a program as root to its end; `output` is what it printed, with the errors of one that failed. */
  run(argv: readonly string[], input?: string): { code: number | null; output: string } {
    const done = spawnSync('nsenter', this.#enter(argv), {
      encoding: 'utf8',
      timeout: 60_000,
      ...(input !== undefined && { input }),
    });
    return { code: done.status, output: `${done.stdout}${done.status === 0 ? '' : done.stderr}` };
  }

  sh(script: string): string {
    const { code, output } = this.run(['sh', '-c', script]);
    if (code !== 0) throw new Error(`${this.name}: "${script}" ended with ${code}: ${output}`);
    return output.trim();
  }

  /** Writes the files with their owners and rights. */
  install({ files }: Contents): void {
    for (const { path, text, mode, owner } of files) {
      const script = `mkdir -p "$(dirname "$1")" && rm -f "$1" && cat > "$1" && chown "$2" "$1" && chmod "$3" "$1"`;
      const done = this.run(['sh', '-c', script, 'sh', path, owner, mode.toString(8)], text);
      if (done.code !== 0) throw new Error(`${this.name}: unable to write ${path}: ${done.output}`);
    }
  }

  /** Starts a unit as its file of Debian and the drop-in say; what it prints is in `log`. */
  async start(unit: string): Promise<void> {
    const settings = [
      // A unit of ours takes the place of Debian's, or has none beside it.
      ...settingsOf(
        this.sh(`cat /etc/systemd/system/${unit} 2>/dev/null || cat /lib/systemd/system/${unit}`),
      ),
      ...settingsOf(this.run(['cat', `/etc/systemd/system/${unit}.d/psa.conf`]).output),
    ];
    const last = (name: string) => settings.findLast((one) => one.name === name)?.value;
    const list = (name: string) => {
      const values = settings.filter((one) => one.name === name).map((one) => one.value);
      // An empty value begins the list anew.
      return values.slice(values.lastIndexOf('') + 1);
    };
    const environment = list('EnvironmentFile').map((file) => {
      const path = file.replace(/^-/, '').replace('%p', unit.replace('.service', ''));
      return `if [ -e ${path} ]; then set -a; . ${path}; set +a; fi`;
    });
    const fixed = list('Environment').map((pair) => `export ${pair.replaceAll('%H', this.name)}`);
    const user = last('User') ?? 'root';
    const spawned = (command: string) => {
      const isRoots = command.startsWith('+') || user === 'root';
      const login = isRoots ? '' : `setpriv --reuid=${user} --regid=${user} --init-groups `;
      const home = `export HOME="$(getent passwd ${isRoots ? 'root' : user} | cut -d: -f6)"`;
      const place = `${home}; cd ${last('WorkingDirectory') ?? '/'}`;
      const line = [...fixed, ...environment, place, `exec ${login}${command.replace(/^[+-]/, '')}`];
      const child = spawn('nsenter', this.#enter(['sh', '-c', line.join('\n')]), {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child.stdout.on('data', (chunk) => this.#note(unit, String(chunk)));
      child.stderr.on('data', (chunk) => this.#note(unit, String(chunk)));
      return child;
    };
    const runtime = last('RuntimeDirectory');
    if (runtime) this.sh(`install -d -o ${user} -g ${user} /run/${runtime}`);
    for (const command of list('ExecStartPre')) {
      const [code] = (await once(spawned(command), 'exit')) as [number | null];
      if (code !== 0) throw new Error(`${this.name}: ${command} ended with ${code}: ${this.log(unit)}`);
    }
    spawned(last('ExecStart')!);
    for (const command of list('ExecStartPost')) spawned(command);
  }

  log(unit: string): string {
    return this.#log.get(unit) ?? '';
  }

  /** Ends the machine with all its processes, as a power cut does. */
  close(): void {
    this.#holder.kill('SIGKILL');
    if (existsSync(`/proc/${this.#pid}`)) process.kill(this.#pid, 'SIGKILL');
  }

  #note(unit: string, text: string): void {
    this.#log.set(unit, `${this.log(unit)}${text}`.slice(-200_000));
  }
}

function settingsOf(text: string): { name: string; value: string }[] {
  return text.split('\n').flatMap((line) => {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [{ name, value }];
  });
}

/** Runs a shell's line as the database's user. */
export const asPostgres = (cell: Cell, line: string) =>
  cell.run(['su', 'postgres', '-s', '/bin/sh', '-c', `cd /; ${line}`]);

/** The same of what must end well. @returns what it wrote */
export function mustAsPostgres(cell: Cell, line: string): string {
  const { code, output } = asPostgres(cell, line);
  if (code !== 0) throw new Error(`${cell.name}: ${line} ended with ${code}: ${output}`);
  return output.trim();
}

/** Machines on one wire, each with its container's name and address. */
export async function wiredCells(containers: readonly Container[]): Promise<{
  readonly cells: readonly Cell[];
  /** A new machine in the place of one, with nothing on its disk. */
  replace(index: number): Promise<Cell>;
  close(): void;
}> {
  const hub = await Cell.open('hub');
  hub.sh('ip link add br0 type bridge && ip link set br0 up');
  const cells: Cell[] = [];
  let wires = 0;
  const join = async (container: Container): Promise<Cell> => {
    const cell = await Cell.open(container.name);
    const wire = `w${wires++}`;
    const ip = (...args: string[]) => execFileSync('nsenter', ['-t', `${hub.pid}`, '--net', 'ip', ...args]);
    ip('link', 'add', wire, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', `${cell.pid}`);
    ip('link', 'set', wire, 'master', 'br0', 'up');
    cell.sh(`ip addr add ${container.address}/${container.prefix} dev eth0 && ip link set eth0 up`);
    return cell;
  };
  const close = () => {
    for (const cell of [...cells, hub]) cell.close();
  };
  try {
    for (const container of containers) cells.push(await join(container));
  } catch (error) {
    close();
    throw error;
  }
  return {
    cells,
    async replace(index) {
      cells[index]!.close();
      cells[index] = await join(containers[index]!);
      return cells[index];
    },
    close,
  };
}
