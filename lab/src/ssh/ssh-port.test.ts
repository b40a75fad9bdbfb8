import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { expect, it } from 'vitest';
import { isTakenEverywhere } from './ssh-port.ts';

const listen = (host: string) =>
  new Promise<Server>((resolve) => {
    const server = createServer();
    server.listen(0, host, () => resolve(server));
  });
const portOf = (server: Server) => (server.address() as { port: number }).port;
const table = () => readFileSync('/proc/net/tcp', 'utf8');

it('tells a port that is taken on all addresses from one that is taken on a single one', async () => {
  const [all, one] = await Promise.all([listen('0.0.0.0'), listen('127.0.0.1')]);
  try {
    expect(isTakenEverywhere(table(), portOf(all))).toBe(true);
    expect(isTakenEverywhere(table(), portOf(one))).toBe(false);
  } finally {
    all.close();
    one.close();
  }
  expect(isTakenEverywhere('   0: 00000000:0016 00000000:0000 0A 00000000:00000000', 22)).toBe(true);
  expect(isTakenEverywhere('   0: 00000000:0016 00000000:0000 01 00000000:00000000', 22)).toBe(false);
});
