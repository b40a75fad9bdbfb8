import { stringify } from 'yaml';
import { secretOf } from '../contents/secret.ts';
import { endpointVlan } from '../inventory/flows.ts';
import { RENDERED } from '../render/rendered-file.ts';
import { etcdContents } from './etcd.ts';
import { type Contents, dropIn, type Place, script, secretFile } from './part.ts';
import { ARCHIVE_COMMAND, memberContents } from './pgbackrest.ts';
import { POOLER_ROLE, pgbouncerContents } from './pgbouncer.ts';
import { createContents } from './postgres-create.ts';
import { SEAT_PROGRAM, seatFile } from './postgres-seat.ts';
import { maxConnections, memorySettings, POSTGRES_PORTS } from './postgres-settings.ts';
import { wakeContents } from './postgres-wake.ts';
import { STANDBY_CLUSTER, STANDBY_METHOD, standbyCreate } from './standby.ts';
import { follows, isWarm, WARM_ARCHIVE_SECONDS } from './standby-settings.ts';

const CONFIG = '/etc/patroni/config.yml';
const CREATED = '/usr/local/sbin/psa-postgres-created';
const CREATED_SQL = '/etc/patroni/created.sql';

const UNIT = `# ${RENDERED}
[Unit]
After=etcd.service

[Service]
RuntimeDirectory=postgresql
RuntimeDirectoryMode=2775
RuntimeDirectoryPreserve=yes
ExecStartPre=+${SEAT_PROGRAM}
Restart=always
RestartSec=2s
`;

/** A member of the database: etcd, Patroni with its PostgreSQL, PgBouncer. */
export function postgresContents(place: Place): Contents {
  const [etcd, pgbouncer, pgbackrest, wake] = [
    etcdContents(place),
    pgbouncerContents(place),
    memberContents(place),
    wakeContents(place.container.address, place.inventory.data.postgres.version),
  ];
  return {
    files: [
      ...etcd.files,
      secretFile(CONFIG, `# ${RENDERED}\n${stringify(patroni(place), { lineWidth: 0 })}`, 'postgres'),
      secretFile(CREATED_SQL, createdSql(place), 'postgres'),
      script(CREATED, CREATED_SCRIPT),
      seatFile(place),
      ...(follows(place.secrets) ? [standbyCreate()] : []),
      ...createContents(place).files,
      dropIn('patroni.service', UNIT),
      ...pgbouncer.files,
      ...pgbackrest.files,
      ...wake.files,
    ],
    units: [
      ...etcd.units,
      ...pgbackrest.units,
      { name: 'patroni.service', onChange: 'reload', paths: [CONFIG] },
      ...pgbouncer.units,
      ...wake.units,
    ],
  };
}

function patroni(place: Place) {
  const { inventory, container, secrets, of } = place;
  const { postgres } = inventory.data;
  const members = of('postgres');
  const own = container.address;
  return {
    scope: inventory.name,
    namespace: '/patroni/',
    name: container.name,
    log: { level: 'INFO' },
    restapi: {
      listen: `${own}:${POSTGRES_PORTS.patroni}`,
      connect_address: `${own}:${POSTGRES_PORTS.patroni}`,
      // Everybody may ask for the role; only psactl may change it.
      authentication: { username: 'patroni', password: secretOf(secrets, 'patroni_rest') },
    },
    etcd3: { hosts: members.map((one) => `${one.address}:${POSTGRES_PORTS.etcd}`) },
    bootstrap: {
      // For the first start alone; later changes go through "patronictl edit-config".
      dcs: {
        // A node may take the primary and etcd's leader with it. Then etcd first chooses another (up to 6 s) and gives
        // every lease its whole time anew: 6 + 3 + 15, a promotion and a check of HAProxy stay below 30 s.
        ttl: 15,
        loop_wait: 4,
        retry_timeout: 5,
        maximum_lag_on_failover: 1_048_576,
        synchronous_mode: postgres.synchronous,
        // While etcd as a whole is away, a primary that all others still follow goes on.
        failsafe_mode: true,
        ...(follows(secrets) && { standby_cluster: STANDBY_CLUSTER }),
        primary_start_timeout: 30,
        primary_stop_timeout: 30,
        postgresql: {
          use_pg_rewind: true,
          use_slots: true,
          remove_data_directory_on_rewind_failure: true,
          remove_data_directory_on_diverged_timelines: true,
          parameters: {
            max_connections: maxConnections(container.memory_mb),
            max_worker_processes: 8,
            max_locks_per_transaction: 128,
            max_prepared_transactions: 0,
            max_wal_senders: 10,
            max_replication_slots: 10,
            wal_level: 'replica',
            wal_log_hints: 'on',
            wal_keep_size: '256MB',
            hot_standby: 'on',
          },
        },
      },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }, 'data-checksums'],
      post_bootstrap: CREATED,
    },
    postgresql: {
      listen: `${own},127.0.0.1:${POSTGRES_PORTS.postgres}`,
      connect_address: `${own}:${POSTGRES_PORTS.postgres}`,
      use_unix_socket: true,
      data_dir: `/var/lib/postgresql/${postgres.version}/main`,
      bin_dir: `/usr/lib/postgresql/${postgres.version}/bin`,
      config_dir: `/var/lib/postgresql/${postgres.version}/main`,
      pgpass: '/var/lib/postgresql/.patroni-pgpass',
      authentication: {
        superuser: { username: 'postgres', password: secretOf(secrets, 'postgres_superuser') },
        replication: { username: 'replicator', password: secretOf(secrets, 'postgres_replication') },
        rewind: { username: 'rewinder', password: secretOf(secrets, 'postgres_rewind') },
      },
      basebackup: [{ checkpoint: 'fast' }],
      ...createContents(place).settings,
      ...(follows(secrets) && { pgbackrest: STANDBY_METHOD }),
      pg_hba: hba(place),
      parameters: {
        ...memorySettings(container.memory_mb),
        archive_mode: 'on',
        archive_command: ARCHIVE_COMMAND,
        // So old is at most what is lost with all members at once.
        archive_timeout: isWarm(inventory)
          ? `${Math.min(WARM_ARCHIVE_SECONDS, inventory.backup.wal_archive_minutes * 60)}s`
          : `${inventory.backup.wal_archive_minutes}min`,
        password_encryption: 'scram-sha-256',
        unix_socket_directories: '/var/run/postgresql',
        // A replica that reads for long must not be stopped by what the primary cleans up.
        hot_standby_feedback: 'on',
        max_standby_streaming_delay: '30s',
        // A connection whose other end has lost its power is noticed, on both sides of a replication, too.
        tcp_keepalives_idle: 10,
        tcp_keepalives_interval: 3,
        tcp_keepalives_count: 3,
        wal_receiver_timeout: '10s',
        wal_sender_timeout: '10s',
        checkpoint_completion_target: 0.9,
        checkpoint_timeout: '10min',
        random_page_cost: 1.1,
        jit: 'off',
        timezone: 'UTC',
        log_timezone: 'UTC',
        logging_collector: 'off',
        log_line_prefix: '%m [%p] %q%u@%d ',
        log_min_duration_statement: '1s',
        log_checkpoints: 'on',
        log_lock_waits: 'on',
        log_temp_files: '10MB',
        autovacuum_vacuum_scale_factor: 0.05,
        autovacuum_analyze_scale_factor: 0.02,
      },
    },
    tags: { nofailover: false, noloadbalance: false, clonefrom: false, nosync: false },
  };
}

/** Who may come, from where: PgBouncer on this machine, the other members, people beside the nodes. */
function hba({ inventory, site, of }: Place): string[] {
  const rule = (type: string, database: string, user: string, address: string, method: string) =>
    [type, database, user, address, method].filter((part) => part !== '').join(' ');
  const management = endpointVlan(inventory, site, 'nodes');
  return [
    rule('local', 'all', 'postgres', '', 'peer'),
    rule('host', 'all', 'all', '127.0.0.1/32', 'scram-sha-256'),
    // Patroni asks its own server for its timeline.
    rule('host', 'replication', 'replicator', '127.0.0.1/32', 'scram-sha-256'),
    ...of('postgres').flatMap((one) => [
      rule('host', 'replication', 'replicator', `${one.address}/32`, 'scram-sha-256'),
      rule('host', 'all', 'postgres,rewinder', `${one.address}/32`, 'scram-sha-256'),
    ]),
    ...(management ? [rule('host', 'all', 'postgres', management.subnet, 'scram-sha-256')] : []),
  ];
}

const CREATED_SCRIPT = `#!/bin/sh
# ${RENDERED}
# Patroni runs this once, on the first primary of a new cluster, with the address of the database.
exec psql -X -q -v ON_ERROR_STOP=1 -f ${CREATED_SQL} "$1"
`;

/** The database, and the one role that is not the migrations' to make: the pooler's. */
function createdSql({ inventory, secrets }: Place): string {
  const { database } = inventory.data.postgres;
  const password = secretOf(secrets, 'postgres_pgbouncer').replaceAll("'", "''");
  return `-- ${RENDERED}
create database ${database};
\\connect ${database}
create role ${POOLER_ROLE} login password '${password}';
create schema pgbouncer;
grant usage on schema pgbouncer to ${POOLER_ROLE};
create function pgbouncer.user_lookup(in wanted text, out uname text, out phash text)
  returns record language sql stable security definer set search_path = pg_catalog
  as $$ select usename::text, passwd::text from pg_shadow where usename = wanted $$;
revoke all on function pgbouncer.user_lookup(text) from public;
grant execute on function pgbouncer.user_lookup(text) to ${POOLER_ROLE};
`;
}
