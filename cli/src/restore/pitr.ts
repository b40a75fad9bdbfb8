import type { Container } from '@psa/appliance/inventory/expand';
import { PITR, PITR_FOLDER, PITR_TOO_LATE, pitrSocket, pitrTime } from '@psa/appliance/parts/pitr-script';
import { shellQuote } from '@psa/proxmox/ssh';
import { newRun } from '@psa/recovery/artefact-name';
import { baseFor, type PitrWindow, pitrWindow } from '@psa/recovery/pitr';
import type { ReadDump } from '@psa/recovery/rows/take';
import { gapsOf } from '../backup/pitr.ts';
import { BACKUP_LOCK } from '../backup/run-backup.ts';
import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { Cluster } from '../site/cluster.ts';
import { withClusterLock } from '../site/cluster-lock.ts';
import { freeIn } from '../site/free-in.ts';
import { postgresShell } from '../site/psql.ts';
import { archiverState, flushLog, readRepository, repositoryHost } from '../site/repository.ts';
import { lastWords, mib } from '../text.ts';
import { textOf } from './dump-program.ts';
import {
  GROWTH,
  needPrimary,
  type Place,
  placeDatabase,
  planPlace,
  RESTORE_MS,
  SPARE_BYTES,
  type WantedPlace,
} from './place-database.ts';

/** What a restore to a moment will do. */
export interface PitrPlan extends Place {
  /** ISO 8601; `latest`: as far as the log in the repository reaches. */
  readonly to: string;
  readonly window: PitrWindow;
  /** pgBackRest's name of the copy that it begins with. */
  readonly base: string;
  /** Seconds of the platform's work that it goes back: what was written in them is not in it. */
  readonly loses_seconds: number;
  /** Where it is brought to that moment. */
  readonly host: string;
  readonly primary: string;
  /** Bytes that it takes on the host, and on the primary. */
  readonly needed_bytes: number;
}

/** What came of it. */
export interface PitrRestored extends PitrPlan {
  readonly tables: number;
  readonly duration_ms: number;
  /** The log of the last moments was handed over before; false: what it has is as old as the log that was there. */
  readonly flushed: boolean;
  /** Of that: until the database was there as it was then. */
  readonly recovered_ms: number;
}

/** Everything that is known when the plan stands. */
interface Ready {
  readonly plan: PitrPlan;
  readonly host: Container;
  readonly primary: Container;
}

/** What the log behind a base takes beside it. */
export const LOG_BYTES = 512 * 1024 ** 2;

/** From where a moment can be had. */
export interface FoundMoment {
  readonly host: Container;
  readonly window: PitrWindow;
  readonly moment: Date;
  /** The copy that it begins with. */
  readonly base: NonNullable<ReturnType<typeof baseFor>>;
}

/** @param to null: as far as the log reaches @throws CliError when it cannot be had, or the host has no room for it */
export async function findMoment(cluster: Cluster, to: Date | null): Promise<FoundMoment> {
  const host = await repositoryHost(cluster);
  const info = await readRepository(cluster, host);
  const now = new Date();
  const state = await archiverState(cluster);
  const window = pitrWindow(info, state?.last_at ?? null);
  if (window.from === null)
    throw new CliError('Unable to go back in time: there is no copy of the database to begin with.', {
      outcome: 'not_found',
      fix: 'Take one with: psactl backup run --only pitr',
    });
  const moment = to ?? now;
  const outside = (why: string) =>
    new CliError(`Unable to restore to ${moment.toISOString()}: it is outside of what can be had.`, {
      outcome: 'usage',
      why,
      fix: `Give a moment from ${window.from} to ${window.to ?? 'now'} with --to.`,
    });
  if (moment > now) throw outside('It is in the future.');
  const base = baseFor(info, moment);
  if (!base) throw outside(`The first copy of the database was complete at ${window.from}.`);
  const [gap] = (await gapsOf(cluster, host, info)).get(base.label) ?? [];
  const free = await freeIn(cluster, host.id, PITR_FOLDER.slice(0, PITR_FOLDER.lastIndexOf('/')));
  if (free < base.content_bytes + LOG_BYTES)
    throw new CliError(`Unable to restore in ${host.name}: there is too little room.`, {
      why: `The database is brought to that moment there, which takes about ${mib(base.content_bytes + LOG_BYTES)}; ${mib(free)} are free.`,
      fix: 'Raise disk_gb of the group "ops" in the inventory, and run "psactl apply".',
    });
  if (gap && to === null)
    throw new CliError('Unable to restore the newest state: the log in the repository has a gap.', {
      why: `From ${gap.from} to ${gap.to} it is missing.`,
      fix: 'Give a moment before it with --to, and take a new copy with: psactl backup run --only pitr',
    });
  return { host, window, moment, base };
}

/**
 * Looks at everything before anything is touched.
 * @param to null: as far as the log reaches @throws CliError naming what is in the way
 */
export async function planPitr(cluster: Cluster, to: Date | null, wanted: WantedPlace): Promise<Ready> {
  const { host, window, moment, base } = await findMoment(cluster, to);
  const primary = await needPrimary(cluster);
  const needed_bytes = base.content_bytes * GROWTH + SPARE_BYTES;
  const place = await planPlace(
    cluster,
    primary,
    wanted,
    `the database of ${moment.toISOString()}`,
    needed_bytes,
  );
  const plan: PitrPlan = {
    ...{ to: to === null ? 'latest' : to.toISOString(), window, base: base.label, ...place, needed_bytes },
    ...{ host: host.name, primary: primary.name },
    loses_seconds: Math.max(0, Math.round((Date.now() - moment.getTime()) / 1000)),
  };
  return { plan, host, primary };
}

/**
 * A database as it was at a moment, on the repository's host, until `work` is done.
 * @param owner who holds the lock that goes with it: what an earlier one that was killed has left is taken away first
 */
export async function withDatabaseOf<T>(
  cluster: Cluster,
  host: Container,
  owner: 'restore' | 'drill',
  to: Date | null,
  work: (name: string) => Promise<T>,
): Promise<T> {
  const name = `${owner}-${newRun(new Date()).toLowerCase()}`;
  const leftovers = `for one in ${PITR_FOLDER}/${owner}-*; do [ ! -d "$one" ] || ${PITR} stop "\${one##*/}"; done`;
  await cluster.must(host.id, ['sh', '-c', leftovers], { timeoutMs: 120_000 });
  const end = () =>
    new Cluster(cluster.site, AbortSignal.timeout(120_000)).exec(host.id, [PITR, 'stop', name]);
  try {
    const moment = to === null ? 'latest' : pitrTime(to);
    const { code, stderr } = await cluster.exec(host.id, [PITR, 'start', name, moment], {
      timeoutMs: RESTORE_MS,
    });
    if (code !== 0)
      throw new CliError(
        `Unable to have the database as it was ${to === null ? 'last' : `at ${to.toISOString()}`}.`,
        {
          why: lastWords(stderr) || `It ended with ${code}.`,
          ...(code === PITR_TOO_LATE && {
            fix: 'Nothing was written after that moment, or it is not in the repository: take --to latest.',
          }),
        },
      );
    return await work(name);
  } finally {
    // Also of one that was interrupted: it holds as much of the disk as the database.
    await end().catch(() => {});
  }
}

/** A database of a moment as `pg_dump` makes it text, from where it was brought back. */
export const dumpOfMoment = (cluster: Cluster, host: Container, name: string, database: string): ReadDump =>
  textOf(
    cluster,
    host.id,
    postgresShell(`pg_dump -h ${pitrSocket(name)} --create --dbname=${shellQuote(database)}`),
    { unable: `Unable to read the database in ${host.name}.` },
  );

/** Has the log of the last moments in the repository. @returns whether it got there; else what is there reaches less far */
export async function handOver(
  cluster: Cluster,
  primary: Container,
  { to, window }: { readonly to: Date | null; readonly window: PitrWindow },
  progress: Progress,
): Promise<boolean> {
  progress.start('Hand over the log');
  // A moment at which nothing was written any more has no end in the log but this one.
  const isBehind = to !== null && window.to !== null && to.toISOString() < window.to;
  const flushed = await flushLog(cluster, primary).then(
    () => true,
    (error: CliError) => {
      cluster.signal.throwIfAborted();
      // What comes after a moment that is past is there already; and of a database that was made anew nothing ever is.
      if (to !== null && !isBehind) throw error;
      return false;
    },
  );
  if (!flushed && to === null)
    progress.note('The newest log does not get into the repository: this is as far as it reaches.');
  return flushed;
}

/**
 * Has the database as it was at a moment beside everything, and loads it from there: into its place in one step, with what
 * was there kept under another name, or under a name of its own. The members and their log go on as they are.
 */
export async function restorePitr(
  outer: Cluster,
  { plan, host, primary }: Ready,
  progress: Progress,
): Promise<PitrRestored> {
  const began = Date.now();
  const what = { name: BACKUP_LOCK, what: 'psactl restore pitr', signal: outer.signal };
  return withClusterLock(outer.site, what, async (signal) => {
    const cluster = new Cluster(outer.site, signal);
    const to = plan.to === 'latest' ? null : new Date(plan.to);
    const flushed = await handOver(cluster, primary, { to, window: plan.window }, progress);
    progress.start(`Have the database as it was ${plan.to === 'latest' ? 'last' : `at ${plan.to}`}`);
    return withDatabaseOf(cluster, host, 'restore', to, async (name) => {
      const recovered_ms = Date.now() - began;
      const ask = async (sql: string) => {
        const line = `psql -h ${pitrSocket(name)} -d postgres -X -q -A -t -c ${shellQuote(sql)}`;
        const text = await cluster.must(host.id, postgresShell(line));
        return text.split('\n').filter((one) => one !== '');
      };
      const names = await ask('SELECT datname FROM pg_database WHERE datallowconn');
      if (!names.includes(plan.database))
        throw new CliError(`Unable to restore "${plan.database}": there was none at that time.`, {
          outcome: 'not_found',
          why: `There were: ${names.join(', ')}.`,
        });
      const roles = await ask('SELECT rolname FROM pg_roles');
      const open = dumpOfMoment(cluster, host, name, plan.database);
      const rolesOf = async (there: ReadonlySet<string>) => {
        const lost = roles.filter((role) => !there.has(role) && !role.startsWith('pg_'));
        // A dump of one database knows no roles: who owns something in it must be there.
        if (lost.length > 0)
          throw new CliError(`Unable to restore "${plan.database}": roles that it had are gone.`, {
            why: lost.join(', '),
            fix: 'Make them again (the newest dump of "psactl backup list" has them), or drop what was theirs afterwards.',
          });
        return new Set<string>();
      };
      const tables = await placeDatabase(cluster, primary, plan, open, rolesOf, progress);
      return { ...plan, flushed, tables, recovered_ms, duration_ms: Date.now() - began };
    });
  });
}
