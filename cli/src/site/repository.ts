import type { Container } from '@psa/appliance/inventory/expand';
import { STANZA } from '@psa/appliance/parts/pgbackrest-settings';
import { shellQuote } from '@psa/proxmox/ssh';
import { type RepositoryInfo, readRepositoryInfo } from '@psa/recovery/pitr';
import { CliError } from '../errors.ts';
import type { Cluster } from './cluster.ts';
import { lowly } from './priority.ts';
import { askSql, postgresMembers, postgresShell } from './psql.ts';

/** The log of the database on its way to the repository, as the primary sees it. */
export interface ArchiverState {
  /** The piece that was handed over last: `000000010000000000000007`; null: none yet. */
  readonly last: string | null;
  /** When that was; ISO 8601. */
  readonly last_at: string | null;
  /** Bytes of log that were written and are not in the repository. */
  readonly waiting_bytes: number;
  /** The piece that the last attempt was for, when that failed and none has succeeded since; null: it works. */
  readonly failing: string | null;
}

/** The container that has pgBackRest's repository. @throws CliError when it does not run */
export async function repositoryHost(cluster: Cluster): Promise<Container> {
  const [host] = await cluster.running('ops');
  if (host) return host;
  throw new CliError('Unable to reach the repository of the database: its container does not run.', {
    why: 'It is of the group "ops".',
    fix: 'See "psactl status"; "psactl apply" starts or makes it. What it held is on its disk, and in its backups.',
  });
}

/** A copy of a large database takes its time. */
const BACKREST_MS = 24 * 3_600_000;

/** Runs pgBackRest on the repository's host. @throws CliError with its last words */
export async function backrest(
  cluster: Cluster,
  host: Container,
  args: readonly string[],
  isLow = false,
): Promise<string> {
  const line = lowly(['pgbackrest', `--stanza=${STANZA}`, ...args], isLow)
    .map(shellQuote)
    .join(' ');
  const { code, stdout, stderr } = await cluster.exec(host.id, postgresShell(line), {
    timeoutMs: BACKREST_MS,
  });
  if (code === 0) return stdout;
  const said = `${stdout}\n${stderr}`.split('\n').filter((one) => /ERROR|HINT|ASSERT/.test(one));
  throw new CliError(`Unable to have pgBackRest ${args.at(-1)} in ${host.name}: it ended with ${code}.`, {
    why: (said.length > 0 ? said : [stderr.trim() || stdout.trim()])
      .map((one) => one.replace(/^.*?(ERROR|HINT): /, '').trim())
      .slice(0, 4)
      .join(' '),
  });
}

/** What the repository holds. */
export const readRepository = async (cluster: Cluster, host: Container): Promise<RepositoryInfo> =>
  readRepositoryInfo(await backrest(cluster, host, ['--output=json', 'info']), STANZA);

/** How far the log is handed over; null: there is no primary to be asked. */
export async function archiverState(cluster: Cluster): Promise<ArchiverState | null> {
  const { primary } = await postgresMembers(cluster);
  if (!primary) return null;
  const [row = ''] = await askSql(
    cluster,
    primary.id,
    'postgres',
    `SELECT last_archived_wal, to_char(last_archived_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity') THEN last_failed_wal END,
       (SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready')
         * (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size')
     FROM pg_stat_archiver;`,
  );
  const [last, at, failing, waiting] = row.split('|');
  return {
    ...{ last: last || null, last_at: at || null, failing: failing || null },
    waiting_bytes: Number(waiting ?? 0),
  };
}

/** How long a piece of the log may be on its way. */
const ARCHIVE_MS = 60_000;

/**
 * Has what was written up to now reach the repository, with a commit behind it that a restore to now can stop at.
 * @returns the moment, by the primary's clock @throws CliError when it does not get there
 */
export async function flushLog(cluster: Cluster, primary: Container): Promise<Date> {
  const [row = ''] = await askSql(
    cluster,
    primary.id,
    'postgres',
    `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'); SELECT pg_sleep(0.002);
     SELECT txid_current(); SELECT pg_walfile_name(pg_switch_wal());`,
  ).then((rows) => [rows.join('|')]);
  const parts = row.split('|').filter((one) => one !== '');
  const [moment, segment] = [parts[0]!, parts.at(-1)!];
  await cluster.until(
    `the log up to now (${segment}) in the repository`,
    ARCHIVE_MS,
    async () => {
      const [last = ''] = await askSql(
        cluster,
        primary.id,
        'postgres',
        'SELECT last_archived_wal FROM pg_stat_archiver;',
      );
      return last >= segment ? null : `the last piece there is ${last || 'none'}`;
    },
    500,
  );
  return new Date(moment);
}
