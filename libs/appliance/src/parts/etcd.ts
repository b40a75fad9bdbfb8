import { RENDERED } from '../render/rendered-file.ts';
import { type Contents, dropIn, type Place, plainFile, script } from './part.ts';
import { POSTGRES_PORTS } from './postgres-settings.ts';

/** Where the members of etcd talk among themselves. */
const PEER_PORT = 2380;
const SETTINGS = '/etc/default/etcd';
const PREPARE = '/usr/local/sbin/psa-etcd-prepare';
const DATA = '/var/lib/etcd/psa';
/** Which folder the data was made in: what comes out of an archive is in another one. */
const SEAT = '/var/lib/etcd/psa.seat';

// Debian's unit waits until the cluster has a leader; the first of three would wait for the others, and whoever
// starts them one by one for ever.
const UNIT = `# ${RENDERED}
[Service]
Type=exec
EnvironmentFile=-/run/psa-etcd.env
ExecStartPre=+${PREPARE}
Restart=always
RestartSec=2s
`;

/**
 * A member of etcd beside each PostgreSQL. The list of members stands in the inventory. A member that has lost its
 * disk must not come back under its old identity (it would have forgotten what it voted for), so the others are asked
 * to put a new one in its place. The same holds for one out of a backup: its log ends before what the leader knows that
 * it has, and etcd ends by "tocommit is out of range" at each start.
 */
export function etcdContents({ inventory, container, of }: Place): Contents {
  const members = of('postgres');
  const peer = (address: string) => `http://${address}:${PEER_PORT}`;
  const client = (address: string) => `http://${address}:${POSTGRES_PORTS.etcd}`;
  const settings = {
    ETCD_NAME: container.name,
    ETCD_DATA_DIR: DATA,
    ETCD_LISTEN_PEER_URLS: peer(container.address),
    ETCD_LISTEN_CLIENT_URLS: `${client(container.address)},${client('127.0.0.1')}`,
    ETCD_INITIAL_ADVERTISE_PEER_URLS: peer(container.address),
    ETCD_ADVERTISE_CLIENT_URLS: client(container.address),
    ETCD_INITIAL_CLUSTER: members.map((one) => `${one.name}=${peer(one.address)}`).join(','),
    ETCD_INITIAL_CLUSTER_TOKEN: `${inventory.name}-postgres`,
    // Three times the defaults: a busy disk must not cost the leader its office.
    ETCD_HEARTBEAT_INTERVAL: '300',
    ETCD_ELECTION_TIMEOUT: '3000',
    ETCD_AUTO_COMPACTION_MODE: 'periodic',
    ETCD_AUTO_COMPACTION_RETENTION: '1h',
    ETCD_QUOTA_BACKEND_BYTES: `${1024 ** 3}`,
    ETCD_LOGGER: 'zap',
    ETCD_LOG_LEVEL: 'warn',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  const others = members.filter((one) => one.id !== container.id).map((one) => client(one.address));
  return {
    files: [
      plainFile(SETTINGS, `# ${RENDERED}\n${lines.join('')}`),
      script(PREPARE, prepare(container.name, peer(container.address), others)),
      dropIn('etcd.service', UNIT),
    ],
    units: [{ name: 'etcd.service', onChange: 'restart', paths: [SETTINGS] }],
  };
}

const prepare = (name: string, peerUrl: string, others: readonly string[]) => `#!/bin/sh
# ${RENDERED}
# Before etcd starts: says whether it makes a cluster with the others or joins the one that they have.
set -eu
export ETCDCTL_API=3
name=${name}
peer_url=${peerUrl}
others=${others.join(',')}
result=/run/psa-etcd.env

install -d -m 700 -o etcd -g etcd ${DATA}
rm -f "$result"
ctl() { etcdctl --endpoints="$others" --dial-timeout=2s --command-timeout=5s "$@"; }

# Inode and time of birth: a folder that is written anew has others. Where the others do not answer it is what there is.
seat=$(stat -c '%i %W' ${DATA})
if [ -d ${DATA}/member ] && [ -n "$others" ] && [ -e ${SEAT} ] && [ "$(cat ${SEAT})" != "$seat" ]; then
  ctl member list >/dev/null 2>&1 || exit 0
  echo "What is here came out of a backup: joining the others anew." >&2
  rm -rf ${DATA}/member
fi
printf '%s\\n' "$seat" > ${SEAT}
# With data of its own it knows its cluster; alone it makes one.
if [ -d ${DATA}/member ] || [ -z "$others" ]; then exit 0; fi

# id, status, name, peer URLs, client URLs, learner
list=$(ctl member list 2>/dev/null) || exit 0
mine=$(printf '%s\\n' "$list" | awk -F ', ' -v url="$peer_url" '$4 == url { print $1 }')
# Who has ever run has told its client URLs.
ran=$(printf '%s\\n' "$list" | awk -F ', ' -v url="$peer_url" '$4 == url && $5 != "" { print "yes" }')
if [ -n "$ran" ]; then
  ctl member remove "$mine"
  mine=
fi
# Refused until the others have been together for some seconds.
turn=0
while [ -z "$mine" ] && ! ctl member add "$name" --peer-urls="$peer_url" 2>/dev/null; do
  turn=$((turn + 1))
  if [ $turn -ge 15 ]; then
    echo "The other members do not take this one in." >&2
    exit 1
  fi
  sleep 2
done
cluster=$(ctl member list | awk -F ', ' -v url="$peer_url" -v name="$name" '
  $4 == url { $3 = name }
  $3 != "" { printf "%s%s=%s", sep, $3, $4; sep = "," }')
printf 'ETCD_INITIAL_CLUSTER_STATE=existing\\nETCD_INITIAL_CLUSTER=%s\\n' "$cluster" > "$result"
`;
