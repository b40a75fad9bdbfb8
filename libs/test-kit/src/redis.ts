import { freePort } from './free-port.ts';
import { ServerProcess } from './server-process.ts';
import { tempDir } from './temp-dir.ts';

/** A private server that a test may end, kill and start again on the same data. */
export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** 0 while it does not run. */
  readonly pid: number;
  /** Starts it again after `end` or `kill9`, on the same data and port. */
  start(): Promise<void>;
  /** Ends it in order and keeps its data. */
  end(): Promise<void>;
  /** SIGKILL, as a crash would. Keeps its data. */
  kill9(): Promise<void>;
  /** Ends it and removes its data; to be called in `afterAll`. */
  stop(): Promise<void>;
}

/** Starts a private Redis with an append-only file, from Debian's `redis-server`. */
export async function startRedis(): Promise<TestServer> {
  const dir = await tempDir('redis');
  const port = await freePort();
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir.path];
  args.push('--appendonly', 'yes', '--save', '', '--daemonize', 'no');
  const server = new ServerProcess('redis-server', args, { PATH: process.env.PATH }, port);
  await server.start().catch(async (error) => {
    await dir.remove();
    throw error;
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid;
    },
    start: () => server.start(),
    end: () => server.end('SIGTERM'),
    kill9: () => server.end('SIGKILL'),
    async stop() {
      await server.end('SIGKILL');
      await dir.remove();
    },
  };
}
