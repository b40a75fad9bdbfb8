import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { ServerProcess } from './server-process.ts';
import { tempDir } from './temp-dir.ts';

/** Three Redis servers, the first one the master, and three Sentinels that choose another when it is gone. */
export interface RedisCluster {
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  readonly master: string;
  readonly password: string;
  /** Ports of the servers. */
  readonly ports: readonly number[];
  /** SIGKILL of the server on a port. */
  kill9(port: number): Promise<void>;
  /** SIGSTOP: it holds its connections and says nothing, as a machine without power does for those who wait. */
  freeze(port: number): void;
  start(port: number): Promise<void>;
  /** Ends all Sentinels; they keep what they know. */
  stopSentinels(): Promise<void>;
  startSentinels(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts them on loopback. A lost master is replaced after about two seconds. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const dir = await tempDir('redis-cluster');
  const [master, password] = ['psa', 'three-servers'];
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const sentinelPorts = await Promise.all([freePort(), freePort(), freePort()]);
  const env = { PATH: process.env.PATH };
  const servers = new Map<number, ServerProcess>();
  const sentinels: ServerProcess[] = [];
  const all: ServerProcess[] = [];
  const stop = async () => {
    for (const server of servers.values()) if (server.pid > 0) process.kill(server.pid, 'SIGCONT');
    await Promise.all(all.map((server) => server.end('SIGKILL')));
    await dir.remove();
  };
  const secret = ['requirepass', 'masterauth'].map((name) => `${name} "${password}"`).join('\n');
  try {
    for (const port of ports) {
      const config = join(dir.path, `redis-${port}.conf`);
      const replica = port === ports[0] ? '' : `replicaof 127.0.0.1 ${ports[0]}`;
      await writeFile(
        config,
        `port ${port}\nbind 127.0.0.1\ndir ${dir.path}\ndbfilename ${port}.rdb\nsave ""\nrepl-diskless-sync-delay 0\n${secret}\n${replica}\n`,
      );
      const server = new ServerProcess('redis-server', [config], env, port);
      servers.set(port, server);
      all.push(server);
      await server.start();
    }
    for (const port of sentinelPorts) {
      const config = join(dir.path, `sentinel-${port}.conf`);
      await writeFile(
        config,
        `port ${port}
bind 127.0.0.1
dir ${dir.path}
sentinel monitor ${master} 127.0.0.1 ${ports[0]} 2
sentinel auth-pass ${master} "${password}"
sentinel down-after-milliseconds ${master} 1000
sentinel failover-timeout ${master} 5000
`,
      );
      const sentinel = new ServerProcess('redis-server', [config, '--sentinel'], env, port);
      sentinels.push(sentinel);
      all.push(sentinel);
      await sentinel.start();
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    sentinels: sentinelPorts.map((port) => ({ host: '127.0.0.1', port })),
    master,
    password,
    ports,
    kill9: (port) => servers.get(port)!.end('SIGKILL'),
    freeze: (port) => process.kill(servers.get(port)!.pid, 'SIGSTOP'),
    start: (port) => servers.get(port)!.start(),
    stopSentinels: async () => void (await Promise.all(sentinels.map((one) => one.end('SIGTERM')))),
    startSentinels: async () => void (await Promise.all(sentinels.map((one) => one.start()))),
    stop,
  };
}
