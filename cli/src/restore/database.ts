import { createReadStream } from 'node:fs';
import type { Container } from '@psa/appliance/inventory/expand';
import { readZstd, readZstdHead, verifySum } from '@psa/recovery/artefact';
import { readRoles } from '@psa/recovery/dump-text';
import type { ReadDump } from '@psa/recovery/rows/take';
import { BACKUP_LOCK } from '../backup/run-backup.ts';
import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { Cluster } from '../site/cluster.ts';
import { withClusterLock } from '../site/cluster-lock.ts';
import { askSql } from '../site/psql.ts';
import { type Chosen, choose } from './choose.ts';
import { textOf } from './dump-program.ts';
import {
  GROWTH,
  literal,
  namesOf,
  needPrimary,
  type Place,
  placeDatabase,
  planPlace,
  SPARE_BYTES,
  type WantedPlace,
} from './place-database.ts';

/** What a restore of a database will do. */
export interface DatabasePlan extends Place {
  readonly backup: string;
  /** When it was taken; what was written later is not in it. */
  readonly at: string;
  readonly age_minutes: number;
  readonly primary: string;
  /** Bytes of log that were written since the dump: about so much is lost. Null: not known. */
  readonly log_since: number | null;
  readonly needed_bytes: number;
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

/**
 * Looks at everything before anything is touched.
 * @param wanted `of`: the site that the backup is of, when it is another one
 * @throws CliError naming what is in the way
 */
export async function planDatabase(
  cluster: Cluster,
  wanted: WantedPlace & { readonly backup: string; readonly of?: string },
): Promise<Ready> {
  const { database } = namesOf(cluster, wanted);
  const chosen = await choose(cluster, wanted.backup, ['database', 'deploy'], undefined, wanted.of);
  const { manifest } = chosen;
  if (manifest.databases && !manifest.databases.includes(database))
    throw new CliError(`Unable to restore "${database}" from ${manifest.id}: it is not in it.`, {
      outcome: 'not_found',
      fix: `It holds: ${manifest.databases.join(', ')}. Name one with --database.`,
    });
  const primary = await needPrimary(cluster);
  const major = (version: string) => Number.parseInt(version, 10);
  const [facts = ''] = await askSql(
    cluster,
    primary.id,
    'postgres',
    `SELECT current_setting('server_version'), ${manifest.lsn ? `pg_wal_lsn_diff(pg_current_wal_lsn(), ${literal(manifest.lsn)})` : 'NULL'};`,
  );
  const [version = '', log] = facts.split('|');
  if (manifest.version !== null && major(manifest.version) > major(version))
    throw new CliError(
      `Unable to restore ${manifest.id}: it is of PostgreSQL ${manifest.version}, here runs ${version}.`,
    );
  const needed_bytes = (manifest.content_bytes ?? manifest.bytes * 10) * GROWTH + SPARE_BYTES;
  const place = await planPlace(cluster, primary, wanted, manifest.id, needed_bytes);
  const plan: DatabasePlan = {
    ...{ backup: manifest.id, at: manifest.at, age_minutes: chosen.age_minutes, ...place, needed_bytes },
    primary: primary.name,
    log_since: log === undefined || log === '' ? null : Math.max(0, Number(log)),
  };
  return { plan, chosen, primary };
}

/** Restores a database from a dump, into its place or beside it. */
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
    const isAll = chosen.manifest.kind === 'database';
    // That it is whole was seen when it was made, and it is still these bytes.
    const roles = isAll ? await readZstdHead(file, readRoles) : [];
    const open = dumpOf(cluster, primary.id, chosen);
    const rolesOf = async (there: ReadonlySet<string>) => new Set(roles.filter((role) => !there.has(role)));
    const tables = await placeDatabase(cluster, primary, plan, open, rolesOf, progress);
    return { ...plan, tables, duration_ms: Date.now() - began };
  });
}

/** The text of a backup of the database, whatever it is kept as. @param member where a `pg_restore` is */
export const dumpOf = (cluster: Cluster, member: number, { backup, manifest }: Chosen): ReadDump =>
  manifest.kind === 'database' ? (read) => readZstd(backup.file, read) : asText(cluster, member, backup.file);

/** What pg_dump wrote in its custom format, as before a deploy, is made text where its pg_restore is. */
const asText = (cluster: Cluster, member: number, file: string): ReadDump =>
  textOf(cluster, member, ['pg_restore', '--create', '--file=-'], {
    unable: `Unable to read the dump in ${cluster.nameOf(member)}.`,
    stdin: () => createReadStream(file),
  });
