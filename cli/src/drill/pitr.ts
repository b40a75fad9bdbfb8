import { dirname } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Container } from '@psa/appliance/inventory/expand';
import { PITR_FOLDER, pitrSocket } from '@psa/appliance/parts/pitr-script';
import { shellQuote } from '@psa/proxmox/ssh';
import { readRows } from '@psa/recovery/dump-rows';
import type { SiteManifest } from '@psa/recovery/manifest';
import type { BaseBackup } from '@psa/recovery/pitr';
import { compare } from '@psa/recovery/proof';
import type { Catalogued } from '../backup/catalogue.ts';
import { repositoryTrouble, troubleOf } from '../backup/pitr.ts';
import { CliError } from '../errors.ts';
import { LOG_BYTES, withDatabaseOf } from '../restore/pitr.ts';
import { literal, needPrimary } from '../restore/place-database.ts';
import type { Cluster } from '../site/cluster.ts';
import { freeIn } from '../site/free-in.ts';
import { askSql, postgresShell } from '../site/psql.ts';
import { flushLog, readRepository, repositoryHost } from '../site/repository.ts';
import { passingTables, rowsOf } from '../site/rows.ts';
import { lastWords, mib } from '../text.ts';
import { between } from './between.ts';
import type { Tried } from './database.ts';
import { type Drilling, preparing } from './place.ts';

const DRILL_MS = 24 * 3_600_000;

/** What is known before the database is brought back. */
interface Prepared {
  readonly host: Container;
  readonly base: BaseBackup;
  /** The moment to bring it to; null: as far as the log reaches. */
  readonly to: Date | null;
  /** Where the log stood on the primary when the drill began; null: an older copy, which is brought to a moment before. */
  readonly lsn: string | null;
  /** Rows of the platform's tables, counted before the log was handed over; of an older copy nobody has counted them. */
  readonly rows: {
    readonly before: ReadonlyMap<string, number>;
    readonly passing: ReadonlySet<string>;
  } | null;
}

/**
 * Brings the database back from a copy in pgBackRest's repository and the log behind it: from the newest one as far as the
 * log reaches, which must be where the primary stood when the drill began; from an older one to where the next one begins. It
 * stands on the repository's host, at a socket alone. Every row is read, and every page and index checked.
 */
export async function drillPitr(
  drilling: Drilling,
  { id: backup }: Catalogued,
  manifest: SiteManifest,
): Promise<Tried> {
  const { cluster, journal } = drilling;
  const began = performance.now();
  const step = <T>(what: string, work: () => Promise<T>) => journal.step(backup, what, work);
  const label = manifest.repository?.label ?? '';
  const {
    host,
    base,
    to,
    lsn,
    rows: counted,
  } = await preparing(drilling, () => step('hand over the log', () => prepare(cluster, label)));
  await step('read the repository', async () => {
    const info = await readRepository(cluster, host);
    const wrong = troubleOf(await repositoryTrouble(cluster, host, info), base);
    if (wrong !== null) throw new CliError(`${label} does not restore: ${wrong}.`);
  });
  let name: string | null = null;
  const waiting = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<void>();
  // Its end is this drill's: one step brings it back, the next ones look at it.
  const having = withDatabaseOf(cluster, host, 'drill', to, async (one) => {
    waiting.resolve(one);
    await ended.promise;
  });
  having.catch(waiting.reject);
  try {
    name = await step(
      to === null ? 'bring it to the end of the log' : `bring it to ${to.toISOString()}`,
      () => waiting.promise,
    );
    const restore_ms = Math.round(performance.now() - began);
    // Only now: the log that it took may have grown until just before.
    const after = counted && (await step('count what the source has', () => rowsOf(cluster)));
    const socket = pitrSocket(name);
    const run = (line: string, options = {}) =>
      cluster.exec(host.id, postgresShell(line), {
        timeoutMs: DRILL_MS,
        ...options,
      });
    const content = await step('read every row', async () => {
      const text = new PassThrough();
      const reading = readRows(text);
      reading.catch((error: Error) => text.destroy(error));
      const { code, stderr } = await run(`pg_dumpall -h ${socket}`, { stdout: text });
      text.end();
      if (code !== 0) throw new CliError('What was restored does not read.', { why: lastWords(stderr) });
      return reading;
    });
    const reached =
      lsn === null ? null : await step('see how far it came', () => hasReached(run, socket, lsn));
    const faults = await step('check tables and indexes', async () => {
      const bin = `/usr/lib/postgresql/${cluster.site.inventory.data.postgres.version}/bin`;
      const line = `PATH=$PATH:${bin} pg_amcheck -h ${socket} --all --install-missing --heapallindexed 2>&1`;
      const { code, stdout } = await run(line);
      const lines = stdout.split('\n').filter((one) => one.trim() !== '');
      return code === 0 ? [] : lines.length === 0 ? [`pg_amcheck ended with ${code}`] : lines;
    });
    const { database } = cluster.site.inventory.data.postgres;
    const rows = [...content.tables.values()].reduce((sum, { lines }) => sum + lines, 0);
    return {
      restore_ms,
      compared: [
        compare(
          'databases that have tables',
          null,
          new Set([...content.tables.keys()].map((key) => key.split(' ')[0])).size,
        ),
        compare('tables that were read to their end', null, content.tables.size),
        compare('rows that were read', null, rows),
        ...(counted === null || after === null
          ? []
          : between(counted.before, rowsOfDump(content.tables, database), after, counted.passing)),
        ...(reached === null ? [] : [compare('log up to where the primary stood', 'all of it', reached)]),
        compare('faults that pg_amcheck finds', 0, faults.length),
      ],
      notes: faults.slice(0, 5),
    };
  } finally {
    ended.resolve();
    if (name !== null) await step('take it away', () => having).catch(() => {});
  }
}

async function prepare(cluster: Cluster, label: string): Promise<Prepared> {
  const host = await repositoryHost(cluster);
  const { backups } = await readRepository(cluster, host);
  const at = backups.findIndex((one) => one.label === label);
  const base = backups[at];
  if (!base) throw new CliError(`The repository no longer lists ${label}.`);
  const free = await freeIn(cluster, host.id, dirname(PITR_FOLDER));
  if (free < base.content_bytes + LOG_BYTES)
    throw new CliError(`Unable to restore in ${host.name}: there is too little room.`, {
      why: `It takes about ${mib(base.content_bytes + LOG_BYTES)}; ${mib(free)} are free.`,
      fix: 'Raise disk_gb of the group "ops" in the inventory, and run "psactl apply".',
    });
  const next = backups[at + 1];
  if (next) return { host, base, to: new Date(next.start), lsn: null, rows: null };
  const primary = await needPrimary(cluster);
  const [lsn = ''] = await askSql(cluster, primary.id, 'postgres', 'SELECT pg_current_wal_lsn();');
  const before = await rowsOf(cluster);
  await flushLog(cluster, primary);
  return { host, base, to: null, lsn, rows: { before, passing: await passingTables(cluster) } };
}

/** The tables of one database: `psa_platform tickets.tickets` → `tickets.tickets`. */
const rowsOfDump = (
  tables: ReadonlyMap<string, { readonly lines: number }>,
  database: string,
): ReadonlyMap<string, number> =>
  new Map(
    [...tables].flatMap(([key, { lines }]) =>
      key.startsWith(`${database} `) ? [[key.slice(database.length + 1), lines] as const] : [],
    ),
  );

type Run = (
  line: string,
) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;

async function hasReached(run: Run, socket: string, lsn: string): Promise<string> {
  const sql = `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), ${literal(lsn)}) >= 0`;
  const { code, stdout, stderr } = await run(
    `psql -h ${socket} -d postgres -X -q -A -t -c ${shellQuote(sql)}`,
  );
  if (code !== 0) throw new CliError('What was restored cannot be asked.', { why: lastWords(stderr) });
  return stdout.trim() === 't' ? 'all of it' : 'not all of it';
}
