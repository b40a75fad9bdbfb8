import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort } from './free-port.ts';

describe('a free port', () => {
  it('is none that the kernel gives to a connection or a listener by itself', async () => {
    const [low, high] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
      .split(/\s+/)
      .map(Number);
    for (let i = 0; i < 50; i++) {
      const port = await freePort();
      expect(port < low! || port > high!, `${port} is one of ${low}–${high}`).toBe(true);
    }
  });

  it('can be listened on, and again after that', async () => {
    const port = await freePort();
    for (let i = 0; i < 2; i++) {
      const server = createServer();
      await new Promise<void>((resolve, reject) =>
        server.once('error', reject).listen(port, '127.0.0.1', resolve),
      );
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
