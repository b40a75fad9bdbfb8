import { secretOf } from '../contents/secret.ts';
import { sshKey } from '../contents/ssh-key.ts';
import type { Container } from '../inventory/expand.ts';
import { RENDERED } from '../render/rendered-file.ts';
import { sshConfig, sshdConfig, sshdUnit } from './forced-ssh.ts';
import {
  type ContentFile,
  type Contents,
  type ContentUnit,
  type Place,
  plainFile,
  script,
  secretFile,
} from './part.ts';
import { PGBACKREST_PORT, REPOSITORY, RESTORE_CONFIG, STANZA } from './pgbackrest-settings.ts';
import { PITR, pitrScript } from './pitr-script.ts';
import { POSTGRES_PORTS } from './postgres-settings.ts';
import { PITR_DAYS, standbyContents } from './standby.ts';
import { follows } from './standby-settings.ts';

const CONFIG = '/etc/pgbackrest.conf';
const FOLDER = '/etc/pgbackrest';
const SSHD_CONFIG = `${FOLDER}/sshd_config`;
const HOST_KEY = `${FOLDER}/ssh_host_key`;
const KEY = `${FOLDER}/ssh_key`;
const KNOWN_HOSTS = `${FOLDER}/known_hosts`;
const AUTHORIZED = `${FOLDER}/authorized_keys`;
const REMOTE = '/usr/local/sbin/psa-pgbackrest-remote';
const SSHD = { port: PGBACKREST_PORT, hostKey: HOST_KEY, authorized: AUTHORIZED, command: REMOTE };
const UNIT = 'psa-pgbackrest.service';

/** The two ends of the connection: each asks the other by a key of its own. */
type Side = 'repository' | 'member';

/** What the other side may have pgBackRest do here. */
const ALLOWED: Readonly<Record<Side, readonly string[]>> = {
  repository: ['archive-get', 'archive-push', 'check', 'info', 'repo-ls', 'restore'],
  member: ['archive-get', 'backup', 'check', 'stanza-create', 'stanza-upgrade'],
};

const dataDir = ({ inventory }: Place) => `/var/lib/postgresql/${inventory.data.postgres.version}/main`;
const ini = (sections: readonly (readonly [string, Readonly<Record<string, string | number>>])[]) =>
  `# ${RENDERED}\n${sections
    .map(([name, values]) =>
      [`[${name}]`, ...Object.entries(values).map(([key, value]) => `${key}=${value}`)].join('\n'),
    )
    .join('\n\n')}\n`;

/** On both sides. Zstandard at its level 3; what is said goes to the journal, by who started it. */
const COMMON = {
  'compress-type': 'zst',
  'compress-level': 3,
  // What goes over the wire is compressed already, or encrypted.
  'compress-level-network': 0,
  'log-level-file': 'off',
  'log-level-console': 'warn',
  'log-level-stderr': 'off',
  // An end that does not answer any more.
  'io-timeout': 30,
  'protocol-timeout': 60,
  'db-timeout': 30,
};

/**
 * In a member of the database: it hands each piece of its log to the repository. Several at once, in the background;
 * while the repository is away they wait on its own disk, up to a quarter of that. What comes then is dropped, for a
 * database that stands still is worse than a gap: the next full backup begins anew behind it, and an alert says so.
 */
export function memberContents(place: Place): Contents {
  const { container, of } = place;
  const repository = of('ops');
  const own = { 'pg1-path': dataDir(place), 'pg1-socket-path': '/var/run/postgresql' };
  const config = ini([
    [
      'global',
      {
        ...COMMON,
        ...(repository[0] && {
          'repo1-host': repository[0].address,
          'repo1-host-user': 'postgres',
          'repo1-host-port': PGBACKREST_PORT,
        }),
        'process-max': 2,
        'spool-path': '/var/spool/pgbackrest',
        'archive-async': 'y',
        'archive-push-queue-max': `${container.disk_gb * 256}MiB`,
        // PostgreSQL asks again by itself, and waits for an answer when it is stopped.
        'archive-timeout': 10,
      },
    ],
    [STANZA, own],
  ]);
  return {
    files: [{ path: CONFIG, text: config, mode: 0o644, owner: 'root:root' }, ...sshFiles(place, 'member')],
    units: [sshUnit],
  };
}

/** What PostgreSQL runs for each piece of its log. */
export const ARCHIVE_COMMAND = `pgbackrest --stanza=${STANZA} archive-push %p`;

/** In the container that has the repository. */
export function repositoryContents(place: Place): Contents {
  const { inventory, secrets, of } = place;
  const cipher = secretOf(secrets, 'pgbackrest_cipher');
  const repository = {
    'repo1-path': REPOSITORY,
    'repo1-cipher-type': 'aes-256-cbc',
    'repo1-cipher-pass': cipher,
  };
  const members = of('postgres').flatMap((member, index) => {
    const pg = `pg${index + 1}`;
    return Object.entries({
      [`${pg}-host`]: member.address,
      [`${pg}-host-user`]: 'postgres',
      [`${pg}-host-port`]: PGBACKREST_PORT,
      [`${pg}-path`]: dataDir(place),
      [`${pg}-port`]: POSTGRES_PORTS.postgres,
      [`${pg}-socket-path`]: '/var/run/postgresql',
    });
  });
  const config = ini([
    [
      'global',
      {
        ...COMMON,
        ...repository,
        // Small files in one: a database has thousands.
        'repo1-bundle': 'y',
        // What it takes to go back so many days; a full backup goes when the next one is that old.
        'repo1-retention-full-type': 'time',
        'repo1-retention-full': inventory.backup.pitr_days ?? PITR_DAYS,
        'process-max': 2,
        'start-fast': 'y',
        delta: 'y',
      },
    ],
    [STANZA, Object.fromEntries(members)],
  ]);
  const restore = ini([['global', { ...COMMON, ...repository, 'process-max': 2 }]]);
  const standby = standbyContents(place);
  // What comes from the other site is made there.
  const stanza = follows(secrets) ? [] : [{ name: STANZA_TIMER, onChange: 'restart' as const, paths: [] }];
  return {
    files: [
      secretFile(CONFIG, config, 'postgres'),
      secretFile(RESTORE_CONFIG, restore, 'postgres'),
      ...sshFiles(place, 'repository'),
      ...STANZA_FILES,
      script(PITR, pitrScript(inventory.data.postgres.version)),
      ...standby.files,
    ],
    units: [sshUnit, ...stanza, ...standby.units],
  };
}

// ── The connection ───────────────────────────────────────────────────────────

const sshUnit: ContentUnit = {
  name: UNIT,
  onChange: 'restart',
  paths: [SSHD_CONFIG, HOST_KEY, AUTHORIZED],
};

/**
 * OpenSSH that runs as `postgres`, lets nobody in but the other side's key, and runs nothing but pgBackRest. Keys follow
 * from one secret, so that no certificate can expire.
 */
function sshFiles(place: Place, side: Side): readonly ContentFile[] {
  const { container, secrets, of } = place;
  const secret = secretOf(secrets, 'pgbackrest_ssh');
  const other: Side = side === 'member' ? 'repository' : 'member';
  const others: readonly Container[] = of(other === 'member' ? 'postgres' : 'ops');
  const hostKey = (of: Side) => sshKey(secret, `host ${of}`);
  const addresses = others.map(({ address }) => address);
  const known = addresses.map((one) => `[${one}]:${PGBACKREST_PORT} ${hostKey(other).publicKey}\n`);
  return [
    plainFile(SSHD_CONFIG, sshdConfig({ ...SSHD, address: container.address })),
    secretFile(HOST_KEY, hostKey(side).privateKey, 'postgres'),
    secretFile(KEY, sshKey(secret, side).privateKey, 'postgres'),
    plainFile(KNOWN_HOSTS, known.join('')),
    plainFile(AUTHORIZED, `restrict,from="${addresses.join(',')}" ${sshKey(secret, other).publicKey}\n`),
    plainFile(
      '/etc/ssh/ssh_config.d/psa-pgbackrest.conf',
      sshConfig({ hosts: addresses, port: PGBACKREST_PORT, key: KEY, knownHosts: KNOWN_HOSTS }),
    ),
    script(REMOTE, remoteScript(ALLOWED[side])),
    plainFile(
      `/etc/systemd/system/${UNIT}`,
      sshdUnit("pgBackRest's connection to the other machines of the database", SSHD_CONFIG),
    ),
  ];
}

/** No shell reads what the other side says: it is cut into words, and its last one must be of the list. */
const remoteScript = (allowed: readonly string[]) => `#!/bin/sh
# ${RENDERED}
# Runs what the other side may have pgBackRest do, and nothing else.
set -f
set -- $SSH_ORIGINAL_COMMAND
last=
for word; do last=$word; done
# By its path, too: it asks for itself there as it was called here, and a unit calls it so.
case "\${1##*/} $last" in
${allowed.map((command) => `"pgbackrest ${command}:remote"`).join(' | ')})
  shift
  exec /usr/bin/pgbackrest "$@"
  ;;
esac
echo "This is not allowed here: $SSH_ORIGINAL_COMMAND" >&2
exit 1
`;

// ── The stanza ───────────────────────────────────────────────────────────────

const STANZA_SERVICE = 'psa-pgbackrest-stanza.service';
const STANZA_TIMER = 'psa-pgbackrest-stanza.timer';

/** Made as soon as there is a primary, whichever of the two comes first. */
const STANZA_FILES: readonly ContentFile[] = [
  plainFile(
    `/etc/systemd/system/${STANZA_SERVICE}`,
    `# ${RENDERED}
[Unit]
Description=Make pgBackRest's repository of the database
ConditionPathExists=!${REPOSITORY}/archive/${STANZA}/archive.info

[Service]
Type=oneshot
User=postgres
ExecStart=/usr/bin/pgbackrest --stanza=${STANZA} stanza-create
TimeoutStartSec=120s
`,
  ),
  plainFile(
    `/etc/systemd/system/${STANZA_TIMER}`,
    `# ${RENDERED}
[Unit]
Description=See that pgBackRest has its repository of the database

[Timer]
OnActiveSec=5s
OnUnitInactiveSec=20s
AccuracySec=1s

[Install]
WantedBy=timers.target
`,
  ),
];
