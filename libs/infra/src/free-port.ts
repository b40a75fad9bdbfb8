import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Below are ports of well-known servers. */
const LOWEST = 10_240;
/** Where the kernel says nothing of it: Linux's own default. */
const USUAL_EPHEMERAL = 32_768;

/**
 * A TCP port on 127.0.0.1 that nothing listens on at this moment, drawn from those that the kernel gives to nobody by
 * itself (`ip_local_port_range`): a server that is ended and started again finds it free, whatever connections and
 * listeners without a wish of their own came meanwhile. Another caller may draw the same before this one binds it.
 */
export async function freePort(): Promise<number> {
  const end = firstEphemeral();
  for (;;) {
    const port = randomInt(LOWEST, end);
    if (await isFree(port)) return port;
  }
}

function firstEphemeral(): number {
  try {
    const [low] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/).map(Number);
    // Where nearly all ports are the kernel's, they are as good as any.
    return low! > LOWEST + 1_000 ? low! : USUAL_EPHEMERAL;
  } catch {
    return USUAL_EPHEMERAL;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
