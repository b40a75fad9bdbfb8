import type { Inventory } from '../inventory/schema.ts';
import { type Alert, type Answer, alert, type Need, type Part } from './part.ts';
import { postgresContents } from './patroni.ts';
import { POSTGRES_PORTS as PORTS } from './postgres-settings.ts';

/** The database: PostgreSQL under Patroni, etcd and PgBouncer in each member. */
export const postgres = {
  ports: PORTS,
  jobs: [
    { name: 'patroni', port: PORTS.patroni, why: 'metrics' },
    { name: 'etcd', port: PORTS.etcd, why: 'metrics of etcd' },
  ],
  votes: true,
  dns: 'edge',
  dnsWhy: 'PostgreSQL by role',
  secrets: {
    postgres_superuser: {
      by: 'no',
      what: 'superuser of PostgreSQL',
      way: 'The role keeps its password while the file gets another. Change the role first: ALTER ROLE postgres PASSWORD …',
    },
    postgres_replication: {
      by: 'no',
      what: 'replication of PostgreSQL',
      way: 'The replicas would lose the primary. Change the role first: ALTER ROLE replicator PASSWORD …',
    },
    postgres_rewind: {
      by: 'no',
      what: 'pg_rewind after a failover',
      way: 'Change the role first: ALTER ROLE rewinder PASSWORD …',
    },
    postgres_pgbouncer: {
      by: 'no',
      what: "PgBouncer's own role",
      way: 'Nobody could sign in through PgBouncer until the role has it, too.',
    },
    postgres_roles: {
      by: 'no',
      what: "the services' roles in PostgreSQL",
      way: 'The services would be locked out until the roles have it, too.',
    },
    patroni_rest: { by: 'new', what: 'changes by the REST API of Patroni' },
  },
  needs,
  contents: postgresContents,
  probe: ({ data }, { address }) => `
curl -s -m 5 http://${address}:${PORTS.patroni}/cluster; echo
echo "migrated $(timeout 15 su postgres -s /bin/sh -c "psql -h /var/run/postgresql -d ${data.postgres.database} -Atqc \\"select to_regclass('psa.migrations') is not null\\"")"`,
  trouble,
  alerts,
} satisfies Part;

/** By the virtual address: HAProxy knows who is primary. The gateway has no data of its own. */
function needs({ services, data }: Inventory): Need[] {
  const { write_port, read_port } = data.postgres;
  return [
    { from: 'haproxy', to: 'postgres', port: PORTS.pgbouncer, why: 'the database' },
    { from: 'haproxy', to: 'postgres', port: PORTS.patroni, why: 'the role of each member' },
    ...services
      .filter(({ name }) => name !== 'gateway')
      .flatMap(({ name }) => [
        { from: name, to: 'edge', port: write_port, why: 'the database' },
        { from: name, to: 'edge', port: read_port, why: 'the replicas of the database' },
      ]),
  ];
}

/** A member as Patroni's `/cluster` lists it. */
export interface PatroniMember {
  readonly name: string;
  /** `leader`, `sync_standby`, `replica` … */
  readonly role: string;
  /** `running`, `streaming` … */
  readonly state: string;
  readonly host?: string;
  /** Bytes behind; a word when it is not known. */
  readonly lag?: number | string;
}

/** The members, as the first one that answers sees them; null when none does. */
export function patroniMembers(answers: readonly Answer[]): readonly PatroniMember[] | null {
  for (const { text } of answers)
    try {
      const { members } = JSON.parse(text.split('\n').find((line) => line.startsWith('{')) ?? '') as {
        members?: PatroniMember[];
      };
      if (members) return members;
    } catch {
      // The next one.
    }
  return null;
}

/** The one that takes writes. */
export const leaderOf = (members: readonly PatroniMember[]): PatroniMember | undefined =>
  members.find(({ role }) => role === 'leader' || role === 'master');

/** The one that the others follow, and which follows the other site's repository itself. */
export const standbyLeaderOf = (members: readonly PatroniMember[]): PatroniMember | undefined =>
  members.find(({ role }) => role === 'standby_leader');

/** Whether the database has tables; null when nobody knows. */
export function isMigrated(answers: readonly Answer[]): boolean | null {
  const said = answers.map(({ text }) => /^migrated ([tf])$/m.exec(text)?.[1]).find((one) => one);
  return said === undefined ? null : said === 't';
}

/** `wal_keep_size`: whoever is further behind may wait for log that the primary no longer has. */
const KEPT_LOG_BYTES = 256 * 1024 ** 2;

/** One leader, everybody streaming, and a replica that has every commit. */
function trouble({ data }: Inventory, answers: readonly Answer[]): string | null {
  const seen = patroniMembers(answers);
  if (seen === null) return 'no member of Patroni answers';
  const leader = leaderOf(seen);
  const standby = standbyLeaderOf(seen);
  if (!leader && standby) return `${standby.name} follows another site: it takes no writes`;
  if (!leader) return 'no leader';
  if (leader.state !== 'running') return `leader ${leader.name} is ${leader.state}`;
  for (const { container } of answers) {
    const member = seen.find(({ name }) => name === container.name);
    if (!member) return `${container.name} has not joined`;
    if (member !== leader && !['running', 'streaming'].includes(member.state))
      return `${member.name} is ${member.state}`;
    if (member !== leader && typeof member.lag === 'number' && member.lag > KEPT_LOG_BYTES)
      return `${member.name} is ${Math.round(member.lag / 1024 ** 2)} MiB behind`;
  }
  const isSynchronous = seen.some(({ role }) => role === 'sync_standby' || role === 'quorum_standby');
  if (data.postgres.synchronous && answers.length > 1 && !isSynchronous) return 'no synchronous replica';
  return null;
}

function alerts(inventory: Inventory): Alert[] {
  const { members, synchronous } = inventory.data.postgres;
  const group = 'postgres';
  return [
    alert(
      'PostgresWithoutPrimary',
      'critical',
      '(sum(patroni_primary) or vector(0)) < 1',
      '30s',
      {
        summary: 'No member of PostgreSQL takes writes.',
        runbook:
          'Run "patronictl list" on a member; without a majority of etcd there is none: bring its members back first.',
      },
      group,
    ),
    alert(
      'PostgresTwoPrimaries',
      'critical',
      'sum(patroni_primary) > 1',
      '30s',
      {
        summary: '{{ $value }} members of PostgreSQL call themselves primary.',
        runbook:
          'Stop Patroni on the member that etcd does not name as leader; do not restart it before its data are compared.',
      },
      group,
    ),
    alert(
      'PostgresReplicaMissing',
      'warning',
      `sum(patroni_replica) < ${members - 1}`,
      '5m',
      {
        summary: `Only {{ $value }} of ${members - 1} replicas of PostgreSQL stream.`,
        runbook: 'Run "patronictl list"; "patronictl reinit" for a member that cannot follow any more.',
      },
      group,
    ),
    ...(synchronous && members > 1
      ? [
          alert(
            'PostgresNotSynchronous',
            'critical',
            'sum(patroni_sync_standby) < 1',
            '2m',
            {
              summary: 'No replica confirms commits: the loss of the primary would lose data.',
              runbook: 'Run "patronictl list"; bring a replica back before anything else is touched.',
            },
            group,
          ),
        ]
      : []),
    alert(
      'EtcdWithoutLeader',
      'critical',
      '(max(etcd_server_has_leader) or vector(0)) < 1',
      '30s',
      {
        summary: 'etcd has no leader: Patroni cannot keep or choose a primary.',
        runbook: `Bring back members of etcd until ${Math.floor(members / 2) + 1} of ${members} run; check the network between the nodes.`,
      },
      group,
    ),
  ];
}
