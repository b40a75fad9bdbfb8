import { secretOf } from '../contents/secret.ts';
import type { Inventory } from '../inventory/schema.ts';
import { RENDERED } from '../render/rendered-file.ts';
import {
  type Alert,
  type Answer,
  alert,
  type ContentFile,
  type Contents,
  dropIn,
  type Part,
  type Place,
  plainFile,
  script,
  secretFile,
} from './part.ts';
import { orphansFiles, orphansIn, orphansProbe, orphansUnit } from './rabbitmq-orphans.ts';

const PORTS = { amqp: 5672, metrics: 15_692 } as const;

/** The broker that carries events. */
export const rabbitmq = {
  ports: PORTS,
  jobs: [{ name: 'rabbitmq', port: PORTS.metrics, why: 'metrics' }],
  votes: true,
  dns: 'members',
  secrets: {
    rabbitmq_cookie: {
      by: 'no',
      what: "the members' bond in RabbitMQ",
      way: 'Members with different cookies refuse each other; all would have to stop at once.',
    },
    rabbitmq_user: {
      by: 'no',
      what: "the services' user in RabbitMQ",
      way: 'Its file counts for a new cluster only. In a running one: rabbitmqctl change_password psa …',
    },
  },
  // The gateway has no data of its own, and no events.
  needs: ({ services }) =>
    services
      .filter(({ name }) => name !== 'gateway')
      .map(({ name }) => ({ from: name, to: 'rabbitmq', port: PORTS.amqp, why: 'events' })),
  contents,
  // All of its metrics are some megabytes.
  probe: () =>
    `curl -s -m 10 http://127.0.0.1:${PORTS.metrics}/metrics | grep -E '^(rabbitmq_identity_info|erlang_vm_dist_node_state)'
${orphansProbe}`,
  trouble: (_inventory, answers) => trouble(answers),
  alerts,
} satisfies Part;

/** Every node has a link to every other. A cluster that came up as several has none between them. */
function trouble(answers: readonly Answer[]): string | null {
  for (const { container, text } of answers) {
    if (!text.includes('rabbitmq_identity_info')) return `${container.name} does not answer`;
    const peers = text
      .split('\n')
      .filter((line) => line.startsWith('erlang_vm_dist_node_state{') && / 3(\.0)?$/.test(line))
      .filter((line) => answers.some((one) => line.includes(`rabbit@${one.container.name}"`)));
    if (peers.length < answers.length - 1)
      return `${container.name} is linked to ${peers.length} of ${answers.length - 1} others`;
  }
  const orphans = answers.flatMap(({ text }) => orphansIn(text));
  if (orphans.length > 0)
    return `${orphans.join(', ')}: nobody can declare it, for Raft servers of it are left without a record; they are removed within a minute`;
  return null;
}

function alerts(inventory: Inventory): Alert[] {
  const majority = Math.floor(inventory.data.rabbitmq.members / 2) + 1;
  return [
    alert(
      'BrokerWithoutMajority',
      'critical',
      `(count(up{job="rabbitmq"} == 1) or vector(0)) < ${majority}`,
      '1m',
      {
        summary: `Only {{ $value }} members of RabbitMQ run; quorum queues need ${majority}.`,
        runbook: 'Bring members back; events wait in the outbox of each service and are not lost.',
      },
      'rabbitmq',
    ),
    alert(
      'EventsPileUp',
      'warning',
      'sum(rabbitmq_queue_messages_ready) > 10000',
      '10m',
      {
        summary: '{{ $value }} events wait for their consumers.',
        runbook:
          'Run "psactl events dlq"; look for the consumer that stands still; scale the service that is slow.',
      },
      'rabbitmq',
    ),
  ];
}

const CONFIG = '/etc/rabbitmq/rabbitmq.conf';
const ENVIRONMENT = '/etc/rabbitmq/rabbitmq-env.conf';
const PLUGINS = '/etc/rabbitmq/enabled_plugins';
const HOSTS = '/etc/rabbitmq/inetrc';
const COOKIE = '/var/lib/rabbitmq/.erlang.cookie';
const PREPARE = '/usr/local/sbin/psa-rabbitmq-prepare';
const JOINED = '/usr/local/sbin/psa-rabbitmq-joined';

const UNIT = `# ${RENDERED}
[Service]
ExecStartPre=${PREPARE}
ExecStartPost=${JOINED}
Restart=always
RestartSec=5s
`;

/** A member of the broker's cluster. */
function contents(place: Place): Contents {
  const { container, secrets, of } = place;
  const members = of('rabbitmq');
  const node = (name: string) => `rabbit@${name}`;
  // Read by the daemon's user alone, and by no check of ours as anything but text.
  const owned = (path: string, text: string): ContentFile => secretFile(path, text, 'rabbitmq');
  // Erlang looks names up here first, so that the cluster does not hang on DNS.
  const hosts = members.map((one) => `{host,{${one.address.replaceAll('.', ',')}},["${one.name}"]}.\n`);
  const environment = `# ${RENDERED}
NODENAME=${node(container.name)}
SERVER_ADDITIONAL_ERL_ARGS="-kernel inetrc '${HOSTS}' +sbwt none +sbwtdcpu none +sbwtdio none"
CTL_ERL_ARGS="-kernel inetrc '${HOSTS}'"
`;
  const others = members
    .filter((one) => one.id !== container.id)
    .map((one) => `${node(one.name)}=${one.address}:${PORTS.amqp}`);
  return {
    files: [
      owned(
        CONFIG,
        config(
          place,
          members.map((one) => node(one.name)),
        ),
      ),
      plainFile(ENVIRONMENT, environment),
      plainFile(HOSTS, `%% ${RENDERED}\n${hosts.join('')}{lookup,[file,native]}.\n`),
      plainFile(PLUGINS, '[rabbitmq_management,rabbitmq_prometheus].\n'),
      { ...owned(COOKIE, secretOf(secrets, 'rabbitmq_cookie')), mode: 0o400 },
      script(PREPARE, prepare(node(container.name), others, container.number === 1)),
      script(JOINED, joined(node(container.name), `${container.address}:${PORTS.amqp}`)),
      dropIn('rabbitmq-server.service', UNIT),
      ...orphansFiles,
    ],
    units: [
      {
        name: 'rabbitmq-server.service',
        onChange: 'restart',
        paths: [CONFIG, ENVIRONMENT, HOSTS, PLUGINS, COOKIE],
      },
      orphansUnit,
    ],
  };
}

function config({ secrets, container }: Place, nodes: readonly string[]): string {
  const peers = nodes.map((name, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${name}\n`);
  return `# ${RENDERED}
listeners.tcp.default = ${container.address}:${PORTS.amqp}
cluster_name = psa
cluster_formation.peer_discovery_backend = classic_config
${peers.join('')}# The side that is cut off stops: two brokers that both go on would tell two stories.
cluster_partition_handling = pause_minority
net_ticktime = 20
queue_leader_locator = balanced
# Made at the first start of the cluster.
default_user = psa
default_pass = ${secretOf(secrets, 'rabbitmq_user')}
default_user_tags.administrator = true
loopback_users = none
vm_memory_high_watermark.absolute = ${Math.floor(container.memory_mb * 0.6)}MB
disk_free_limit.absolute = 500MB
raft.wal_max_size_bytes = 67108864
heartbeat = 10
prometheus.return_per_object_metrics = true
log.file = false
log.console = true
log.console.level = warning
`;
}

const prepare = (own: string, others: readonly string[], isFirst: boolean) => `#!/bin/sh
# ${RENDERED}
# Before the first start of a member: waits until another one runs, so that no two of them make a cluster each, and
# has the others forget the member that had this name before.
set -eu
own=${own}
others="${others.join(' ')}"
is_first=${isFirst ? 'yes' : 'no'}

if [ -d "/var/lib/rabbitmq/mnesia/$own" ]; then exit 0; fi
touch /var/lib/rabbitmq/psa-joining
if [ -z "$others" ]; then exit 0; fi

ctl() { timeout 20 rabbitmqctl -q "$@" 2>/dev/null; }
turn=0
while :; do
  for other in $others; do
    # A member that is up takes clients. rabbitmqctl would find out, too, for two seconds of a core each time.
    timeout 3 socat -u /dev/null "TCP4:\${other#*=},connect-timeout=1" 2>/dev/null || continue
    ctl -n "\${other%=*}" await_startup --timeout 10 || continue
    ctl -n "\${other%=*}" forget_cluster_node "$own" || true
    exit 0
  done
  # The first of all makes the cluster when there is none.
  if [ $is_first = yes ]; then
    rm -f /var/lib/rabbitmq/psa-joining
    exit 0
  fi
  turn=$((turn + 1))
  if [ $turn -ge 180 ]; then
    echo "No other member of the broker runs; not starting alone." >&2
    exit 1
  fi
  sleep 1
done
`;

const joined = (own: string, address: string) => `#!/bin/sh
# ${RENDERED}
# After the first start of a member: it takes its share of the quorum queues that were there before it.
set -eu
if [ ! -e /var/lib/rabbitmq/psa-joining ]; then exit 0; fi
turn=0
until timeout 3 socat -u /dev/null TCP4:${address},connect-timeout=1 2>/dev/null; do
  turn=$((turn + 1))
  [ $turn -lt 120 ] || exit 0
  sleep 1
done
# Tried again at the next start when it fails.
rabbitmq-queues -q grow ${own} all || exit 0
rm -f /var/lib/rabbitmq/psa-joining
`;
