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
  close(): Promise<void>;
}

export async function tcpLine(target: number): Promise<TcpLine> {
  let state: LineState = 'open';
  const open = new Set<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  };
  const server = createServer((socket) => {
    keep(socket);
    if (state === 'closing') {
      socket.end();
      return;
    }
    if (state === 'silent') return;
    const there = connect(target, '127.0.0.1');
    keep(there);
    // What falls silent stays so for the connections that it met.
    const pass = (to: Socket) => (chunk: Buffer) => {
      if (state !== 'silent') to.write(chunk);
    };
    socket.on('data', pass(there));
    there.on('data', pass(socket));
    socket.on('close', () => there.destroy());
    there.on('close', () => socket.destroy());
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
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
