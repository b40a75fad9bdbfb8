import { mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { type Readable, Writable } from 'node:stream';
import type { ContainerRuntime } from '../ports.ts';

/** A container as the cluster's configuration has it. */
export interface PctGuest {
  readonly id: number;
  readonly hostname: string;
  /** `backup`; null: none. */
  readonly lock: string | null;
}

/** What `pct` asks of the cluster. */
export interface PctCluster {
  /** Containers of a node. */
  guests(node: string): Promise<readonly PctGuest[]>;
  unlock(node: string, id: number): Promise<void>;
  /** Where a backup's file is on this machine. @throws what `pvesm` says */
  pathOf(node: string, volid: string): Promise<string>;
}

/** What a node's `pct` is answered from. */
export interface PctServerOptions {
  readonly node: string;
  /** Path of the socket. */
  readonly socket: string;
  readonly cluster: PctCluster;
  readonly runtime: ContainerRuntime;
}

/** Says why, as Proxmox VE does, and how `pct` ends: Perl dies with the last error of the system, or 255. */
class PctFailure extends Error {
  override name = 'PctFailure';
  readonly code: number;

  constructor(message: string, code = 255) {
    super(message);
    this.code = code;
  }
}

interface Answer {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/**
 * The daemon's side of `pct` on one node. A request is `PUT /pct?arg=…&arg=…` with what the command reads as its body;
 * the answer is `<exit code> <bytes of output>`, a line feed, the output and the errors.
 */
export class PctServer {
  readonly #options: PctServerOptions;
  #server: Server | null = null;

  constructor(options: PctServerOptions) {
    this.#options = options;
  }

  async listen(): Promise<void> {
    const { socket } = this.#options;
    await mkdir(dirname(socket), { recursive: true });
    // One that a killed daemon left would be in the way.
    await rm(socket, { force: true });
    const server = createServer((request, response) => void this.#serve(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socket, resolve);
    });
    this.#server = server;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const argv = new URL(request.url ?? '/', 'http://lab').searchParams.getAll('arg');
    const { code, stdout, stderr } = await this.#answer(argv, request).catch((error: Error) => ({
      code: error instanceof PctFailure ? error.code : 255,
      stdout: Buffer.alloc(0),
      stderr: Buffer.from(`${error.message}\n`),
    }));
    // Whoever hung up is told nothing.
    response.on('error', () => {});
    response.end(Buffer.concat([Buffer.from(`${code} ${stdout.length}\n`), stdout, stderr]));
  }

  async #answer(argv: readonly string[], body: Readable): Promise<Answer> {
    const { node, cluster, runtime } = this.#options;
    const [verb, idText, ...rest] = argv;
    if (verb === 'pvesm') {
      if (idText !== 'path' || rest.length !== 1)
        throw new PctFailure(`ERROR: unknown command 'pvesm ${idText ?? ''}'`);
      return said(`${await cluster.pathOf(node, rest[0]!)}\n`);
    }
    const guests = await cluster.guests(node);
    if (verb === 'list') return said(await this.#list(guests));
    const id = Number(idText);
    const guest = guests.find((one) => one.id === id);
    if (!guest) throw new PctFailure(`Configuration file 'nodes/${node}/lxc/${id}.conf' does not exist`, 2);
    if (verb === 'unlock') {
      await cluster.unlock(node, id);
      return said('');
    }
    const { state } = await runtime.state(node, id);
    if (verb === 'lxc-freeze' || verb === 'lxc-unfreeze') {
      if (state === 'stopped') throw new PctFailure(`${verb}: ${id}: the container is not running`, 1);
      await (verb === 'lxc-freeze' ? runtime.freeze(node, id) : runtime.unfreeze(node, id));
      return said('');
    }
    if (verb === 'status') return said(`status: ${state === 'stopped' ? 'stopped' : 'running'}\n`);
    if (verb === 'exec') {
      if (state === 'stopped') throw new PctFailure(`Error: container '${id}' not running!`);
      return this.#exec(id, rest, body);
    }
    if (state === 'stopped')
      throw new PctFailure(
        verb === 'push' ? 'can only push files to a running CT' : 'can only pull files from a running VM',
      );
    throw new PctFailure(`unable to ${verb} a file: CT ${id} is just starting or stopping`);
  }

  async #exec(id: number, argv: readonly string[], stdin: Readable): Promise<Answer> {
    const [stdout, stderr] = [collector(), collector()];
    const code = await this.#options.runtime.exec(this.#options.node, id, argv, {
      stdin,
      stdout: stdout.stream,
      stderr: stderr.stream,
    });
    return { code, stdout: stdout.content(), stderr: stderr.content() };
  }

  async #list(guests: readonly PctGuest[]): Promise<string> {
    if (guests.length === 0) return '';
    const lines = [['VMID', 'Status', 'Lock', 'Name']];
    for (const { id, lock, hostname } of guests.toSorted((a, b) => a.id - b.id)) {
      const { state } = await this.#options.runtime.state(this.#options.node, id);
      lines.push([String(id), state === 'stopped' ? 'stopped' : 'running', lock ?? '', hostname]);
    }
    const widths = [10, 10, 12, 20];
    return lines
      .map((line) => `${line.map((word, index) => word.padEnd(widths[index]!)).join(' ')}\n`)
      .join('');
  }
}

const said = (text: string): Answer => ({ code: 0, stdout: Buffer.from(text), stderr: Buffer.alloc(0) });

function collector(): { stream: Writable; content(): Buffer } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, content: () => Buffer.concat(chunks) };
}
