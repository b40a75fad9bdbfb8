import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntimeFailure } from '../ports.ts';
import { isIn, namespaceFile, readPid } from './namespaces.ts';

/** An address and a port. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** One socat. It outlives its starter; whoever starts it again with the same file takes its place. */
export interface ForwardOptions {
  readonly namespace: string;
  /** Unix socket on the machine. */
  readonly socket: string;
  readonly pidFile: string;
}

/** Something that ends. */
export interface Running {
  stop(): Promise<void>;
}

/** A unix socket on the machine that leads to an address inside a namespace. */
export async function forwardInto(options: ForwardOptions & { readonly to: Place }): Promise<Running> {
  const { socket, to } = options;
  await endOld(options);
  await rm(socket, { force: true });
  return start(options, [
    `UNIX-LISTEN:${socket},fork,mode=600,backlog=512`,
    `TCP4:${to.host}:${to.port},nodelay,keepalive,connect-timeout=5`,
  ]);
}

/** An address inside a namespace that leads to a unix socket on the machine. */
export async function forwardOutOf(options: ForwardOptions & { readonly listen: Place }): Promise<Running> {
  const { socket, listen } = options;
  await endOld(options);
  return start(options, [
    `TCP4-LISTEN:${listen.port},bind=${listen.host},reuseaddr,fork,nodelay,keepalive,backlog=512`,
    `UNIX-CONNECT:${socket}`,
  ]);
}

/** A port of this process that leads to a unix socket. */
export async function forwardToSocket(listen: Place, socket: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (outer) => {
    const inner = connect({ path: socket, allowHalfOpen: true });
    // An end that breaks off takes the other with it; there is nobody to tell.
    pipeline(outer, inner, outer, () => {
      inner.destroy();
      outer.destroy();
    });
  });
  server.listen(listen.port, listen.host);
  await once(server, 'listening');
  return server;
}

async function start(options: ForwardOptions, ends: readonly [string, string]): Promise<Running> {
  const { namespace, pidFile } = options;
  // A client that has said all may wait long for its answer; socat's own patience is half a second.
  const argv = ['socat', '-t', '600', '-b', '65536', ...ends];
  const child = spawn('nsenter', [`--net=${namespaceFile(namespace)}`, '--', ...argv], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk}`.slice(-1_000)));
  const failed = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', () => resolve(said.trim() || 'it ended'));
  });
  for (let waited = 0; waited < 10_000; waited += 10) {
    const problem = await Promise.race([failed, sleep(10).then(() => null)]);
    if (problem !== null)
      throw new RuntimeFailure(`Unable to forward ${ends[0]} to ${ends[1]} in ${namespace}: ${problem}`);
    if (await listens(child.pid!, ends[0])) break;
  }
  await writeFile(pidFile, `${child.pid}\n`);
  child.stderr.removeAllListeners('data').resume();
  child.unref();
  (child.stderr as unknown as { unref(): void }).unref();
  return { stop: () => endOld(options) };
}

/** Whether the process has opened what it shall listen on. */
async function listens(pid: number, end: string): Promise<boolean> {
  const socket = /^UNIX-LISTEN:([^,]+)/.exec(end)?.[1];
  const table = await readFile(`/proc/${pid}/net/${socket ? 'unix' : 'tcp'}`, 'utf8').catch(() => '');
  if (socket) return table.split('\n').some((line) => line.endsWith(` ${socket}`));
  const port = Number(/^TCP4-LISTEN:(\d+)/.exec(end)![1])
    .toString(16)
    .toUpperCase()
    .padStart(4, '0');
  // "0A" is LISTEN.
  return table.split('\n').some((line) => new RegExp(`^ *\\d+: [0-9A-F]{8}:${port} \\S+ 0A `).test(line));
}

/** Ends the socat that the file names, with the connections it carries, if it is still the one. */
async function endOld({ namespace, pidFile }: ForwardOptions): Promise<void> {
  const pid = await readPid(pidFile);
  await rm(pidFile, { force: true });
  if (pid === null) return;
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  if (name.trim() !== 'socat' || !(await isIn(namespace, pid))) return;
  try {
    // Detached: its connections are in its process group.
    process.kill(-pid, 'SIGTERM');
    for (let waited = 0; waited < 3_000; waited += 10) {
      process.kill(pid, 0);
      await sleep(10);
    }
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
