import { existsSync } from 'node:fs';
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { takeOwnerLock } from '@psa/infra/owner-lock';
import { startPostgres } from '@psa/infra/postgres-server';
import postgres from 'postgres';
import { readManifest } from '../manifest.ts';
import { nearestFolder } from '../nearest-folder.ts';
import { unseal } from '../sealed.ts';
import { unpack } from '../tar.ts';
import type { Contents } from './contents.ts';
import { DATABASE, DataFolderError } from './source.ts';
import { stillRunning } from './still-running.ts';
import { BackupError, type SeenArchive, verifyEmbedded } from './verify.ts';

/** Room that recovery and the first start take beside what is unpacked. */
const SPARE_BYTES = 256 * 1024 ** 2;
/** Of an archive without its manifest nobody knows; zstd and the database's empty pages make it about so much larger. */
const USUAL_GROWTH = 12;

/** What a restore will do. */
export interface RestorePlan {
  readonly file: string;
  readonly data_dir: string;
  readonly id: string;
  /** What was written after it is not in it. */
  readonly at: string;
  readonly version: string;
  readonly bytes: number;
}

/** What came of it. */
export interface Restored extends RestorePlan {
  readonly duration_ms: number;
  /** Rows by table, as they were restored: `tickets.tickets`. */
  readonly rows: Readonly<Record<string, number>>;
}

/**
 * Looks at everything before anything is touched: that the archive is whole and opens, that the target is empty, and that
 * there is room.
 * @param verified what was seen of it just now; absent: it is read
 * @throws BackupError, DataFolderError
 */
export async function planRestore(
  file: string,
  dataDir: string,
  identity: string,
  verified?: SeenArchive,
): Promise<RestorePlan> {
  const target = await targetOf(dataDir);
  await checkTarget(target);
  const { bytes, contents } = verified ?? (await verifyEmbedded(file, identity));
  const manifest = await readManifest(file);
  const needed = (manifest?.content_bytes ?? bytes * USUAL_GROWTH) + SPARE_BYTES;
  const parent = nearestFolder(dirname(target));
  if (!(await stat(parent)).isDirectory())
    throw new DataFolderError(`Unable to restore to ${target}: ${parent} is no folder.`);
  const { bavail, bsize } = await statfs(parent);
  if (bavail * bsize < needed)
    throw new DataFolderError(
      `Unable to restore to ${target}: it takes ${mib(needed)}, and there are ${mib(bavail * bsize)} free.`,
      'Make room there, or name a folder on another disk: PSA_DATA_DIR=…',
    );
  const { id, at, version } = contents;
  return { file, data_dir: target, id, at, version, bytes };
}

/**
 * Fills an empty data folder from an archive. It is unpacked beside, its database is started there and brought to its end
 * by the log, every table is read, and then it takes its place in one step: a restore that is killed leaves the target as
 * it was.
 */
export async function restoreEmbedded(
  plan: RestorePlan,
  identity: string,
  say: (step: string) => void,
): Promise<Restored> {
  const began = performance.now();
  const { file, data_dir: dataDir } = plan;
  const place = `${resolve(dataDir)}.restoring`;
  await mkdir(dirname(place), { recursive: true });
  const release = await takeOwnerLock(`${place}.owner`);
  try {
    // Left by one that was killed.
    await rm(place, { recursive: true, force: true });
    await mkdir(place, { mode: 0o700 });
    say('unpacking');
    await unseal(file, identity, (content) => unpack(content, place));
    say('bringing the database up');
    const rows = await recover(place, plan);
    await checkTarget(dataDir);
    if (existsSync(dataDir)) await rmdir(dataDir);
    await rename(place, dataDir);
    return { ...plan, rows, duration_ms: Math.round(performance.now() - began) };
  } finally {
    await rm(place, { recursive: true, force: true });
    await release();
  }
}

/** Starts the restored database, which works off its log, and reads every table to its end. */
async function recover(place: string, { id }: RestorePlan): Promise<Record<string, number>> {
  const contents = JSON.parse(await readFile(join(place, 'psa-backup.json'), 'utf8')) as Contents;
  if (contents.id !== id) throw new BackupError(`What was unpacked is ${contents.id}, not ${id}.`);
  const server = await startPostgres({ dataDir: join(place, DATABASE) });
  try {
    const rows: Record<string, number> = {};
    for (const database of await databases(server.superuserUrl())) {
      const sql = postgres(server.superuserUrl(database), { max: 1, onnotice: () => {} });
      try {
        const tables = await sql<{ schema: string; name: string }[]>`
          SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2`;
        for (const { schema, name } of tables) {
          // As text each value is read, the long ones in their own place too. A row is neither NULL nor NOT NULL when one of
          // its columns is, so that these would count only a part.
          const [counted] = await sql<[{ count: number }]>`
            SELECT count(one::text)::float8 AS count FROM ${sql(schema)}.${sql(name)} AS one`;
          rows[`${schema}.${name}`] = counted.count;
        }
      } finally {
        await sql.end({ timeout: 5 });
      }
    }
    await rm(join(place, 'psa-backup.json'));
    return rows;
  } finally {
    await server.stop();
  }
}

async function databases(url: string): Promise<string[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const found = await sql<{ name: string }[]>`
      SELECT datname AS name FROM pg_database WHERE NOT datistemplate ORDER BY 1`;
    return found.map(({ name }) => name);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Where a data folder really is: a link to it stays, and leads to what was restored. */
async function targetOf(dataDir: string): Promise<string> {
  const path = resolve(dataDir);
  if (existsSync(path)) return realpath(path);
  if (await lstat(path).catch(() => null))
    throw new DataFolderError(
      `Unable to restore to ${path}: it is a link to ${await readlink(path)}, which is not there.`,
      'Make that folder, or take the link away.',
    );
  return path;
}

async function checkTarget(dataDir: string): Promise<void> {
  await checkFolder(dataDir);
  const worker = await stillRunning(dataDir);
  if (worker)
    throw new DataFolderError(
      `Unable to restore to ${dataDir}: what was there before still runs (process ${worker.pid}, ${worker.name}), and would write into what is restored.`,
      `Stop it first: Ctrl-C where "npm start" runs, systemctl stop, or else kill ${worker.pid}.`,
    );
}

async function checkFolder(dataDir: string): Promise<void> {
  if (!existsSync(dataDir)) return;
  // What is unpacked beside it could not take its place.
  if (await isMountPoint(dataDir))
    throw new DataFolderError(
      `Unable to restore to ${dataDir}: it is a disk of its own (something is mounted there), which nothing can take the place of.`,
      `Name a folder in it, here and for npm start: PSA_DATA_DIR=${join(dataDir, 'psa')}`,
    );
  if (!(await stat(dataDir)).isDirectory())
    throw new DataFolderError(`Unable to restore to ${dataDir}: it is no folder.`);
  const [first] = await readdir(dataDir);
  if (first !== undefined)
    throw new DataFolderError(
      `Unable to restore to ${dataDir}: it is not empty ("${first}" is in it).`,
      `Move it away first (mv ${dataDir} ${dataDir}.old), or name another folder: PSA_DATA_DIR=…`,
    );
}

/** Whether something is mounted on a folder. Bind mounts have the device of what they show, so the table is asked. */
async function isMountPoint(folder: string): Promise<boolean> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const escaped = folder.replaceAll('\\', '\\134').replaceAll(' ', '\\040');
  return table.split('\n').some((line) => line.split(' ')[4] === escaped);
}

const mib = (bytes: number) => `${Math.ceil(bytes / 1024 ** 2)} MiB`;

/**
 * Restores an archive into a folder below `scratch`, which goes afterwards, as {@link restoreEmbedded} would: what it proves
 * is that the archive restores.
 */
export async function proveEmbedded(
  file: string,
  identity: string,
  options: {
    readonly verified: SeenArchive;
    readonly scratch: string;
    readonly say: (step: string) => void;
  },
): Promise<Restored> {
  const { verified, scratch, say } = options;
  const dataDir = join(scratch, 'data');
  try {
    return await restoreEmbedded(await planRestore(file, dataDir, identity, verified), identity, say);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}
