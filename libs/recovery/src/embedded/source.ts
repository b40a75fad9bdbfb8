import { constants, existsSync } from 'node:fs';
import { access, readFile, realpath, stat, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isOwned } from '@psa/infra/owner-lock';
import { readPidFile } from '@psa/infra/postgres-processes';
import { startPostgres } from '@psa/infra/postgres-server';
import { nearestFolder } from '../nearest-folder.ts';

/** Where in a data folder the platform in one process keeps what. */
export const DATABASE = 'postgres';
export const SECRETS = 'secrets.json';
export const FILES = 'files';

/** A data folder that cannot be backed up or restored to, and why. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
  readonly fix: string | null;

  constructor(message: string, fix: string | null = null) {
    super(message);
    this.fix = fix;
  }
}

/** The database of a data folder, running. */
export interface SourceDatabase {
  /** URL of the superuser. */
  readonly url: string;
  /** Ends it when it was started for this; one that ran already goes on. */
  release(): Promise<void>;
}

/** @throws DataFolderError when the folder is none of the platform's */
export function checkDataFolder(dataDir: string): void {
  if (!existsSync(dataDir))
    throw new DataFolderError(
      `Unable to back up ${dataDir}: it is not there.`,
      'Name the data folder: PSA_DATA_DIR=…',
    );
  for (const name of [SECRETS, `${DATABASE}/PG_VERSION`])
    if (!existsSync(join(dataDir, name)))
      throw new DataFolderError(
        `Unable to back up ${dataDir}: it holds no data of the platform (there is no ${name} in it).`,
        'Name the data folder: PSA_DATA_DIR=…',
      );
}

/**
 * Looks at where a backup is to go, before anything is written.
 * @throws DataFolderError when it is no folder, cannot be one, is full, or goes with the data folder when that is lost
 */
export async function checkOut(dataDir: string, out: string): Promise<void> {
  const refuse = (why: string, fix: string) =>
    new DataFolderError(`Unable to back up to ${out}: ${why}.`, fix);
  const parent = nearestFolder(resolve(out));
  const other = 'Name a folder on another disk: --out /mnt/nas/psa';
  if (!(await stat(parent)).isDirectory()) throw refuse(`${parent} is no folder`, other);
  const [data, there] = [await realpath(dataDir), await realpath(parent)];
  if (there === data || there.startsWith(`${data}/`))
    throw refuse(`it is in the data folder (${dataDir}), and is lost with it`, other);
  await access(parent, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw refuse(`nothing can be written to ${parent} (${error.code})`, other);
  });
  const { bavail } = await statfs(parent);
  if (bavail === 0) throw refuse(`there is nothing free on the disk of ${parent}`, other);
}

/**
 * The database of a data folder: the platform's own while it runs, else one started for as long as this takes. The
 * platform cannot start meanwhile, and says who has its data.
 */
export async function openDatabase(dataDir: string): Promise<SourceDatabase> {
  const folder = join(dataDir, DATABASE);
  if (!(await isOwned(`${folder}.owner`))) {
    const server = await startPostgres({ dataDir: folder });
    return { url: server.superuserUrl(), release: () => server.stop() };
  }
  const pidFile = await readPidFile(folder);
  if (pidFile?.status !== 'ready')
    throw new DataFolderError(
      `Unable to back up ${dataDir}: its database is just starting or stopping.`,
      'Run this again in a moment.',
    );
  const password = (await readFile(join(folder, 'psa-superuser-password'), 'utf8')).trim();
  const url = `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${pidFile.port}/postgres`;
  return { url, release: async () => {} };
}
