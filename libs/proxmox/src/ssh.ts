import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

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
const COLLECT_LIMIT = 16 * 1024 * 1024;

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
    const [program] = argv;
    if (program === undefined) throw new TypeError('no command');
    const command = ['pct', 'exec', id(vmid), '--', ...argv].map(shellQuote).join(' ');
    return this.#remote(node, `run ${program} in CT ${vmid}`, command, options);
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

  /** Removes a container's lock (an aborted backup leaves one), which REST cannot. */
  async unlock(node: string, vmid: number, options: Omit<ExecOptions, 'stdin'> = {}): Promise<void> {
    await this.#must(node, `unlock CT ${vmid}`, `pct unlock ${id(vmid)}`, options);
  }

  /** Ends the kept connections. */
  async close(): Promise<void> {
    const folder = await this.#folder;
    if (folder === null) return;
    this.#folder = null;
    for (const node of this.#used) {
      const child = spawn('ssh', [...this.#arguments(node, folder), '-O', 'exit', 'unused'], {
        stdio: 'ignore',
      });
      await new Promise((resolve) => child.once('close', resolve).once('error', resolve));
    }
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
      stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const stdout = new Collector(options.onStdout);
    const errors = new Collector(options.onStderr);
    const marks = new Marks(mark, (chunk) => errors.take(chunk));
    child.stdout?.on('data', (chunk: Buffer) => stdout.take(chunk));
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

/** A command may end without reading all that it is given; that is its affair. */
function feed(child: ChildProcess, stdin: string | Uint8Array | Readable): void {
  const source = stdin instanceof Readable ? stdin : Readable.from([Buffer.from(stdin)]);
  child.stdin!.on('error', () => source.destroy());
  source.on('error', () => child.kill('SIGTERM'));
  source.pipe(child.stdin!);
}

class Collector {
  readonly #tell: ((chunk: Uint8Array) => void) | undefined;
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(tell?: (chunk: Uint8Array) => void) {
    this.#tell = tell;
  }

  take(chunk: Buffer): void {
    this.#tell?.(chunk);
    // What is streamed is kept for errors only as far as its beginning goes.
    const room = (this.#tell ? 64 * 1024 : COLLECT_LIMIT) - this.#size;
    if (room <= 0) return;
    this.#chunks.push(chunk.subarray(0, room));
    this.#size += Math.min(chunk.length, room);
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

/** Takes our two marks out of the error output: what stands before the first is ssh's own. */
class Marks {
  hasBegun = false;
  /** The 255 is the command's own. */
  isOwn = false;
  before = '';
  readonly #begin: string;
  readonly #end: string;
  readonly #pass: (chunk: Buffer) => void;
  #held = '';

  constructor(mark: string, pass: (chunk: Buffer) => void) {
    this.#begin = `${mark}+\n`;
    this.#end = `${mark}-\n`;
    this.#pass = pass;
  }

  take(chunk: Buffer): void {
    // latin1 keeps every byte.
    this.#held += chunk.toString('latin1');
    if (!this.hasBegun) {
      const at = this.#held.indexOf(this.#begin);
      if (at < 0) return;
      this.hasBegun = true;
      this.before = this.#held.slice(0, at);
      this.#held = this.#held.slice(at + this.#begin.length);
    }
    // What may be the start of the end mark waits; it may come in pieces.
    let held = Math.min(this.#held.length, this.#end.length);
    while (held > 0 && !this.#held.endsWith(this.#end.slice(0, held))) held--;
    const free = this.#held.length - held;
    if (free > 0) this.#pass(Buffer.from(this.#held.slice(0, free), 'latin1'));
    this.#held = this.#held.slice(free);
  }

  end(): void {
    if (!this.hasBegun) {
      this.before = this.#held;
      return;
    }
    this.isOwn = this.#held.endsWith(this.#end);
    const rest = this.isOwn ? this.#held.slice(0, -this.#end.length) : this.#held;
    if (rest !== '') this.#pass(Buffer.from(rest, 'latin1'));
  }
}
