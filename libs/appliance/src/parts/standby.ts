import { secretOf } from '../contents/secret.ts';
import { sshKey } from '../contents/ssh-key.ts';
import type { Inventory } from '../inventory/schema.ts';
import { RENDERED } from '../render/rendered-file.ts';
import { FEED, FEED_SCRIPT } from './feed-script.ts';
import { FEED_HOST, followScript } from './follow-script.ts';
import { sshConfig, sshdConfig, sshdUnit } from './forced-ssh.ts';
import {
  type ContentFile,
  type Contents,
  type Need,
  type Place,
  plainFile,
  script,
  secretFile,
} from './part.ts';
import { STANZA } from './pgbackrest-settings.ts';
import { POSTGRES_PORTS } from './postgres-settings.ts';
import {
  FEED_PORT,
  FEED_STATE,
  FOLLOW,
  FOLLOW_STATE,
  FOLLOW_UNITS,
  feedOf,
  feeds,
  follows,
} from './standby-settings.ts';

const FOLDER = '/etc/pgbackrest';
const SSHD_CONFIG = `${FOLDER}/feed_sshd_config`;
const HOST_KEY = `${FOLDER}/feed_host_key`;
const AUTHORIZED = `${FOLDER}/feed_authorized_keys`;
const KEY = `${FOLDER}/feed_key`;
const KNOWN_HOSTS = `${FOLDER}/feed_known_hosts`;
const UNIT = 'psa-feed.service';
/** Days that the standby keeps what the primary has removed, for each day that one can go back to. */
const KEEP_TIMES = 2;
/** Days that one can go back to when the inventory does not say. */
export const PITR_DAYS = 14;

/** What must be open so that the standby site follows: one port of the primary's edge, and what leads there and back. */
export function standbyNeeds(inventory: Pick<Inventory, 'dr'>): Need[] {
  const feed = feedOf(inventory);
  if (feed === null) return [];
  const why = 'the repository for the other site';
  return [
    { from: 'internet', to: 'edge', port: FEED_PORT, why },
    { from: 'haproxy', to: 'ops', port: FEED_PORT, why },
    { from: 'ops', to: 'internet', port: feed.port, why: "the other site's repository" },
    { from: 'ops', to: 'postgres', port: POSTGRES_PORTS.patroni, why: 'how far the standby is' },
  ];
}

/** In `ops`: the primary gives, the standby that follows brings. */
export function standbyContents(place: Place): Contents {
  const { inventory, site, secrets } = place;
  if (follows(secrets)) return followContents(place);
  return feeds(inventory, site) ? feedContents(place) : { files: [], units: [] };
}

function feedContents({ container, secrets }: Place): Contents {
  const secret = secretOf(secrets, 'pgbackrest_ssh');
  return {
    files: [
      script(FEED, FEED_SCRIPT),
      secretFile(HOST_KEY, sshKey(secret, 'host feed').privateKey, 'postgres'),
      plainFile(AUTHORIZED, `restrict ${sshKey(secret, 'feed').publicKey}\n`),
      plainFile(
        SSHD_CONFIG,
        sshdConfig({
          ...{ address: container.address, port: FEED_PORT, command: FEED },
          ...{ hostKey: HOST_KEY, authorized: AUTHORIZED },
        }),
      ),
      plainFile(
        `/etc/systemd/system/${UNIT}`,
        sshdUnit('What the other site copies of this repository', SSHD_CONFIG, [
          `StateDirectory=${FEED_STATE.split('/').at(-1)}`,
        ]),
      ),
    ],
    units: [{ name: UNIT, onChange: 'restart', paths: [SSHD_CONFIG, HOST_KEY, AUTHORIZED] }],
  };
}

function followContents({ inventory, secrets, of }: Place): Contents {
  const secret = secretOf(secrets, 'pgbackrest_ssh');
  const { host, port } = feedOf(inventory)!;
  const text = followScript({
    members: of('postgres').map(({ address }) => address),
    keepDays: KEEP_TIMES * (inventory.backup.pitr_days ?? PITR_DAYS),
  });
  const client = '/etc/ssh/ssh_config.d/psa-feed.conf';
  return {
    files: [
      script(FOLLOW, text),
      secretFile(KEY, sshKey(secret, 'feed').privateKey, 'postgres'),
      plainFile(KNOWN_HOSTS, `${FEED_HOST} ${sshKey(secret, 'host feed').publicKey}\n`),
      plainFile(
        client,
        sshConfig({
          ...{ hosts: [FEED_HOST], port, key: KEY, knownHosts: KNOWN_HOSTS },
          more: [`HostName ${host}`, `HostKeyAlias ${FEED_HOST}`, 'User postgres'],
        }),
      ),
      ...FOLLOW_UNITS.map((name) => plainFile(`/etc/systemd/system/${name}`, followUnit(name))),
    ],
    units: FOLLOW_UNITS.map((name) => ({
      ...{ name, onChange: 'restart' as const },
      paths: [FOLLOW, KEY, KNOWN_HOSTS, client],
    })),
  };
}

/** The word of a unit's name: `psa-follow-log.service`. */
const wordOf = (unit: string) => /-(\w+)\.service$/.exec(unit)![1]!;

const followUnit = (name: string) => `# ${RENDERED}
[Unit]
Description=Follow the other site's repository: ${wordOf(name)}
After=network-online.target
StartLimitIntervalSec=0

[Service]
User=postgres
StateDirectory=${FOLLOW_STATE.split('/').at(-1)}
ExecStart=${FOLLOW} ${wordOf(name)}
Restart=always
RestartSec=5s

[Install]
WantedBy=multi-user.target
`;

/** For Patroni's settings in its cluster: whose member has no leader that takes writes, but goes on from the repository. */
export const STANDBY_CLUSTER = {
  create_replica_methods: ['pgbackrest'],
  restore_command: `pgbackrest --stanza=${STANZA} archive-get %f "%p"`,
};

const CREATE = '/usr/local/sbin/psa-standby-create';

/** The program that makes such a member: the first copy may take hours to come. Recovery is Patroni's to set up. */
export const standbyCreate = (): ContentFile =>
  script(
    CREATE,
    `#!/bin/sh
# ${RENDERED}
# Makes this member from the newest copy in the repository, as soon as there is one.
until pgbackrest --stanza=${STANZA} --output=json info 2>/dev/null | grep -q '"label"'; do sleep 5; done
exec /usr/bin/pgbackrest --stanza=${STANZA} --delta --type=none restore
`,
  );

/** How Patroni makes such a member. */
export const STANDBY_METHOD = {
  command: CREATE,
  ...{ keep_data: true, no_params: true, no_leader: true },
};
