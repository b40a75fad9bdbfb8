import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Collector, Marks } from './ssh-output.ts';
import { drain, feed } from './ssh-streams.ts';

/** Where a node's ssh listens. */
export interface SshTarget {
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
  /** The name under which its key stands in known_hosts; Proxmox writes them by node name. */
  readonly hostKeyAlias?: string;
}

/** How to reach the nodes. */
export interface SshOptions {
  /** Node name → where. */
  readonly nodes: Readonly<Record<string, SshTarget>>;
  /** Their host keys. A key that does not stand there is refused. */
  readonly knownHosts: string;
  /** The private key's file; without it the agent's. */
  readonly identity?: string;
  readonly connectTimeoutSec?: number;
  /** How long an idle connection is kept for the next command (60 s). */
  readonly keepSec?: number;
  /** Takes secrets out of what goes into errors. */
  readonly hide?: (text: string) => string;
}

/** How to run one command. */
export interface ExecOptions {
  /** What the command reads. Secrets belong here, never among the arguments: those stand in the node's process list. */
  readonly stdin?: string | Uint8Array | Readable;
  /** Given the output as it comes; it is not collected then. */
  readonly onStdout?: (chunk: Uint8Array) => void;
  readonly onStderr?: (chunk: Uint8Array) => void;
  /** Gets the output as fast as it takes it, and is not ended; a command whose output nobody takes any more is ended. */
  readonly stdout?: Writable;
  /** An open file of this process: the output goes there without coming through here, which takes half of the time. */
  readonly stdoutFile?: { readonly fd: number };
  /** After it the command is no longer waited for; in the container it may go on. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** How a command in a container ended: with its own exit code, whatever that is. */
export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `pct push` gives the file in the container. */
export interface PushOptions extends Omit<ExecOptions, 'stdin'> {
  /** Octal, as in `0640`. */
  readonly perms?: string;
  readonly user?: string | number;
  readonly group?: string | number;
}

/** ssh itself failed, or a command that must succeed did not. */
export class SshError extends Error {
  override readonly name = 'SshError';
  readonly node: string;
  /** The exit code, when there was one. */
  readonly code: number | null;
  readonly stderr: string;
  /** The command may have begun, and its end was not seen: nobody knows how far it came. */
  readonly outcomeUnknown: boolean;

  constructor(
    node: string,
    what: string,
    why: string,
    more: { code: number | null; stderr: string; begun: boolean },
  ) {
    const unknown = more.begun && more.code === null;
    super(`Unable to ${what} on ${node}: ${why}${unknown ? ' - it may have happened all the same' : ''}`);
    this.node = node;
    this.code = more.code;
    this.stderr = more.stderr;
    this.outcomeUnknown = unknown;
  }
}

/** sshd lets ten commands share a connection; two are left to others. */
const AT_ONCE = 8;
/** What ssh says when there was no session: no connection, another host, not let in. */
const NO_SESSION =
  /Connection (?:refused|timed out)|No route to host|Network is unreachable|Could not resolve|Host key verification failed|Permission denied|kex_exchange_identification|Too many authentication failures/;
/** What ends neither by itself nor when it is told to is killed after so long. */
const KILL_SEC = 2;
/** Containers of a node that are asked at once. */
const SIDE_BY_SIDE = 16;
/** An init that dies does so in the first seconds. */
const CONSOLE_SEC = 15;
/** What the way to the node and back may take beside the commands. */
const EACH_GRACE_MS = 15_000;

/**
 * What a command in a container finds around it. `pct exec` hands on what sshd had (SSH_CONNECTION, LANG …) and a PATH
 * without /usr/local (`lxc-attach`). Its `--keep-env 0` (pve-container 5.0.9, so in 8.4) leaves all of that out and has
 * the same PATH as this; it gives no HOME and no LANG, so they would have to be set here all the same.
 */
const CLEAN: readonly string[] = [
  ...['/usr/bin/env', '-i', 'HOME=/root', 'LANG=C.UTF-8'],
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
];

/** An argument as the node's shell must read it. */
export function shellQuote(text: string): string {
  if (text.includes('\0')) throw new TypeError('an argument cannot hold a NUL');
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** What REST cannot do: commands in containers, files into them, stale locks. By ssh to the owning node, and `pct`. */
export class PctShell {
  readonly #options: SshOptions;
  #folder: Promise<string> | null = null;
  readonly #used = new Set<string>();
  readonly #running = new Map<string, number>();
  readonly #waiting: { node: string; go: () => void }[] = [];

  constructor(options: SshOptions) {
    this.#options = options;
  }

  /**
   * Runs a command in a container. Its exit code is passed on, not judged; 255 with a text can be `pct`'s own (no such
   * container, not running), for that is how Perl dies.
   */
  async exec(
    node: string,
    vmid: number,
    argv: readonly string[],
    options: ExecOptions = {},
  ): Promise<ExecResult> {
    const command = execCommand(vmid, argv).map(shellQuote).join(' ');
    return this.#remote(node, `run ${argv[0]} in CT ${vmid}`, command, options);
  }

  /**
   * Runs a shell's script on the node itself. Its exit code is passed on, not judged.
   * @param what for people, as in `read its configuration`
   */
  async onNode(node: string, what: string, script: string, options: ExecOptions = {}): Promise<ExecResult> {
    return this.#remote(node, what, script, options);
  }

  /**
   * Runs a command in each of several running containers of a node, side by side and in one session: the way to a node costs
   * more than what is asked there. One that does not end in time ends with 124, or with 137 when it had to be killed;
   * the others are not the later for it than by what it took in its lane.
   * @param options `timeoutMs`: for each of them. `graceMs`: for the way there and back (15 s)
   */
  async execEach(
    node: string,
    commands: ReadonlyMap<number, readonly string[]>,
    options: { readonly timeoutMs: number; readonly graceMs?: number; readonly signal?: AbortSignal },
  ): Promise<ReadonlyMap<number, ExecResult>> {
    const mark = `psa-${randomBytes(12).toString('hex')}`;
    const ids = [...commands.keys()].map(id);
    const seconds = Math.ceil(options.timeoutMs / 1000);
    // So many lanes, in each of them one after the other: a container that hangs holds up its lane alone.
    const lanes: string[] = Array(Math.min(SIDE_BY_SIDE, commands.size)).fill('');
    for (const [index, [vmid, argv]] of [...commands].entries()) {
      const limit = ['timeout', '-k', String(KILL_SEC), String(seconds)];
      const run = [...limit, ...attachCommand(vmid, argv)].map(shellQuote).join(' ');
      lanes[index % SIDE_BY_SIDE] +=
        `${run} >"$t/${vmid}.out" 2>"$t/${vmid}.err" </dev/null; echo $? >"$t/${vmid}.rc"\n`;
    }
    const inLane = Math.ceil(commands.size / SIDE_BY_SIDE);
    const script = `t=$(mktemp -d) || exit 1
trap 'rm -rf "$t"' EXIT
${lanes.map((lane) => `(\n${lane}) &\n`).join('')}wait
for id in ${ids.join(' ')}; do
  echo "${mark} $id $(cat "$t/$id.rc")"
  cat "$t/$id.out"
  echo; echo "${mark}"
  cat "$t/$id.err"
  echo
done
`;
    const what = `ask ${ids.length} containers`;
    // By its input: arguments have a limit.
    const timeoutMs = inLane * (seconds + KILL_SEC) * 1000 + (options.graceMs ?? EACH_GRACE_MS);
    const all = { ...options, timeoutMs, stdin: script };
    const { code, stdout, stderr } = await this.#remote(node, what, 'sh', all);
    if (code !== 0)
      throw new SshError(node, what, stderr.trim() || `it ended with ${code}`, { code, stderr, begun: true });
    const [, ...pieces] = stdout.split(new RegExp(`^${mark}(.*)\n`, 'm'));
    const results = new Map<number, ExecResult>();
    for (let at = 0; at + 3 < pieces.length; at += 4) {
      const [vmid, status] = pieces[at]!.trim().split(' ').map(Number) as [number, number];
      const [out, err] = [pieces[at + 1]!.slice(0, -1), pieces[at + 3]!.slice(0, -1)];
      results.set(vmid, { code: status, stdout: out, stderr: err });
    }
    return results;
  }

  /** Puts a file (by its path here) or a content into a container. Nothing is pushed that did not arrive whole. */
  async push(
    node: string,
    vmid: number,
    source: { readonly file: string } | { readonly content: string | Uint8Array },
    destination: string,
    options: PushOptions = {},
  ): Promise<void> {
    const open = () =>
      'file' in source ? createReadStream(source.file) : Readable.from([Buffer.from(source.content)]);
    const hash = createHash('sha256');
    await pipeline(open(), hash);
    const { perms, user, group, ...rest } = options;
    const flags = Object.entries({ perms, user, group }).flatMap(([key, value]) =>
      value === undefined ? [] : [`--${key}`, shellQuote(String(value))],
    );
    const push = ['pct push', id(vmid), '"$t"', shellQuote(destination), ...flags].join(' ');
    const script = [
      'set -e',
      'umask 077',
      't=$(mktemp)',
      `trap 'rm -f "$t"' EXIT`,
      'cat >"$t"',
      // A connection that breaks ends the file early, without an error.
      `[ "$(sha256sum <"$t")" = "${hash.digest('hex')}  -" ] || { echo "the file did not arrive whole" >&2; exit 65; }`,
      push,
    ].join('; ');
    await this.#must(node, `push ${destination} into CT ${vmid}`, script, { ...rest, stdin: open() });
  }

  /**
   * The last lines of a stopped container's console, and LXC's word on its end. Proxmox keeps neither, so it is started
   * once more, beside Proxmox, for some seconds: not for one that HA manages, or that must not run.
   */
  async console(node: string, vmid: number, options: Omit<ExecOptions, 'stdin'> = {}): Promise<string> {
    // What Proxmox does not run must not stay: a signal to lxc-start is handed on to the init, which may not heed it.
    const script = `c=$(mktemp) || exit 1
trap 'rm -f "$c" "$c.lxc"' EXIT
lxc-start -F -n ${id(vmid)} -l INFO -o /dev/stderr -s "lxc.console.logfile=$c" </dev/null >/dev/null 2>"$c.lxc" &
for i in $(seq ${CONSOLE_SEC}0); do kill -0 $! 2>/dev/null || break; sleep 0.1; done
if kill -0 $! 2>/dev/null; then lxc-stop -k -n ${id(vmid)}; fi
wait $!
tail -n 12 "$c"; sed -n 's/.*\\(Child .* ended on .*\\)/\\1/p; s/.* ERROR *//p' "$c.lxc" | tail -n 4`;
    const { stdout } = await this.#remote(node, `see the console of CT ${vmid}`, script, {
      timeoutMs: (CONSOLE_SEC + 10) * 1000,
      ...options,
    });
    return this.#hide(stdout.replaceAll('\r', ''));
  }

  /** Removes a container's lock (an aborted backup leaves one), which REST cannot. */
  async unlock(node: string, vmid: number, options: Omit<ExecOptions, 'stdin'> = {}): Promise<void> {
    await this.#must(node, `unlock CT ${vmid}`, `pct unlock ${id(vmid)}`, options);
  }

  /** Ends the kept connections. */
  async close(): Promise<void> {
    const folder = await this.#folder;
    if (folder === null) return;
    this.#folder = null;
    await Promise.all(
      [...this.#used].map((node) => {
        const child = spawn('ssh', [...this.#arguments(node, folder), '-O', 'exit', 'unused'], {
          stdio: 'ignore',
        });
        return new Promise((resolve) => child.once('close', resolve).once('error', resolve));
      }),
    );
    this.#used.clear();
    await rm(folder, { recursive: true, force: true });
  }

  async #must(node: string, what: string, command: string, options: ExecOptions): Promise<void> {
    const { code, stderr } = await this.#remote(node, what, command, options);
    if (code === 0) return;
    const last = this.#hide(stderr.trim().split('\n').slice(-5).join('\n'));
    throw new SshError(node, what, `${last || 'it failed'} (exit code ${code})`, {
      code,
      stderr: last,
      begun: true,
    });
  }

  async #remote(node: string, what: string, command: string, options: ExecOptions): Promise<ExecResult> {
    this.#folder ??= mkdtemp(join(tmpdir(), 'psa-ssh-'));
    const folder = await this.#folder;
    const prefix = this.#arguments(node, folder);
    await this.#enter(node);
    this.#used.add(node);
    try {
      return await this.#spawn(node, what, command, options, prefix);
    } finally {
      this.#leave(node);
    }
  }

  async #spawn(
    node: string,
    what: string,
    command: string,
    options: ExecOptions,
    prefix: readonly string[],
  ): Promise<ExecResult> {
    // ssh gives 255 for its own failures and for a command's own 255. The command's words tell them apart: that it
    // began, and that the 255 is its.
    const mark = `psa-${randomBytes(12).toString('hex')}`;
    const wrapped = `echo ${mark}+ >&2; ( ${command} ); rc=$?; if [ $rc = 255 ]; then echo ${mark}- >&2; fi; exit $rc`;
    const child = spawn('ssh', [...prefix, 'unused', wrapped], {
      stdio: [options.stdin === undefined ? 'ignore' : 'pipe', options.stdoutFile?.fd ?? 'pipe', 'pipe'],
    });
    const stdout = new Collector(options.onStdout);
    const errors = new Collector(options.onStderr);
    const marks = new Marks(mark, (chunk) => errors.take(chunk));
    if (options.stdout === undefined) child.stdout?.on('data', (chunk: Buffer) => stdout.take(chunk));
    else drain(child, options.stdout);
    child.stderr?.on('data', (chunk: Buffer) => marks.take(chunk));
    if (options.stdin !== undefined) feed(child, options.stdin);

    let ended: 'timeout' | 'aborted' | null = null;
    const stop = (why: 'timeout' | 'aborted') => {
      ended ??= why;
      child.kill('SIGTERM');
    };
    const timer =
      options.timeoutMs === undefined ? null : setTimeout(() => stop('timeout'), options.timeoutMs);
    const onAbort = () => stop('aborted');
    options.signal?.addEventListener('abort', onAbort);
    if (options.signal?.aborted) onAbort();
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
      // The kept connection holds the pipes of a command that still runs; who gave up does not wait for it.
      child.once('exit', (status) => {
        if (!ended) return;
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve(status);
      });
    }).finally(() => {
      if (timer) clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
    });
    marks.end();

    if (!ended && code !== null && (code !== 255 || marks.isOwn))
      return { code, stdout: stdout.text(), stderr: errors.text() };
    const said = this.#hide((marks.before + errors.text()).trim().split('\n').slice(-5).join('\n'));
    const why =
      ended === 'timeout'
        ? `no end after ${options.timeoutMs} ms`
        : ended === 'aborted'
          ? 'it was aborted'
          : said || 'the connection broke';
    // Only ssh's own words prove that the command never began; a mark that did not arrive proves nothing.
    const neverBegan = !ended && !marks.hasBegun && NO_SESSION.test(marks.before);
    throw new SshError(node, what, why, { code: null, stderr: said, begun: !neverBegan });
  }

  #arguments(node: string, folder: string): string[] {
    const target = this.#options.nodes[node];
    if (!target) throw new Error(`The inventory names no ssh address for node "${node}".`);
    const { knownHosts, identity, connectTimeoutSec = 10, keepSec = 60 } = this.#options;
    const settings: Record<string, string | number> = {
      BatchMode: 'yes',
      StrictHostKeyChecking: 'yes',
      UserKnownHostsFile: `"${knownHosts}"`,
      GlobalKnownHostsFile: 'none',
      UpdateHostKeys: 'no',
      // A dump of gigabytes goes through it: processors have AES built in, and ChaCha20 takes a core's second for each of them.
      Ciphers: '^aes128-gcm@openssh.com',
      ControlMaster: 'auto',
      ControlPath: join(folder, '%C'),
      ControlPersist: keepSec,
      ConnectTimeout: connectTimeoutSec,
      // Without it a node that dies is noticed after minutes.
      ServerAliveInterval: 10,
      ServerAliveCountMax: 3,
      LogLevel: 'ERROR',
      HostName: target.host,
      Port: target.port ?? 22,
      User: target.user ?? 'root',
      ...(target.hostKeyAlias === undefined ? {} : { HostKeyAlias: target.hostKeyAlias }),
      ...(identity === undefined ? {} : { IdentityFile: `"${identity}"`, IdentitiesOnly: 'yes' }),
    };
    // -F none: what the user's own configuration says is not asked. -T: no terminal.
    return [
      '-F',
      'none',
      '-T',
      ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
    ];
  }

  #hide(text: string): string {
    return this.#options.hide?.(text) ?? text;
  }

  async #enter(node: string): Promise<void> {
    const running = this.#running.get(node) ?? 0;
    if (running >= AT_ONCE) await new Promise<void>((go) => this.#waiting.push({ node, go }));
    else this.#running.set(node, running + 1);
  }

  #leave(node: string): void {
    const next = this.#waiting.findIndex((one) => one.node === node);
    // The place goes straight to the next one that waits.
    if (next >= 0) this.#waiting.splice(next, 1)[0]!.go();
    else this.#running.set(node, (this.#running.get(node) ?? 1) - 1);
  }
}

function id(vmid: number): string {
  if (!Number.isSafeInteger(vmid) || vmid < 100) throw new TypeError(`${vmid} is no container's id`);
  return String(vmid);
}

/** `pct exec` with an environment of its own. */
const execCommand = (vmid: number, argv: readonly string[]) => [
  'pct',
  'exec',
  id(vmid),
  '--',
  ...cleanly(argv),
];

/**
 * What `pct exec` becomes in the end. Before that it is a Perl with all of Proxmox in it, 0.7 s of a processor for each
 * container, only to see whether there is one and it runs.
 */
const attachCommand = (vmid: number, argv: readonly string[]) => [
  ...['lxc-attach', '-n', id(vmid), '--keep-env', '--'],
  ...cleanly(argv),
];

function cleanly(argv: readonly string[]): readonly string[] {
  const [program] = argv;
  if (program === undefined) throw new TypeError('no command');
  // To env it would be a setting.
  if (program.includes('=')) throw new TypeError(`"${program}" is no program`);
  return [...CLEAN, ...argv];
}
