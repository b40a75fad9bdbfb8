import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { takeOwnerLock } from '@psa/infra/owner-lock';
import postgres from 'postgres';
import { artefactFile, artefactId, newRun } from '../artefact-name.ts';
import type { BackupKey } from '../key-file.ts';
import { discard, type EmbeddedManifest, publish } from '../manifest.ts';
import { withScratch } from '../scratch.ts';
import { seal } from '../sealed.ts';
import { removeStale } from '../shelf.ts';
import { pack } from '../tar.ts';
import { CONTENTS, type Contents } from './contents.ts';
import { checkDataFolder, checkOut, DATABASE, FILES, openDatabase, SECRETS } from './source.ts';
import { verifyEmbedded } from './verify.ts';

/** What is backed up, and whereto. */
export interface EmbeddedBackup {
  readonly dataDir: string;
  /** Folder for the backup; made when it is not there. */
  readonly out: string;
  readonly key: BackupKey;
  /** The platform's release. */
  readonly version: string;
  readonly say: (step: string) => void;
}

/**
 * Of the database's folder: the log comes by itself, as much as is needed; the rest is the running server's own and
 * must not be in a copy (PostgreSQL 15, 26.3.3 "Making a Base Backup Using the Low Level API").
 */
const LEFT_OUT = [
  ...[
    'pg_wal',
    'pg_replslot',
    'pg_dynshmem',
    'pg_notify',
    'pg_serial',
    'pg_snapshots',
    'pg_stat_tmp',
    'pg_subtrans',
  ].map((name) => `${DATABASE}/${name}/*`),
  ...['postmaster.pid', 'postmaster.opts', 'backup_label.old', '*pg_internal.init', '*pgsql_tmp*'].map(
    (name) => `${DATABASE}/${name}`,
  ),
];

/**
 * Backs the platform in one process up, whether it runs or not: database, files, keys, in one archive that is
 * compressed and encrypted. Nobody waits for it but the disk.
 *
 * The database's folder is copied as it stands, and then the log that makes the copy whole. Files come after the
 * database: each that the copy names was there before, and those that are deleted stay for thirty days.
 *
 * The archive appears under its name, with its manifest, when it was read back to its last byte; until then it is a
 * `.part`, and nothing is left of one that failed.
 */
export async function backUpEmbedded(
  options: EmbeddedBackup,
): Promise<{ file: string; manifest: EmbeddedManifest }> {
  const { dataDir, out } = options;
  checkDataFolder(dataDir);
  await checkOut(dataDir, out);
  const release = await takeOwnerLock(join(dataDir, 'backup.owner'));
  try {
    await mkdir(out, { recursive: true, mode: 0o700 });
    await removeStale(out);
    return await withScratch('backup', (scratch) => writeBackup(options, scratch));
  } finally {
    await release();
  }
}

async function writeBackup(
  options: EmbeddedBackup,
  scratch: string,
): Promise<{ file: string; manifest: EmbeddedManifest }> {
  const { dataDir, out, key, version, say } = options;
  const began = new Date();
  const id = artefactId('embedded', newRun(began));
  const file = join(out, artefactFile(id));
  const part = `${file}.part`;
  try {
    say('database');
    const source = await openDatabase(dataDir);
    const packed = { current: null as Packed | null };
    const sum = await seal(part, [key.recipient], async (into) => {
      packed.current = await packAll({ dataDir, scratch, id, version, into, url: source.url, say });
    }).finally(() => source.release());
    const { contents, entries, bytes, platform } = packed.current!;
    say('reading it back');
    const seen = await verifyEmbedded(part, key.identity);
    if (seen.sha256 !== sum.sha256 || seen.entries !== entries)
      throw new Error(`Unable to back up to ${out}: what was read back is not what was written.`);
    const manifest: EmbeddedManifest = {
      ...{ manifest: 1, id, kind: 'embedded', platform, at: contents.at, version, ...sum },
      ...{ postgres: contents.postgres, lsn: contents.lsn },
      ...{ content_bytes: bytes, entries, recipients: [key.recipient] },
      ...{ duration_ms: Date.now() - began.getTime(), verified_at: new Date().toISOString() },
    };
    await publish(part, file, manifest);
    return { file, manifest };
  } finally {
    await discard(part, file);
  }
}

interface Packed {
  /** As the manifest names it. */
  readonly platform: string;
  readonly contents: Contents;
  readonly entries: number;
  readonly bytes: number;
}

async function packAll(options: {
  readonly dataDir: string;
  readonly scratch: string;
  readonly id: string;
  readonly version: string;
  readonly url: string;
  readonly into: Writable;
  readonly say: (step: string) => void;
}): Promise<Packed> {
  const { dataDir, scratch, id, version, url, into, say } = options;
  // One connection: the slot goes with it, and so does a backup that was not ended.
  const sql = postgres(url, { max: 1, idle_timeout: 0, onnotice: () => {} });
  try {
    const slot = `psa_backup_${randomBytes(4).toString('hex')}`;
    // Holds back the log that the copy needs until this connection ends.
    await sql`SELECT pg_create_physical_replication_slot(${slot}, true, true)`;
    const [server] = await sql<[{ version: string; platform: string }]>`
      SELECT current_setting('server_version') AS version, system_identifier::text AS platform FROM pg_control_system()`;
    const at = new Date().toISOString();
    const [start] = await sql<[{ lsn: string; wal: string }]>`
      SELECT lsn::text, pg_walfile_name(lsn) AS wal FROM (SELECT pg_backup_start(${id}, true) AS lsn) AS begun`;
    const excluded = LEFT_OUT.map((pattern) => `--exclude=${pattern}`);
    const copy = await pack(['--anchored', ...excluded, '--directory', dataDir, DATABASE], into, {
      mayChange: true,
    });
    const [stop] = await sql<[{ lsn: string; labelfile: string; spcmapfile: string }]>`
      SELECT lsn::text, labelfile, spcmapfile FROM pg_backup_stop(false)`;
    const [end] = await sql<[{ wal: string }]>`SELECT pg_walfile_name(${stop.lsn}::pg_lsn) AS wal`;

    say('log, files and keys');
    const beside = join(scratch, DATABASE);
    await mkdir(join(beside, 'pg_wal'), { recursive: true, mode: 0o700 });
    await writeFile(join(beside, 'backup_label'), stop.labelfile, { mode: 0o600 });
    for (const name of await readdir(join(dataDir, DATABASE, 'pg_wal')))
      if (/^[0-9A-F]{24}$/.test(name) && name >= start.wal && name <= end.wal)
        await copyFile(join(dataDir, DATABASE, 'pg_wal', name), join(beside, 'pg_wal', name));
    const contents: Contents = {
      ...{ contents: 1, id, at, version, postgres: server.version.split(' ')[0]! },
      lsn: { start: start.lsn, stop: stop.lsn },
    };
    await writeFile(join(scratch, CONTENTS), `${JSON.stringify(contents, null, 2)}\n`);
    const log = await pack(['--directory', scratch, `${DATABASE}/pg_wal`, `${DATABASE}/backup_label`], into, {
      mayChange: false,
    });
    const keys = await pack(['--directory', dataDir, SECRETS], into, { mayChange: false });
    const files = existsSync(join(dataDir, FILES))
      ? await pack([`--exclude=${FILES}/.tmp/*`, '--anchored', '--directory', dataDir, FILES], into, {
          mayChange: true,
        })
      : { entries: 0, bytes: 0 };
    // Last: an archive that has it has all before it.
    const last = await pack(['--directory', scratch, CONTENTS], into, { mayChange: false });
    const all = [copy, log, keys, files, last];
    return {
      contents,
      platform: server.platform,
      entries: all.reduce((count, one) => count + one.entries, 0),
      bytes: all.reduce((count, one) => count + one.bytes, 0),
    };
  } finally {
    await sql.end({ timeout: 5 });
  }
}
