import { secretOf } from '../contents/secret.ts';
import { RENDERED } from '../render/rendered-file.ts';
import {
  type Alert,
  type Answer,
  alert,
  type Contents,
  dropIn,
  type Need,
  type Part,
  type Place,
  script,
  secretFile,
} from './part.ts';

/** The master of Redis, as its Sentinels call it. */
export const REDIS_MASTER = 'psa';

const PORTS = { redis: 6379, sentinel: 26_379, exporter: 9121 } as const;

/** The cache, and what services tell each other in passing. */
export const redis = {
  ports: PORTS,
  jobs: [{ name: 'redis', port: PORTS.exporter, why: 'metrics' }],
  votes: true,
  dns: 'members',
  secrets: {
    redis: {
      by: 'no',
      what: 'Redis and its Sentinels',
      way: 'Members with different passwords stop replicating; all would have to change at once.',
    },
  },
  needs: ({ services }) =>
    services.flatMap(({ name }): Need[] => [
      { from: name, to: 'redis', port: PORTS.redis, why: 'cache' },
      { from: name, to: 'redis', port: PORTS.sentinel, why: 'the master of the cache' },
    ]),
  contents,
  probe: () => `redis-cli -p ${PORTS.sentinel} --raw sentinel master ${REDIS_MASTER}`,
  trouble: (_inventory, answers) => trouble(answers),
  alerts: (): Alert[] => [
    alert(
      'CacheWithoutMaster',
      'critical',
      '(sum(redis_instance_info{role="master"}) or vector(0)) < 1',
      '1m',
      {
        summary: 'No member of Redis is master.',
        runbook: 'Ask a Sentinel ("SENTINEL ckquorum"); without a majority of Sentinels none is chosen.',
      },
      'redis',
    ),
  ],
} satisfies Part;

/** What a Sentinel says of the master under a key. */
function saidOf(text: string, key: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.includes(key) ? lines[lines.indexOf(key) + 1]! : '';
}

/** The address of the master, as the first Sentinel that answers has it; null: none does. */
export const masterOf = (answers: readonly Answer[]): string | null =>
  answers.map(({ text }) => saidOf(text, 'ip')).find((ip) => ip !== '') ?? null;

/** The Sentinels agree on a master, and it has its replicas. */
function trouble(answers: readonly Answer[]): string | null {
  const masters = answers.map(({ text }) => {
    const of = (key: string) => saidOf(text, key);
    return {
      ip: of('ip'),
      flags: of('flags'),
      replicas: Number(of('num-slaves')),
      others: Number(of('num-other-sentinels')),
    };
  });
  const [first] = masters;
  if (!first || first.ip === '') return 'the Sentinels know no master';
  if (masters.some(({ ip }) => ip !== first.ip)) return 'the Sentinels do not agree on a master';
  if (first.flags !== 'master') return `the master is ${first.flags}`;
  if (masters.some(({ others }) => others < answers.length - 1))
    return 'the Sentinels do not see one another';
  if (masters.every(({ replicas }) => replicas < answers.length - 1)) return 'a replica is missing';
  return null;
}

const REDIS = '/etc/redis/psa-redis.conf';
const SENTINEL = '/etc/redis/psa-sentinel.conf';
const EXPORTER = '/etc/default/prometheus-redis-exporter';
const PREPARE = '/usr/local/sbin/psa-redis-prepare';
/** What they are started with; both rewrite it. */
const running = (part: string) => `/var/lib/redis/psa-${part}.conf`;

const unit = (part: string, program: string) => `# ${RENDERED}
[Service]
ExecStartPre=+${PREPARE} ${part}
ExecStart=
ExecStart=${program} ${running(part)} --supervised systemd --daemonize no
RestartSec=1s
`;

/** A Redis with its Sentinel and its exporter. */
function contents(place: Place): Contents {
  const { secrets } = place;
  const exporter = `# ${RENDERED}
ARGS="--web.listen-address=${place.container.address}:${PORTS.exporter} --redis.addr=redis://127.0.0.1:${PORTS.redis}"
REDIS_PASSWORD=${secretOf(secrets, 'redis')}
`;
  return {
    files: [
      secretFile(REDIS, settings(place), 'redis'),
      secretFile(SENTINEL, sentinel(place), 'redis'),
      script(PREPARE, prepare(place)),
      dropIn('redis-server.service', unit('redis', '/usr/bin/redis-server')),
      dropIn('redis-sentinel.service', unit('sentinel', '/usr/bin/redis-sentinel')),
      secretFile(EXPORTER, exporter),
    ],
    units: [
      { name: 'redis-server.service', onChange: 'restart', paths: [REDIS] },
      { name: 'redis-sentinel.service', onChange: 'restart', paths: [SENTINEL] },
      { name: 'prometheus-redis-exporter.service', onChange: 'restart', paths: [EXPORTER] },
    ],
  };
}

function settings({ inventory, container, secrets, of }: Place): string {
  const password = secretOf(secrets, 'redis');
  const several = of('redis').length > 1;
  return `# ${RENDERED}
bind ${container.address} 127.0.0.1
port ${PORTS.redis}
protected-mode no
dir /var/lib/redis
requirepass ${password}
masterauth ${password}
replica-announce-ip ${container.address}
# A master that is cut off from all replicas takes no writes: they would be lost when the others have chosen another.
min-replicas-to-write ${several ? 1 : 0}
min-replicas-max-lag 5
repl-timeout 15
repl-diskless-sync-delay 0
repl-backlog-size 16mb
tcp-keepalive 30
maxmemory ${Math.floor(container.memory_mb * 0.6)}mb
# Everything in the cache has its time; what was used least goes first.
maxmemory-policy volatile-lru
save ${inventory.backup.redis_minutes * 60} 1
# A crash loses a second, not what came since the last snapshot.
appendonly yes
appendfsync everysec
logfile ""
`;
}

/** `@MASTER@` becomes the address of the master of the moment. */
function sentinel({ container, secrets, of }: Place): string {
  const quorum = Math.floor(of('redis').length / 2) + 1;
  return `# ${RENDERED}
bind ${container.address} 127.0.0.1
port ${PORTS.sentinel}
protected-mode no
dir /var/lib/redis
logfile ""
sentinel announce-ip ${container.address}
sentinel monitor ${REDIS_MASTER} @MASTER@ ${PORTS.redis} ${quorum}
sentinel auth-pass ${REDIS_MASTER} ${secretOf(secrets, 'redis')}
sentinel down-after-milliseconds ${REDIS_MASTER} 3000
sentinel failover-timeout ${REDIS_MASTER} 10000
sentinel parallel-syncs ${REDIS_MASTER} 1
sentinel deny-scripts-reconfig yes
`;
}

function prepare({ container, of }: Place): string {
  const members = of('redis');
  const others = members.filter((one) => one.id !== container.id).map((one) => one.address);
  return `#!/bin/sh
# ${RENDERED}
# Before Redis or its Sentinel starts: makes the file that it starts with, and rewrites later, from the managed one and
# from who is master now.
set -eu
umask 077
part=$1
self=${container.address}
first=${members[0]?.address ?? container.address}
others="${others.join(' ')}"
managed=/etc/redis/psa-$part.conf
running=/var/lib/redis/psa-$part.conf

# Whom the Sentinels of the other members call master; nothing when none of them answers.
master=
for other in $others; do
  answer=$(timeout 2 redis-cli -h "$other" -p ${PORTS.sentinel} --raw sentinel get-master-addr-by-name ${REDIS_MASTER} 2>/dev/null | head -n 1) || continue
  case $answer in
    *[!0-9.]* | '') ;;
    *) master=$answer; break ;;
  esac
done

# Else what this member knew when it was stopped, else the first.
known=
if [ -s "$running" ]; then
  case $part in
    redis) known=$(awk '$1 == "replicaof" { print $2 }' "$running"); known=\${known:-$self} ;;
    sentinel) known=$(awk '$1 == "sentinel" && $2 == "monitor" { print $4 }' "$running") ;;
  esac
fi
master=\${master:-\${known:-$first}}

case $part in
  redis)
    cat "$managed" > "$running.new"
    if [ "$master" != "$self" ]; then echo "replicaof $master ${PORTS.redis}" >> "$running.new"; fi
    # Told to append to a file that is not there, Redis begins empty: the file begins with the last snapshot.
    data=/var/lib/redis
    if [ ! -e "$data/appendonlydir" ] && [ -s "$data/dump.rdb" ]; then
      rm -rf "$data/appendonlydir.new"
      mkdir "$data/appendonlydir.new"
      cp "$data/dump.rdb" "$data/appendonlydir.new/appendonly.aof.1.base.rdb"
      echo 'file appendonly.aof.1.base.rdb seq 1 type b' > "$data/appendonlydir.new/appendonly.aof.manifest"
      chown -R redis:redis "$data/appendonlydir.new"
      mv "$data/appendonlydir.new" "$data/appendonlydir"
    fi ;;
  sentinel)
    sed "s/@MASTER@/$master/" "$managed" > "$running.new"
    if [ -s "$running" ]; then
      awk '$1 == "sentinel" && ($2 == "myid" || $2 == "current-epoch")' "$running" >> "$running.new"
      # What it had learnt of another master is of no use.
      if [ "$master" = "$known" ]; then
        awk '$1 == "sentinel" && $2 ~ /^(config-epoch|leader-epoch|known-replica|known-sentinel)$/' "$running" >> "$running.new"
      fi
    fi ;;
esac
chown redis:redis "$running.new"
mv "$running.new" "$running"
`;
}
