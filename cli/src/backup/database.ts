import type { Container } from '@psa/appliance/inventory/expand';
import type { ExecOptions } from '@psa/proxmox/ssh';
import { readZstd } from '@psa/recovery/artefact';
import { type DumpAll, readDump } from '@psa/recovery/dump-text';
import type { SiteManifest } from '@psa/recovery/manifest';
import { CliError } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import { lowly } from '../site/priority.ts';
import { askSql, asPostgres, postgresMembers } from '../site/psql.ts';
import { type Part, type Run, takeFile } from './part.ts';

/** Roles and every database, as `pg_dumpall` writes them: the kind of backup that needs no other to be restored. */
export async function databasePart(cluster: Cluster): Promise<Part> {
  const { primary, replicas } = await postgresMembers(cluster);
  const base = { item: 'database' as const, name: 'database' };
  // A replica's work is nobody's wait; the primary is asked where there is none, or where it fails.
  const sources = [...replicas.slice(0, 1), ...(primary ? [primary] : [])];
  const [first] = sources;
  if (!first) return { ...base, how: '', skip: 'no member of PostgreSQL answers', take: async () => null };
  const roleOf = (one: Container) => (one === primary ? 'primary' : 'replica');
  return {
    ...{ ...base, how: `pg_dumpall on ${first.name} (${roleOf(first)})`, skip: null },
    async take(run) {
      const warnings: string[] = [];
      for (const [index, source] of sources.entries())
        try {
          return await takeDatabase(run, source, roleOf(source), warnings);
        } catch (error) {
          if (run.cluster.signal.aborted || index === sources.length - 1) throw error;
          const { message, why } = error as CliError;
          warnings.push(`The ${roleOf(source)} ${source.name} did not do: ${why ?? message}`);
        }
      return null;
    },
  };
}

/** A dump of a large database takes its time. */
const DUMP_MS = 24 * 3_600_000;

async function takeDatabase(
  run: Run,
  { id, name }: Container,
  role: string,
  warnings: readonly string[],
): Promise<SiteManifest> {
  const { cluster } = run;
  const facts = await askSql(
    cluster,
    id,
    'postgres',
    `SELECT current_setting('server_version'), CASE WHEN pg_is_in_recovery()
      THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END;`,
  );
  const [version, lsn] = facts[0]?.split('|') ?? [];
  // On a replica tables without a log have no rows to read.
  const dumpall = asPostgres(`pg_dumpall${role === 'replica' ? ' --no-unlogged-table-data' : ''}`);
  const line = `set -o pipefail; ${dumpall} | zstd -q -T0 -3`;
  const argv = lowly(['bash', '-c', line], run.isLow);
  let seen: DumpAll | null = null;
  const dump = async (into: Pick<ExecOptions, 'stdout' | 'stdoutFile'>) => {
    await mustStream(cluster, id, argv, into, 'Unable to dump the database');
    return {
      from: { container: id, name, role },
      ...{ version: version?.split(' ')[0] ?? null, ...(lsn && { lsn }), warnings },
      get databases() {
        return seen?.databases ?? [];
      },
      get content_bytes() {
        return seen?.bytes ?? null;
      },
    };
  };
  return takeFile(run, 'database', {
    fill: (stdout) => dump({ stdout }),
    // zstd has put its sum into it where it runs, and it is unpacked when it is looked at.
    fillFile: (stdoutFile) => dump({ stdoutFile }),
    async inspect(part) {
      seen = await readZstd(part, readDump);
    },
  });
}

/** Runs a command in a container whose output goes into a stream or a file. @throws CliError when it does not end with 0 */
export async function mustStream(
  cluster: Cluster,
  id: number,
  argv: readonly string[],
  into: Pick<ExecOptions, 'stdout' | 'stdoutFile'>,
  unable: string,
): Promise<void> {
  const { code, stderr } = await cluster.exec(id, argv, { ...into, timeoutMs: DUMP_MS });
  if (code !== 0)
    throw new CliError(`${unable} in ${cluster.nameOf(id)}.`, {
      why: stderr.trim().split('\n').slice(-4).join('\n') || `It ended with ${code}.`,
    });
}
