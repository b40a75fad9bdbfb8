import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What a line to a server does. */
export type LineState =
  /** Leads to the server. */
  | 'open'
  /** Takes connections and closes them: a load balancer with nobody behind it. */
  | 'closing'
  /** Takes what comes and answers nothing: a machine without power. */
  | 'silent';

/** A port that leads to a server on loopback, and can fail as networks do. */
export interface TcpLine {
  readonly port: number;
  /** From now on; connections that are open are cut, or left hanging when it falls silent. */
  set(state: LineState): void;
  /** Cuts the open connections once. */
  cut(): void;
  /** Cuts the clients' connections so that they see an error (ECONNRESET). */
  reset(): void;
  /** Leaves the open connections hanging for good, as a machine that lost its power; new ones work. */
  strand(): void;
  /** New connections lead to another port; the open ones stay where they are. */
  redirect(target: number): void;
  /** Holds back what the server says for so many milliseconds. */
  delay(ms: number): void;
  /** Lets only that through which the function leaves of a chunk of the server's; null: all of it. */
  filter(keep: ((chunk: Buffer) => Buffer) | null): void;
  /** Is told of each chunk that clients send. */
  hear(listener: (chunk: Buffer) => void): void;
  close(): Promise<void>;
}

export async function tcpLine(target: number): Promise<TcpLine> {
  let state: LineState = 'open';
  let to = target;
  let delayMs = 0;
  let filter: ((chunk: Buffer) => Buffer) | null = null;
  let heard: (chunk: Buffer) => void = () => {};
  const open = new Set<Socket>();
  const clients = new WeakSet<Socket>();
  const stranded = new WeakSet<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  };
  const server = createServer((socket) => {
    keep(socket);
    clients.add(socket);
    if (state === 'closing') {
      socket.end();
      return;
    }
    if (state === 'silent') return;
    const there = connect(to, '127.0.0.1');
    keep(there);
    // What falls silent stays so for the connections that it met.
    const speaks = () => state !== 'silent' && !stranded.has(socket);
    socket.on('data', (chunk: Buffer) => {
      heard(chunk);
      if (speaks()) there.write(chunk);
    });
    there.on('data', (chunk: Buffer) => {
      const pass = () => speaks() && !socket.destroyed && socket.write(filter ? filter(chunk) : chunk);
      if (delayMs > 0) setTimeout(pass, delayMs);
      else pass();
    });
    socket.on('close', () => there.destroy());
    there.on('close', () => speaks() && socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      // Whoever comes back has forgotten its connections.
      if (next === 'closing' || (state === 'silent' && next === 'open')) cut();
      state = next;
    },
    cut,
    reset() {
      for (const socket of open) if (clients.has(socket)) socket.resetAndDestroy();
    },
    strand() {
      for (const socket of open) stranded.add(socket);
    },
    redirect(next) {
      to = next;
    },
    delay(ms) {
      delayMs = ms;
    },
    filter(keep) {
      filter = keep;
    },
    hear(listener) {
      heard = listener;
    },
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
