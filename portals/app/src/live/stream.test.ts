import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { type LiveStream, openLiveStream, parseLiveMessage, reconnectDelay } from './stream.ts';

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanup.splice(0)) undo();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 5));
}

async function streamServer(): Promise<{ server: WebSocketServer; url: string }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((done) => server.on('listening', done));
  cleanup.push(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return { server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function keep(stream: LiveStream): LiveStream {
  cleanup.push(() => stream.close());
  return stream;
}

const event = { type: 'ticket.opened.v1', aggregate: { type: 'ticket', id: '1' } };

it('delivers events, comes back after an interruption and reports the gap', async () => {
  const { server, url } = await streamServer();
  let connections = 0;
  server.on('connection', (socket) => {
    connections += 1;
    socket.send('ping');
    socket.send(JSON.stringify(event));
    if (connections === 1) setTimeout(() => socket.terminate(), 10);
  });
  const messages: unknown[] = [];
  const states: string[] = [];
  let gaps = 0;
  keep(
    openLiveStream({
      url,
      onMessage: (m) => messages.push(m),
      onStatus: (s) => states.push(s),
      onGap: () => gaps++,
      delay: () => 5,
    }),
  );
  await until(() => messages.length === 2);
  expect(messages).toEqual([event, event]);
  expect(gaps).toBe(1);
  expect(states).toEqual(['connecting', 'open', 'waiting', 'connecting', 'open']);
});

it('renews the session when told that it ended, and stops when there is none', async () => {
  const { server, url } = await streamServer();
  let connections = 0;
  server.on('connection', (socket) => {
    connections += 1;
    socket.close(4401);
  });
  const answers = [true, false];
  let renewals = 0;
  let closed = false;
  keep(
    openLiveStream({
      url,
      onMessage: () => {},
      onStatus: (s) => {
        closed = s === 'closed';
      },
      renewSession: async () => answers[renewals++]!,
      delay: () => 5,
    }),
  );
  await until(() => closed);
  expect([connections, renewals]).toEqual([2, 2]);
});

it('takes only events for events', () => {
  expect(parseLiveMessage(JSON.stringify(event))).toEqual(event);
  for (const other of ['', 'null', '[]', '{"type":"hello"}', '{"type":"x","aggregate":{"type":"t"}}', 5]) {
    expect(parseLiveMessage(other)).toBeNull();
  }
});

it('waits longer each time, up to half a minute', () => {
  const delays = [0, 1, 2, 3, 10].map((attempt) => reconnectDelay(attempt, () => 1));
  expect(delays).toEqual([1000, 2000, 4000, 8000, 30_000]);
  expect(reconnectDelay(0, () => 0)).toBe(500);
});
