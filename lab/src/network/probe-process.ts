/**
 * Tries sockets from where it runs: started in a network namespace, told what to do by lines of JSON, one answer each.
 */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createInterface } from 'node:readline';
import type { ProbeFound, ProbeOrder } from './probe-child.ts';

type Ask = (order: Omit<ProbeOrder, 'id'>) => Promise<string | readonly string[]>;
const open: { close(): unknown }[] = [];

const ORDERS: Readonly<Record<ProbeOrder['do'], Ask>> = {
  addresses: async () =>
    Object.values(networkInterfaces())
      .flat()
      .map((one) => one!.address),
  listen: ({ protocol, address, port }) => (protocol === 'tcp' ? listenTcp : listenUdp)(address, port),
  connect: (order) => (order.protocol === 'tcp' ? connectTcp : connectUdp)(order),
};

/** `taken`: something listens there already, which is as good. */
const refusal = (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? 'taken' : error.message);

function listenTcp(address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.on('error', () => {}).end());
    server.on('error', (error) => resolve(refusal(error)));
    server.listen(port, address, () => resolve('listening'));
    open.push(server);
  });
}

function listenUdp(address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4', (message, from) => socket.send(message, from.port, from.address));
    socket.on('error', (error) => resolve(refusal(error)));
    socket.bind(port, address, () => resolve('listening'));
    open.push(socket);
  });
}

const foundIn = (error: NodeJS.ErrnoException): ProbeFound =>
  error.code === 'ECONNREFUSED' ? 'refused' : 'unreachable';

function connectTcp({ address, port, from, timeoutMs }: Omit<ProbeOrder, 'id'>): Promise<ProbeFound> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, ...(from && { localAddress: from }) });
    const done = (found: ProbeFound) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(found);
    };
    const timer = setTimeout(() => done('silent'), timeoutMs);
    socket.on('connect', () => done('open'));
    socket.on('error', (error) => done(foundIn(error)));
  });
}

/** A question for the name "psa": a name server answers it, our own listeners send it back. */
const QUESTION = Buffer.from('505301000001000000000000037073610000010001', 'hex');

/** UDP has no connection: it is open when an answer comes. What is lost on the way is asked again. */
function connectUdp({ address, port, from, timeoutMs }: Omit<ProbeOrder, 'id'>): Promise<ProbeFound> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const done = (found: ProbeFound) => {
      clearTimeout(timer);
      clearInterval(again);
      socket.close();
      resolve(found);
    };
    const send = () => socket.send(QUESTION, (error) => error && done(foundIn(error)));
    const timer = setTimeout(() => done('silent'), timeoutMs);
    const again = setInterval(() => connected && send(), 300);
    let connected = false;
    socket.on('error', (error) => done(foundIn(error)));
    socket.on('message', () => done('open'));
    socket.bind(0, from ?? undefined, () =>
      socket.connect(port, address, () => {
        connected = true;
        send();
      }),
    );
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...order } = JSON.parse(line) as ProbeOrder;
  ORDERS[order.do](order).then(
    (answer) => process.stdout.write(`${JSON.stringify({ id, answer })}\n`),
    (error: Error) => process.stdout.write(`${JSON.stringify({ id, answer: error.message })}\n`),
  );
}
for (const one of open) one.close();
process.exit(0);
