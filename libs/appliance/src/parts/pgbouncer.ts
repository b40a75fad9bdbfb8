import { secretOf } from '../contents/secret.ts';
import { RENDERED } from '../render/rendered-file.ts';
import { type Contents, dropIn, type Place, secretFile } from './part.ts';
import { maxConnections, POSTGRES_PORTS } from './postgres-settings.ts';

const CONFIG = '/etc/pgbouncer/pgbouncer.ini';
const USERS = '/etc/pgbouncer/userlist.txt';

/** The role that looks up passwords for PgBouncer. */
export const POOLER_ROLE = 'pgbouncer';

/**
 * PgBouncer in front of the PostgreSQL beside it. Connections of the services are lent for one transaction;
 * `<database>_admin` is for migrations, which need one session to the end. Passwords are looked up in the database,
 * so a new role needs no change here.
 */
export function pgbouncerContents({ inventory, container, secrets }: Place): Contents {
  const { database } = inventory.data.postgres;
  const server = `host=127.0.0.1 port=${POSTGRES_PORTS.postgres} dbname=${database}`;
  const connections = maxConnections(container.memory_mb);
  const config = `; ${RENDERED}
[databases]
${database} = ${server}
${database}_admin = ${server} pool_mode=session pool_size=4

[pgbouncer]
listen_addr = ${container.address},127.0.0.1
listen_port = ${POSTGRES_PORTS.pgbouncer}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${USERS}
auth_user = ${POOLER_ROLE}
auth_query = select uname, phash from pgbouncer.user_lookup($1)
admin_users = ${POOLER_ROLE}
pool_mode = transaction
max_client_conn = 2000
default_pool_size = 20
reserve_pool_size = 5
; PostgreSQL keeps some connections for itself, Patroni and people.
max_db_connections = ${connections - 20}
; Drivers send these at the start of a session; the roles have their own values.
ignore_startup_parameters = extra_float_digits,options,statement_timeout
; Who cannot be served soon shall say so to its own caller, not wait.
query_wait_timeout = 5
server_connect_timeout = 3
server_login_retry = 1
server_idle_timeout = 300
client_login_timeout = 10
; A member that was cut off is noticed.
tcp_keepalive = 1
tcp_keepidle = 10
tcp_keepintvl = 3
tcp_keepcnt = 3
log_connections = 0
log_disconnections = 0
`;
  return {
    files: [
      { path: CONFIG, text: config, mode: 0o640, owner: 'root:postgres' },
      secretFile(USERS, `"${POOLER_ROLE}" "${secretOf(secrets, 'postgres_pgbouncer')}"\n`, 'postgres'),
      dropIn(
        'pgbouncer.service',
        `# ${RENDERED}\n[Service]\nRestart=always\nRestartSec=1s\nLimitNOFILE=8192\n`,
      ),
    ],
    units: [{ name: 'pgbouncer.service', onChange: 'reload', paths: [CONFIG, USERS] }],
  };
}
