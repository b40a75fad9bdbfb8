import { createReadStream } from 'node:fs';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import type { Container } from '@psa/appliance/inventory/expand';
import { shellQuote } from '@psa/proxmox/ssh';
import { readZstd, verifySum } from '@psa/recovery/artefact';
import { newRun } from '@psa/recovery/artefact-name';
import { extractDatabase, quoteName, readDump } from '@psa/recovery/dump-text';
import { BACKUP_LOCK } from '../backup/run-backup.ts';
import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { Cluster } from '../site/cluster.ts';
import { withClusterLock } from '../site/cluster-lock.ts';
import { askSql, asPostgres, postgresMembers, psql } from '../site/psql.ts';
import { type Chosen, choose } from './choose.ts';

/** What a restore of a database will do. */
export interface DatabasePlan {
  readonly backup: string;
  /** When it was taken; what was written later is not in it. */
  readonly at: string;
  readonly age_minutes: number;
  readonly database: string;
  /** The name that it gets: its own, or another one beside. */
  readonly as: string;
  readonly primary: string;
  /** The database that it takes the place of, with its bytes; null: there is none of that name. */
  readonly replaces: { readonly bytes: number; readonly kept_as: string } | null;
  /** Bytes of log that were written since the dump: about so much is lost. Null: not known. */
  readonly log_since: number | null;
  readonly needed_bytes: number;
  readonly free_bytes: number;
}

/** What came of it. */
export interface DatabaseRestored extends DatabasePlan {
  readonly tables: number;
  readonly duration_ms: number;
}

/** Everything that is known when the plan stands. */
interface Ready {
  readonly plan: DatabasePlan;
  readonly chosen: Chosen;
  readonly primary: Container;
}

/** Of a dump's text tables and indexes take about so much. */
const GROWTH = 2;
const SPARE_BYTES = 256 * 1024 ** 2;
/** Names of databases, as PostgreSQL cuts them off. */
const NAME_BYTES = 63;

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/**
 * Looks at everything before anything is touched.
 * @param wanted `database`: absent, the platform's. `as`: another name beside what is there. `of`: the site that the
 *   backup is of, when it is another one
 * @throws CliError naming what is in the way
 */
export async function planDatabase(
  cluster: Cluster,
  wanted: { readonly backup: string; readonly database?: string; readonly as?: string; readonly of?: string },
): Promise<Ready> {
  const { postgres } = cluster.site.inventory.data;
  const database = wanted.database ?? postgres.database;
  const as = wanted.as ?? database;
  if (Buffer.byteLength(as) > NAME_BYTES - '_before_20261130T020000Z'.length)
    throw new CliError(`Unable to restore as "${as}": the name is too long.`, {
      outcome: 'usage',
      fix: 'Give a shorter one with --as.',
    });
  const chosen = await choose(cluster, wanted.backup, ['database', 'deploy'], undefined, wanted.of);
  const { manifest } = chosen;
  if (manifest.databases && !manifest.databases.includes(database))
    throw new CliError(`Unable to restore "${database}" from ${manifest.id}: it is not in it.`, {
      outcome: 'not_found',
      fix: `It holds: ${manifest.databases.join(', ')}. Name one with --database.`,
    });
  const { primary } = await postgresMembers(cluster);
  if (!primary)
    throw new CliError('Unable to restore a database: PostgreSQL has no primary.', {
      fix: 'See "psactl status". A member of a cluster that is lost is restored with "psactl restore container".',
    });
  const major = (version: string) => Number.parseInt(version, 10);
  const [facts = '', ...there] = await askSql(
    cluster,
    primary.id,
    'postgres',
    `SELECT current_setting('server_version'), ${manifest.lsn ? `pg_wal_lsn_diff(pg_current_wal_lsn(), ${literal(manifest.lsn)})` : 'NULL'};
     SELECT pg_database_size(datname) FROM pg_database WHERE datname = ${literal(as)};`,
  );
  const [version = '', log] = facts.split('|');
  if (manifest.version !== null && major(manifest.version) > major(version))
    throw new CliError(
      `Unable to restore ${manifest.id}: it is of PostgreSQL ${manifest.version}, here runs ${version}.`,
    );
  const exists = there.length > 0;
  if (exists && wanted.as !== undefined)
    throw new CliError(`Unable to restore as "${as}": there is a database of that name.`, {
      fix: 'Give another name with --as, or leave it out to take the place of the one that is there.',
    });
  const free_bytes = await freeIn(cluster, primary.id, postgres.version);
  const needed_bytes = (manifest.content_bytes ?? manifest.bytes * 10) * GROWTH + SPARE_BYTES;
  if (free_bytes < needed_bytes)
    throw new CliError(`Unable to restore ${manifest.id} in ${primary.name}: there is too little room.`, {
      why: `It takes about ${mib(needed_bytes)}, and ${mib(free_bytes)} are free. What is there stays until the restored one has its place.`,
      fix: 'Make the disk larger (psactl exec … df -h; "disk_gb" of the inventory), or drop what is no longer needed.',
    });
  const plan: DatabasePlan = {
    ...{ backup: manifest.id, at: manifest.at, age_minutes: chosen.age_minutes, database, as },
    primary: primary.name,
    replaces: exists
      ? { bytes: Number(there[0]), kept_as: `${as}_before_${newRun(new Date()).slice(0, 16)}` }
      : null,
    log_since: log === undefined || log === '' ? null : Math.max(0, Number(log)),
    ...{ needed_bytes, free_bytes },
  };
  return { plan, chosen, primary };
}

const mib = (bytes: number) => `${Math.ceil(bytes / 1024 ** 2)} MiB`;

async function freeIn(cluster: Cluster, member: number, version: number): Promise<number> {
  const text = await cluster.must(member, ['df', '-Pk', `/var/lib/postgresql/${version}`]);
  return Number(text.trim().split('\n').at(-1)!.split(/\s+/)[3]) * 1024;
}

/**
 * Restores a database beside what is there, under a name of its own; only when all of it is in does it get its place, in one
 * step, and what was there keeps another name. A restore that is killed leaves the platform's database as it was.
 */
export async function restoreDatabase(
  outer: Cluster,
  { plan, chosen, primary }: Ready,
  progress: Progress,
): Promise<DatabaseRestored> {
  const began = Date.now();
  const what = { name: BACKUP_LOCK, what: 'psactl restore database', signal: outer.signal };
  return withClusterLock(outer.site, what, async (signal) => {
    const cluster = new Cluster(outer.site, signal);
    const { file } = chosen.backup;
    progress.start('Read the backup');
    await verifySum(file, chosen.manifest);
    const draft = `${plan.as}_restoring`;
    // Left by one that was killed.
    await askSql(
      cluster,
      primary.id,
      'postgres',
      `DROP DATABASE IF EXISTS ${quoteName(draft)} WITH (FORCE);`,
    );
    try {
      progress.start(`Restore ${plan.database}`);
      const isAll = chosen.manifest.kind === 'database';
      const there = new Set(await askSql(cluster, primary.id, 'postgres', 'SELECT rolname FROM pg_roles;'));
      const roles = isAll ? (await readZstd(file, readDump)).roles : [];
      const missingRoles = new Set(roles.filter((role) => !there.has(role)));
      const open: OpenDump = isAll ? (read) => readZstd(file, read) : asText(cluster, primary.id, file);
      await load(cluster, primary.id, open, { database: plan.database, as: draft, missingRoles });
      const [tables = '0'] = await askSql(
        cluster,
        primary.id,
        draft,
        `ANALYZE; SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';`,
      );
      progress.start('Take its place');
      await takePlace(cluster, plan, draft);
      return { ...plan, tables: Number(tables), duration_ms: Date.now() - began };
    } catch (error) {
      if (!signal.aborted)
        await askSql(
          cluster,
          primary.id,
          'postgres',
          `DROP DATABASE IF EXISTS ${quoteName(draft)} WITH (FORCE);`,
        ).catch(() => {});
      throw error;
    }
  });
}

const RESTORE_MS = 24 * 3_600_000;

/** Runs a program that reads what `feed` writes. @throws CliError with its last words */
async function feeding(
  cluster: Cluster,
  member: number,
  line: string,
  feed: (into: Writable) => Promise<void>,
): Promise<void> {
  const stdin = new PassThrough();
  const running = cluster.exec(member, ['sh', '-c', line], { stdin, timeoutMs: RESTORE_MS });
  // Who reads may end first: then its words say why.
  const ended = running.finally(() => stdin.destroy());
  const fed = feed(stdin).then(
    () => void stdin.end(),
    (error: Error) => error,
  );
  const [{ code, stderr }, broken] = await Promise.all([ended, fed]);
  if (code !== 0)
    throw new CliError(`Unable to restore the database in ${cluster.nameOf(member)}.`, {
      why: stderr.trim().split('\n').slice(-4).join('\n') || `It ended with ${code}.`,
    });
  if (broken) throw broken;
}

/** Hands the text of a dump to who reads it. */
type OpenDump = <T>(read: (dump: Readable) => Promise<T>) => Promise<T>;

/** What pg_dump wrote in its custom format, as before a deploy, is made text where its pg_restore is. */
const asText =
  (cluster: Cluster, member: number, file: string): OpenDump =>
  async (read) => {
    const text = new PassThrough();
    const argv = ['pg_restore', '--create', '--file=-'];
    const options = { stdin: createReadStream(file), stdout: text, timeoutMs: RESTORE_MS };
    const writing = cluster.exec(member, argv, options).then(({ code, stderr }) => {
      if (code === 0) return void text.end();
      const why = stderr.trim().split('\n').slice(-4).join('\n');
      const error = new CliError(`Unable to read the dump in ${cluster.nameOf(member)}.`, { why });
      text.destroy(error);
      throw error;
    });
    writing.catch(() => {});
    const result = await read(text);
    await writing;
    return result;
  };

async function load(
  cluster: Cluster,
  member: number,
  open: OpenDump,
  wanted: Parameters<typeof extractDatabase>[1],
): Promise<void> {
  const into = new PassThrough();
  const { as: draft } = wanted;
  let loading: Promise<void> = Promise.resolve();
  const begin = async (before: readonly string[]) => {
    const { code, stderr } = await psql(cluster, member, 'postgres', `${before.join('\n')}\n`);
    if (code !== 0)
      throw new CliError(`Unable to make the database "${draft}".`, {
        why: stderr.trim().split('\n').slice(-4).join('\n'),
      });
    const line = asPostgres(`psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d ${shellQuote(draft)}`);
    loading = feeding(cluster, member, line, (stdin) => send(into, stdin));
    loading.catch((error: Error) => into.destroy(error));
    return into;
  };
  const found = await open((dump) => extractDatabase(dump, wanted, begin)).catch(async (error) => {
    into.destroy(error);
    // What psql says is the cause of a stream that nobody takes.
    await loading;
    throw error;
  });
  into.end();
  await loading;
  if (!found)
    throw new CliError(`Unable to restore "${wanted.database}": it is not in the dump.`, {
      outcome: 'not_found',
    });
}

async function send(from: Readable, into: Writable): Promise<void> {
  for await (const chunk of from)
    if (!into.write(chunk))
      await new Promise<void>((resolve, reject) => {
        into.once('drain', resolve).once('close', () => reject(new Error('who read it has gone')));
      });
}

/**
 * Two names in one transaction. Renaming takes the lock that new connections wait for, and then waits some seconds for the
 * old ones to go; those are ended meanwhile, on the replicas afterwards, where they would go on reading the old one.
 */
async function takePlace(cluster: Cluster, { as, replaces }: DatabasePlan, draft: string): Promise<void> {
  const { primary, replicas } = await postgresMembers(cluster);
  if (!primary)
    throw new CliError('Unable to give the restored database its place: PostgreSQL has no primary now.', {
      fix: 'See "psactl status", then run this again: what was there is as it was.',
    });
  const [oid] = await askSql(
    cluster,
    primary.id,
    'postgres',
    `SELECT oid FROM pg_database WHERE datname = ${literal(as)};`,
  );
  // By its number, which stays what it is: the name is soon the restored one's.
  const end = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datid = ${Number(oid ?? 0)} AND pid <> pg_backend_pid();`;
  const renames = [
    ...(replaces ? [`ALTER DATABASE ${quoteName(as)} RENAME TO ${quoteName(replaces.kept_as)};`] : []),
    `ALTER DATABASE ${quoteName(draft)} RENAME TO ${quoteName(as)};`,
  ];
  let isDone = false;
  const renaming = askSql(
    cluster,
    primary.id,
    'postgres',
    `BEGIN;\n${renames.join('\n')}\nCOMMIT;\n`,
  ).finally(() => {
    isDone = true;
  });
  renaming.catch(() => {});
  while (replaces && !isDone)
    await askSql(cluster, primary.id, 'postgres', `${end} SELECT pg_sleep(0.2);`).catch(() => {});
  await renaming;
  if (!replaces) return;
  for (const replica of replicas) await askSql(cluster, replica.id, 'postgres', end).catch(() => {});
}
