import { DATA_PORTS } from '../inventory/ports.ts';
import { RENDERED } from '../render/rendered-file.ts';
import {
  type ContentFile,
  type Contents,
  dropIn,
  type Place,
  plainFile,
  script,
  secretFile,
} from './part.ts';
import { secretOf } from './secrets.ts';

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
export function rabbitmqContents(place: Place): Contents {
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
    .map((one) => `${node(one.name)}=${one.address}:${DATA_PORTS.rabbitmq}`);
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
      script(JOINED, joined(node(container.name), `${container.address}:${DATA_PORTS.rabbitmq}`)),
      dropIn('rabbitmq-server.service', UNIT),
    ],
    units: [
      {
        name: 'rabbitmq-server.service',
        onChange: 'restart',
        paths: [CONFIG, ENVIRONMENT, HOSTS, PLUGINS, COOKIE],
      },
    ],
  };
}

function config({ secrets, container }: Place, nodes: readonly string[]): string {
  const peers = nodes.map((name, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${name}\n`);
  return `# ${RENDERED}
listeners.tcp.default = ${container.address}:${DATA_PORTS.rabbitmq}
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
