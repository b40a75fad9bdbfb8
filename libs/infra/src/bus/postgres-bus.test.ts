import { busContract } from '@psa/test-kit/bus.contract';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll } from 'vitest';
import { type PostgresServer, startPostgres } from '../postgres-server.ts';
import { PostgresBus } from './postgres-bus.ts';

let dir: TempDir;
let server: PostgresServer;

beforeAll(async () => {
  dir = await tempDir('bus');
  // Durable, because its crash is part of the test.
  server = await startPostgres({ dataDir: `${dir.path}/pg`, supervise: true });
});
afterAll(async () => {
  await server.stop();
  await dir.remove();
});

/** Also called by the subscriber that runs in a process of its own. */
async function openBus(url: string): Promise<PostgresBus> {
  const bus = new PostgresBus({ url, pollMs: 200 });
  await bus.prepare();
  return bus;
}

busContract('PostgreSQL', {
  open: () => openBus(server.superuserUrl()),
  crash: async () => {
    const back = new Promise<void>((resolve) => {
      const off = server.onRestart(() => {
        off();
        resolve();
      });
    });
    process.kill(server.pid, 'SIGKILL');
    await back;
  },
  foreign: {
    module: `data:text/javascript,${encodeURIComponent(`
      import { PostgresBus } from '${new URL('./postgres-bus.ts', import.meta.url).href}';
      export async function openBus(url) { return new PostgresBus({ url, pollMs: 200 }); }`)}`,
    config: () => server.superuserUrl(),
  },
});
