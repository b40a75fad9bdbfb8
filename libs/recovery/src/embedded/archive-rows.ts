import { join } from 'node:path';
import { DiskFileStore } from '@psa/infra/files/disk-file-store';
import { startPostgres } from '@psa/infra/postgres-server';
import postgres from 'postgres';
import { serverText } from '../rows/server-text.ts';
import { type Session, withPostgresSession } from '../rows/session.ts';
import type { ReadDump } from '../rows/take.ts';
import { withScratch } from '../scratch.ts';
import { planRestore, restoreEmbedded } from './restore.ts';
import { checkDataFolder, DATABASE, FILES, openDatabase } from './source.ts';
import { verifyEmbedded } from './verify.ts';

/** The platform's database of a data folder. */
export const PLATFORM_DATABASE = 'psa_platform';

/** An archive that was brought up, as far as single rows and files are asked of it. */
export interface OpenArchive {
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly open: ReadDump;
  readonly files: DiskFileStore;
}

/**
 * Restores an archive of the platform in one process below TMPDIR, starts its database, and takes both away afterwards: its
 * rows stand in the pages of a server, which no reader but that server knows.
 * @throws BackupError, DataFolderError
 */
export async function withArchive<T>(
  file: string,
  identity: string,
  say: (step: string) => void,
  work: (archive: OpenArchive) => Promise<T>,
): Promise<T> {
  return withScratch('rows', async (scratch) => {
    const dataDir = join(scratch, 'data');
    const verified = await verifyEmbedded(file, identity);
    await restoreEmbedded(await planRestore(file, dataDir, identity, verified), identity, say);
    const server = await startPostgres({ dataDir: join(dataDir, DATABASE) });
    const sql = postgres(server.superuserUrl(PLATFORM_DATABASE), { max: 2, onnotice: () => {} });
    try {
      const { id, at } = verified.contents;
      const files = new DiskFileStore({ folder: join(dataDir, FILES) });
      return await work({ id, at, open: serverText(sql, PLATFORM_DATABASE), files });
    } finally {
      await sql.end({ timeout: 5 });
      await server.stop();
    }
  });
}

/** A session on the database of a data folder, running or not, and the files beside it. @throws DataFolderError */
export async function withDataFolder<T>(
  dataDir: string,
  work: (session: Session, files: DiskFileStore) => Promise<T>,
): Promise<T> {
  checkDataFolder(dataDir);
  const database = await openDatabase(dataDir);
  const url = new URL(database.url);
  url.pathname = `/${PLATFORM_DATABASE}`;
  const sql = postgres(url.href, { max: 1, onnotice: () => {} });
  const files = new DiskFileStore({ folder: join(dataDir, FILES) });
  await files.prepare();
  try {
    return await withPostgresSession(sql, (session) => work(session, files));
  } finally {
    await sql.end({ timeout: 5 });
    await database.release();
  }
}
