import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import type { TestServer } from './redis.ts';
import { ServerProcess } from './server-process.ts';
import { tempDir } from './temp-dir.ts';

/** Debian's wrapper in /usr/sbin insists on the system's user and paths; the script behind it does not. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const CONTROL = '/usr/lib/rabbitmq/bin/rabbitmqctl';

const CONFIG = `
vm_memory_high_watermark.relative = 0.2
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 67108864
log.file = false
log.console = true
log.console.level = warning
`;

export interface RabbitServer extends TestServer {
  /** Runs `rabbitmqctl`. */
  control(...args: readonly string[]): Promise<void>;
}

/** Starts a private RabbitMQ (Debian's 3.10) with its own epmd, ports and folders. Takes some 5 seconds. */
export async function startRabbitMq(): Promise<RabbitServer> {
  const dir = await tempDir('rabbitmq');
  const [port, distPort, epmdPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const home = join(dir.path, 'home');
  await mkdir(home);
  await writeFile(join(dir.path, 'rabbitmq.conf'), CONFIG);
  await writeFile(join(dir.path, 'enabled_plugins'), '[].\n');
  const epmdEnv = {
    PATH: process.env.PATH,
    HOME: home,
    ERL_EPMD_PORT: `${epmdPort}`,
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };
  const env = {
    ...epmdEnv,
    LC_ALL: 'C.UTF-8',
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(dir.path, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir.path, 'enabled_plugins'),
    RABBITMQ_NODENAME: `psa${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: `${port}`,
    RABBITMQ_DIST_PORT: `${distPort}`,
    RABBITMQ_MNESIA_BASE: join(dir.path, 'mnesia'),
    RABBITMQ_LOG_BASE: join(dir.path, 'log'),
    // Makes the script become the Erlang VM, so that our child's pid is the broker itself.
    RABBITMQ_ALLOW_INPUT: '1',
    // No busy waiting of idle schedulers: the machine has other tests to run.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '-noinput -kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none',
  };
  const epmd = new ServerProcess('epmd', [], epmdEnv, epmdPort);
  const broker = new ServerProcess(SERVER, [], env, port);
  const stop = async () => {
    await broker.end('SIGKILL');
    await epmd.end('SIGKILL');
    await dir.remove();
  };
  const start = async () => {
    await epmd.start();
    // Erlang takes its time on a machine with other work.
    await broker.start(180_000);
  };
  await start().catch(async (error) => {
    await stop();
    throw error;
  });
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    port,
    get pid() {
      return broker.pid;
    },
    start,
    control: async (...args) => {
      await promisify(execFile)(CONTROL, ['-n', env.RABBITMQ_NODENAME, ...args], { env });
    },
    end: () => broker.end('SIGTERM'),
    kill9: () => broker.end('SIGKILL'),
    stop,
  };
}
