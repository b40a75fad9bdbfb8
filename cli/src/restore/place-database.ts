import { PassThrough } from 'node:stream';
import type { Container } from '@psa/appliance/inventory/expand';
import { shellQuote } from '@psa/proxmox/ssh';
import { newRun } from '@psa/recovery/artefact-name';
import { extractDatabase, quoteName } from '@psa/recovery/dump-text';
import type { ReadDump } from '@psa/recovery/rows/take';
import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import type { Cluster } from '../site/cluster.ts';
import { freeIn } from '../site/free-in.ts';
import { askSql, asPostgres, postgresMembers, psql } from '../site/psql.ts';
import { lastWords, mib } from '../text.ts';

/** Where a restored database goes. */
export interface Place {
  readonly database: string;
  /** The name that it gets: its own, or another one beside. */
  readonly as: string;
  /** The database that it takes the place of, with its bytes; null: there is none of that name. */
  readonly replaces: { readonly bytes: number; readonly kept_as: string } | null;
  readonly free_bytes: number;
}

/** Of a dump's text tables and indexes take about so much. */
export const GROWTH = 2;
export const SPARE_BYTES = 256 * 1024 ** 2;
/** Names of databases, as PostgreSQL cuts them off. */
const NAME_BYTES = 63;

export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** What is wanted of a restore of a database. */
export interface WantedPlace {
  /** Absent: the platform's. */
  readonly database?: string;
  /** Another name, beside what is there. */
  readonly as?: string;
}

/** @throws CliError when a name does not fit */
export function namesOf(cluster: Cluster, wanted: WantedPlace): { database: string; as: string } {
  const database = wanted.database ?? cluster.site.inventory.data.postgres.database;
  const as = wanted.as ?? database;
  if (Buffer.byteLength(as) > NAME_BYTES - '_before_20261130T020000Z'.length)
    throw new CliError(`Unable to restore as "${as}": the name is too long.`, {
      outcome: 'usage',
      fix: 'Give a shorter one with --as.',
    });
  return { database, as };
}

/**
 * Looks whether there is a place for a database on the primary.
 * @param needed bytes that it takes @throws CliError naming what is in the way
 */
export async function planPlace(
  cluster: Cluster,
  primary: Container,
  wanted: WantedPlace,
  what: string,
  needed: number,
): Promise<Place> {
  const { database, as } = namesOf(cluster, wanted);
  const there = await askSql(
    cluster,
    primary.id,
    'postgres',
    `SELECT pg_database_size(datname) FROM pg_database WHERE datname = ${literal(as)};`,
  );
  const exists = there.length > 0;
  if (exists && wanted.as !== undefined)
    throw new CliError(`Unable to restore as "${as}": there is a database of that name.`, {
      fix: 'Give another name with --as, or leave it out to take the place of the one that is there.',
    });
  const free_bytes = await freeIn(
    cluster,
    primary.id,
    `/var/lib/postgresql/${cluster.site.inventory.data.postgres.version}`,
  );
  if (free_bytes < needed)
    throw new CliError(`Unable to restore ${what} in ${primary.name}: there is too little room.`, {
      why: `It takes about ${mib(needed)}, and ${mib(free_bytes)} are free. What is there stays until the restored one has its place.`,
      fix: 'Make the disk larger (psactl exec … df -h; "disk_gb" of the inventory), or drop what is no longer needed.',
    });
  return {
    ...{ database, as, free_bytes },
    replaces: exists
      ? { bytes: Number(there[0]), kept_as: `${as}_before_${newRun(new Date()).slice(0, 16)}` }
      : null,
  };
}

/** The primary. @throws CliError when there is none */
export async function needPrimary(cluster: Cluster): Promise<Container> {
  const { primary } = await postgresMembers(cluster);
  if (primary) return primary;
  throw new CliError('Unable to restore a database: PostgreSQL has no primary.', {
    fix: 'See "psactl status". A member of a cluster that is lost is restored with "psactl restore container".',
  });
}

/**
 * Loads a dump under a name of its own; only when all of it is in does it get its place, in one step, and what was there
 * keeps another name. One that is killed leaves the platform's database as it was.
 * @param rolesOf which roles of the dump are to be made, by those that are there @returns how many tables it has
 */
export async function placeDatabase(
  cluster: Cluster,
  primary: Container,
  place: Pick<Place, 'database' | 'as' | 'replaces'>,
  open: ReadDump,
  rolesOf: (there: ReadonlySet<string>) => Promise<ReadonlySet<string>>,
  progress: Progress,
): Promise<number> {
  const draft = `${place.as}_restoring`;
  const drop = `DROP DATABASE IF EXISTS ${quoteName(draft)} WITH (FORCE);`;
  // Left by one that was killed.
  await askSql(cluster, primary.id, 'postgres', drop);
  try {
    progress.start(`Restore ${place.database}`);
    const there = new Set(await askSql(cluster, primary.id, 'postgres', 'SELECT rolname FROM pg_roles;'));
    const missingRoles = new Set(await rolesOf(there));
    await load(cluster, primary.id, open, { database: place.database, as: draft, missingRoles });
    const [tables = '0'] = await askSql(
      cluster,
      primary.id,
      draft,
      `ANALYZE; SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';`,
    );
    progress.start('Take its place');
    await takePlace(cluster, place, draft);
    return Number(tables);
  } catch (error) {
    if (!cluster.signal.aborted) await askSql(cluster, primary.id, 'postgres', drop).catch(() => {});
    throw error;
  }
}

export const RESTORE_MS = 24 * 3_600_000;

/** Runs a program that reads what is written into `stdin`, until that is ended. @throws CliError with its last words */
async function feeding(cluster: Cluster, member: number, line: string, stdin: PassThrough): Promise<void> {
  // Who reads may end first: then its words say why.
  const { code, stderr } = await cluster
    .exec(member, ['sh', '-c', line], { stdin, timeoutMs: RESTORE_MS })
    .finally(() => stdin.destroy());
  if (code !== 0)
    throw new CliError(`Unable to restore the database in ${cluster.nameOf(member)}.`, {
      why: lastWords(stderr) || `It ended with ${code}.`,
    });
}

async function load(
  cluster: Cluster,
  member: number,
  open: ReadDump,
  wanted: Parameters<typeof extractDatabase>[1],
): Promise<void> {
  const into = new PassThrough();
  const { as: draft } = wanted;
  let loading: Promise<void> = Promise.resolve();
  const begin = async (before: readonly string[]) => {
    const { code, stderr } = await psql(cluster, member, 'postgres', `${before.join('\n')}\n`);
    if (code !== 0)
      throw new CliError(`Unable to make the database "${draft}".`, {
        why: lastWords(stderr),
      });
    const line = asPostgres(`psql -X -q -o /dev/null -v ON_ERROR_STOP=1 -d ${shellQuote(draft)}`);
    loading = feeding(cluster, member, line, into);
    loading.catch((error: Error) => into.destroy(error));
    return into;
  };
  const found = await open((dump) => extractDatabase(dump, wanted, begin)).catch(async (error) => {
    // What psql says is the cause of a stream that nobody takes; of one that is damaged it knows nothing.
    if (into.destroyed) await loading;
    into.destroy(error);
    await loading.catch(() => {});
    throw error;
  });
  into.end();
  await loading;
  if (!found)
    throw new CliError(`Unable to restore "${wanted.database}": it is not in the dump.`, {
      outcome: 'not_found',
    });
}

/**
 * Two names in one transaction. Renaming takes the lock that new connections wait for, and then waits some seconds for the
 * old ones to go; those are ended meanwhile, on the replicas afterwards, where they would go on reading the old one.
 */
async function takePlace(
  cluster: Cluster,
  { as, replaces }: Pick<Place, 'as' | 'replaces'>,
  draft: string,
): Promise<void> {
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
