import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { ServerProcess } from './server-process.ts';
import { tempDir } from './temp-dir.ts';

/** Debian's wrapper in /usr/sbin insists on the system's user and paths; the script behind it does not. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const LOOPBACK = '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none';

/** RabbitMQ on three nodes, as the appliance has it. */
export interface RabbitCluster {
  readonly urls: readonly string[];
  /** Its members talk to each other there, and to `erl_call`. */
  readonly members: readonly { readonly name: string; readonly distribution: string }[];
  /** With the cookie. */
  readonly home: string;
  /** SIGKILL of one node, by its number from 0. */
  kill9(node: number): Promise<void>;
  start(node: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts them one after the other on loopback, with an epmd of their own. Takes about half a minute. */
export async function startRabbitCluster(): Promise<RabbitCluster> {
  const dir = await tempDir('rabbitmq-cluster');
  const epmdPort = await freePort();
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const distPorts = await Promise.all([freePort(), freePort(), freePort()]);
  const home = join(dir.path, 'home');
  await mkdir(home);
  await writeFile(join(dir.path, 'enabled_plugins'), '[].\n');
  const nodes = ports.map((port) => `psa${port}@localhost`);
  const peers = nodes.map((name, i) => `cluster_formation.classic_config.nodes.${i + 1} = ${name}\n`);
  await writeFile(
    join(dir.path, 'rabbitmq.conf'),
    `cluster_formation.peer_discovery_backend = classic_config
${peers.join('')}cluster_partition_handling = pause_minority
vm_memory_high_watermark.relative = 0.2
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 67108864
log.file = false
log.console = true
log.console.level = warning
`,
  );
  const common = {
    PATH: process.env.PATH,
    HOME: home,
    ERL_EPMD_PORT: `${epmdPort}`,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    LC_ALL: 'C.UTF-8',
  };
  const epmd = new ServerProcess('epmd', [], common, epmdPort);
  const brokers: ServerProcess[] = [];
  const stop = async () => {
    await Promise.all(brokers.map((broker) => broker.end('SIGKILL')));
    await epmd.end('SIGKILL');
    await dir.remove();
  };
  try {
    await epmd.start();
    for (const [index, port] of ports.entries()) {
      const env = {
        ...common,
        RABBITMQ_CONF_ENV_FILE: '/dev/null',
        RABBITMQ_CONFIG_FILE: join(dir.path, 'rabbitmq.conf'),
        RABBITMQ_ENABLED_PLUGINS_FILE: join(dir.path, 'enabled_plugins'),
        RABBITMQ_NODENAME: nodes[index],
        RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
        RABBITMQ_NODE_PORT: `${port}`,
        RABBITMQ_DIST_PORT: `${distPorts[index]}`,
        RABBITMQ_MNESIA_BASE: join(dir.path, 'mnesia'),
        RABBITMQ_LOG_BASE: join(dir.path, 'log'),
        RABBITMQ_ALLOW_INPUT: '1',
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `-noinput ${LOOPBACK}`,
      };
      const broker = new ServerProcess(SERVER, [], env, port);
      brokers.push(broker);
      await broker.start(180_000);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    urls: ports.map((port) => `amqp://guest:guest@127.0.0.1:${port}`),
    members: nodes.map((name, index) => ({ name, distribution: `127.0.0.1:${distPorts[index]}` })),
    home,
    kill9: (node) => brokers[node]!.end('SIGKILL'),
    start: (node) => brokers[node]!.start(180_000),
    stop,
  };
}
