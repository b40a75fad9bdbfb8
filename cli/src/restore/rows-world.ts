import { resolve } from 'node:path';
import type { Session } from '@psa/recovery/rows/session';
import type { ReadDump } from '@psa/recovery/rows/take';
import type { takeFiles } from '@psa/recovery/rows/taken-files';
import { BACKUP_LOCK } from '../backup/run-backup.ts';
import type { Context, Option } from '../command.ts';
import { usage } from '../errors.ts';
import { backupKeyOf, recoveryError } from '../recovery-error.ts';
import { Cluster } from '../site/cluster.ts';
import { withClusterLock } from '../site/cluster-lock.ts';
import { withPsqlSession } from '../site/psql-session.ts';
import { type SiteOptions, withSite } from '../site/site.ts';
import { choose, givenMoment } from './choose.ts';
import { dumpOf } from './database.ts';
import { dumpOfMoment, findMoment, handOver, withDatabaseOf } from './pitr.ts';
import { needPrimary } from './place-database.ts';

/** Where single rows are taken from. */
export interface RowsOptions extends SiteOptions {
  readonly from?: string;
  readonly to?: string;
  readonly overwrite?: boolean;
}

export const ROWS_OPTIONS: readonly Option[] = [
  {
    flags: '--from <backup>',
    description:
      'an id of "psactl backup list", a run, "latest" (unless told), or the file of an archive of the platform in one process',
  },
  { flags: '--to <time>', description: 'as it was at a moment: "2026-11-30 14:30:05", from the log' },
  { flags: '--overwrite', description: 'put back, too, what was changed since' },
];

type Files = Parameters<typeof takeFiles>[0];

/** What rows are taken from. */
export interface RowsSource {
  /** An id of a backup, or the moment. */
  readonly backup: string;
  readonly at: string;
  readonly database: string;
  readonly open: ReadDump;
  /** Where its files stand when they are not in the database. */
  readonly files: Files | null;
}

/** The database that rows are put into, and what its files stand in when that is not the database. */
export type Live = <T>(work: (session: Session, files: Files | null) => Promise<T>) => Promise<T>;

const isArchive = (name: string | undefined) => name?.endsWith('.age') === true;

/** Hands over what rows are taken from, and what they may be put into. Nothing is changed. */
export async function withRows<T>(
  context: Context<RowsOptions>,
  work: (source: RowsSource, live: Live) => Promise<T>,
): Promise<T> {
  const { options, io, progress, signal } = context;
  const { from, to } = options;
  if (from !== undefined && to !== undefined)
    throw usage('Unable to restore from a backup and from a moment at once.', 'Give --from or --to.');
  try {
    if (isArchive(from)) {
      const { withArchive, PLATFORM_DATABASE } = await import('@psa/recovery/embedded/archive-rows');
      const { identity } = await backupKeyOf(io.env);
      const say = (step: string) => progress.start(step);
      return await withArchive(resolve(io.cwd, from!), identity, say, ({ id, at, open, files }) =>
        work({ backup: id, at, database: PLATFORM_DATABASE, open, files }, liveFolder(context)),
      );
    }
    return await withSite(context, async (site) => {
      const cluster = new Cluster(site, signal);
      const { database } = site.inventory.data.postgres;
      const primary = await needPrimary(cluster);
      const live: Live = (put) =>
        withPsqlSession(cluster, primary.id, database, (session) => put(session, null));
      if (to === undefined) {
        const chosen = await choose(cluster, from ?? 'latest', ['database', 'deploy']);
        const { id, at } = chosen.manifest;
        const { verifySum } = await import('@psa/recovery/artefact');
        progress.start('Read the backup');
        await verifySum(chosen.backup.file, chosen.manifest);
        const open = dumpOf(cluster, primary.id, chosen);
        return work({ backup: id, at, database, open, files: null }, live);
      }
      const moment = givenMoment(site, to);
      const { host, window } = await findMoment(cluster, moment);
      const what = { name: BACKUP_LOCK, what: `psactl restore, as of ${to}`, signal };
      return withClusterLock(site, what, async (held) => {
        const locked = new Cluster(site, held);
        await handOver(locked, primary, { to: moment, window }, progress);
        progress.start(`Have the database as it was at ${to}`);
        return withDatabaseOf(locked, host, 'restore', moment, (name) => {
          const open = dumpOfMoment(locked, host, name, database);
          const at = moment.toISOString();
          return work({ backup: at, at, database, open, files: null }, live);
        });
      });
    });
  } catch (error) {
    throw recoveryError(error);
  }
}

const liveFolder =
  ({ io }: Context<RowsOptions>): Live =>
  async (work) => {
    const { withDataFolder } = await import('@psa/recovery/embedded/archive-rows');
    return withDataFolder(resolve(io.cwd, io.env.PSA_DATA_DIR || '.psa'), work);
  };

/** The same database again, to put rows into it; on a site nobody makes or restores a backup meanwhile. */
export async function withLive<T>(
  context: Context<RowsOptions>,
  what: string,
  work: (session: Session, files: Files | null) => Promise<T>,
): Promise<T> {
  try {
    if (isArchive(context.options.from)) return await liveFolder(context)(work);
    return await withSite(context, async (site) =>
      withClusterLock(site, { name: BACKUP_LOCK, what, signal: context.signal }, async (signal) => {
        const cluster = new Cluster(site, signal);
        const primary = await needPrimary(cluster);
        const { database } = site.inventory.data.postgres;
        return withPsqlSession(cluster, primary.id, database, (session) => work(session, null));
      }),
    );
  } catch (error) {
    throw recoveryError(error);
  }
}
