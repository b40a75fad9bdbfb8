import { existsSync } from 'node:fs';
import {
  cp,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '@psa/infra/postgres-server';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BackupKey, ensureBackupKey, readBackupKey } from '../key-file.ts';
import { type EmbeddedManifest, manifestOf, readManifest } from '../manifest.ts';
import { backUpEmbedded } from './backup.ts';
import { planRestore, restoreEmbedded } from './restore.ts';
import { verifyEmbedded } from './verify.ts';

let dir: TempDir;
let dataDir: string;
let out: string;
let key: BackupKey;
/** A backup that was taken while rows were written. */
let good: string;
/** Rows that were acknowledged before it was begun, and all that were tried before it ended. */
let before = 0;
let after = 0;
const say = () => {};
const backup = (more = {}) => backUpEmbedded({ dataDir, out, key, version: '0.1.0', say, ...more });

beforeAll(async () => {
  dir = await tempDir('recovery');
  dataDir = join(dir.path, 'data');
  out = join(dir.path, 'backups');
  key = (await ensureBackupKey(join(dir.path, 'keys/backup.key'))).key;
  await mkdir(join(dataDir, 'files/t/ab'), { recursive: true });
  await mkdir(join(dataDir, 'files/.tmp'), { recursive: true });
  await writeFile(join(dataDir, 'secrets.json'), '{"field_keys":"k1:00"}\n', { mode: 0o600 });
  await writeFile(join(dataDir, 'files/t/ab/abc'), 'a file\n', { mode: 0o600 });
  await writeFile(join(dataDir, 'files/.tmp/half'), 'an upload that is not done');
  const server = await startPostgres({ dataDir: join(dataDir, 'postgres') });
  const sql = postgres(server.superuserUrl(), { max: 4, onnotice: () => {} });
  try {
    await sql`CREATE TABLE notes (id int PRIMARY KEY, text text NOT NULL, answer text)`;
    await sql`INSERT INTO notes (id, text) SELECT n, repeat('x', 500) FROM generate_series(1, 20000) AS n`;
    let written = 20_000;
    let tried = 20_000;
    let ending = false;
    const writing = (async () => {
      while (!ending) {
        tried++;
        // Old pages change while they are copied, too.
        await sql`UPDATE notes SET text = text || 'y' WHERE id = ${1 + (tried % 20_000)}`;
        await sql`INSERT INTO notes (id, text) VALUES (${tried}, ${`note ${tried}`})`;
        written++;
      }
    })();
    before = written;
    ({ file: good } = await backup());
    after = tried;
    ending = true;
    await writing;
  } finally {
    await sql.end();
    await server.stop();
  }
});
afterAll(() => dir.remove());

const target = (name: string) => join(dir.path, name);
const restore = async (file: string, to: string) =>
  restoreEmbedded(await planRestore(file, to, key.identity), key.identity, say);
async function notesOf(folder: string): Promise<{ count: number; first: number; last: number }> {
  const server = await startPostgres({ dataDir: join(folder, 'postgres') });
  const sql = postgres(server.superuserUrl(), { max: 1, onnotice: () => {} });
  try {
    const [row] = await sql`SELECT count(*)::int AS count, min(id) AS first, max(id) AS last FROM notes`;
    return row as { count: number; first: number; last: number };
  } finally {
    await sql.end();
    await server.stop();
  }
}

describe('a backup of the platform in one process', () => {
  it('taken while rows are written, restores to a state between its beginning and its end', async () => {
    const restored = await restore(good, target('one'));
    expect(restored.rows['public.notes']).toBeGreaterThanOrEqual(before);
    const { count, first, last } = await notesOf(target('one'));
    expect(count).toBe(restored.rows['public.notes']);
    // Without a gap: what is there is everything up to a moment.
    expect([first, last]).toEqual([1, count]);
    expect(count).toBeLessThanOrEqual(after);
    expect(await readFile(join(target('one'), 'files/t/ab/abc'), 'utf8')).toBe('a file\n');
    expect(existsSync(join(target('one'), 'files/.tmp/half'))).toBe(false);
    expect(await readFile(join(target('one'), 'secrets.json'), 'utf8')).toContain('field_keys');
    expect(await readdir(dir.path)).not.toContain('one.restoring');
  });

  it('says of itself what it is, and is that', async () => {
    const manifest = (await readManifest(good)) as EmbeddedManifest;
    const seen = await verifyEmbedded(good, key.identity);
    expect(seen).toMatchObject({ bytes: manifest.bytes, sha256: manifest.sha256, entries: manifest.entries });
    expect(seen.contents).toMatchObject({
      id: manifest.id,
      at: manifest.at,
      version: '0.1.0',
      lsn: manifest.lsn,
    });
    expect(manifest.content_bytes).toBeGreaterThan(manifest.bytes);
    expect(manifest.platform).toMatch(/^\d{15,20}$/);
    expect((await readFile(good)).subarray(0, 21).toString()).toBe('age-encryption.org/v1');
  });

  it('of one that does not run starts its database for as long as it takes', async () => {
    const { file } = await backup();
    expect(existsSync(join(dataDir, 'postgres/postmaster.pid'))).toBe(false);
    const { rows } = await restore(file, target('stopped'));
    expect(rows['public.notes']).toBeGreaterThanOrEqual(after - 1);
  });

  it('restores through a link to an empty folder, which stays a link', async () => {
    await mkdir(target('disk/psa'), { recursive: true });
    await symlink(target('disk/psa'), target('link'));
    await restore(good, target('link'));
    expect((await lstat(target('link'))).isSymbolicLink()).toBe(true);
    expect(existsSync(join(target('link'), 'postgres/PG_VERSION'))).toBe(true);
  });

  it('restores into a folder that is there and empty, and without its manifest', async () => {
    await mkdir(target('empty'));
    const alone = join(dir.path, 'alone.age');
    await cp(good, alone);
    await restore(alone, target('empty'));
    expect(existsSync(join(target('empty'), 'postgres/PG_VERSION'))).toBe(true);
  });

  it('leaves nothing when it fails, and another is not begun at the same time', async () => {
    const there = await readdir(out);
    const results = await Promise.allSettled([backup(), backup()]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const failed = results.find((one) => one.status === 'rejected') as PromiseRejectedResult;
    expect(failed.reason.message).toMatch(/process \d+ is using it/);
    expect((await readdir(out)).length).toBe(there.length + 2);
    await rename(join(dataDir, 'files'), join(dataDir, 'away'));
    await writeFile(join(dataDir, 'files'), '');
    try {
      await rm(join(dataDir, 'files'));
      await expect(backup({ out: good })).rejects.toThrow();
    } finally {
      await rename(join(dataDir, 'away'), join(dataDir, 'files'));
    }
    expect((await readdir(out)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it.each([
    ['data_dir', () => target('nowhere'), 'it is not there'],
    ['none of ours', () => join(dataDir, 'files'), 'there is no secrets.json'],
  ])('refuses a folder that is %s', async (_what, folder, why) => {
    await expect(backup({ dataDir: folder() })).rejects.toThrow(why);
  });

  it.each([
    ['in the data folder', () => join(dataDir, 'files/backups'), /in the data folder .* lost with it/],
    ['the data folder by another name', () => target('alias'), /in the data folder/],
    ['a file', () => join(dataDir, 'secrets.json'), /secrets.json is no folder/],
    ['below a file', () => join(good, 'backups/psa'), /is no folder/],
    ['where nothing can be kept', () => '/proc/backups', /nothing (free|can be written)/],
  ])('refuses a place that is %s, before anything is written', async (_what, place, why) => {
    await symlink(dataDir, target('alias')).catch(() => {});
    const there = await readdir(dataDir);
    await expect(backup({ out: place() })).rejects.toThrow(why);
    expect(await readdir(dataDir)).toEqual(there);
  });
});

describe('a backup that does not restore is called so before anything is touched', () => {
  const refused = async (file: string, why: RegExp, identity = key.identity) => {
    await expect(verifyEmbedded(file, identity)).rejects.toThrow(why);
    await expect(planRestore(file, target('untouched'), identity)).rejects.toThrow(why);
    expect(existsSync(target('untouched'))).toBe(false);
  };
  const copy = async (name: string) => {
    const file = join(dir.path, name);
    await cp(good, file);
    return file;
  };

  it.each([0.0001, 0.1, 0.5, 0.9, 0.9999])('one bit turned at %d of it', async (share) => {
    const file = await copy(`bit-${share}.age`);
    const handle = await open(file, 'r+');
    const { size } = await handle.stat();
    const at = Math.min(size - 1, Math.floor(size * share));
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
    await handle.write(Buffer.from([buffer[0]! ^ 4]), 0, 1, at);
    await handle.close();
    await refused(file, /does not restore: it is (damaged|closed)/);
  });

  it('a bit turned in what the key opens: it is the archive that is called damaged, not the key wrong', async () => {
    const file = await copy('embedded-header.age');
    await cp(manifestOf(good), manifestOf(file));
    const text = await readFile(file);
    // The header's line of the recipient: "-> X25519 " and then the share of a key.
    const at = text.indexOf('-> X25519 ') + 20;
    text[at] = text[at] === 65 ? 66 : 65;
    await writeFile(file, text);
    await refused(file, /it is damaged/);
    await rm(manifestOf(file));
    await refused(file, /it was closed for another key|it is damaged/);
  });

  it.each([0, 1, 200, 0.5, 0.999999])('cut off at %d', async (where) => {
    const file = await copy(`cut-${where}.age`);
    const { bytes } = (await readManifest(good))!;
    await truncate(file, where > 0 && where < 1 ? Math.floor(bytes * where) : where);
    await refused(file, /does not restore: it is damaged or cut off/);
  });

  it('another key', async () => {
    const other = (await ensureBackupKey(join(dir.path, 'keys/other.key'))).key;
    await refused(good, /does not restore: it was closed for another key/, other.identity);
    await expect(verifyEmbedded(good, other.identity)).rejects.toMatchObject({
      fix: expect.stringContaining('PSA_BACKUP_KEY=…'),
    });
  });

  it('the manifest of another one, and a damaged one', async () => {
    const { file } = await backup();
    const swapped = await copy('swapped.age');
    await cp(manifestOf(file), manifestOf(swapped));
    await refused(swapped, /its manifest is that of embedded-/);
    await writeFile(manifestOf(swapped), '{"manifest":1');
    await refused(swapped, /it is damaged/);
  });

  it('one that is not there, and a target that is not empty', async () => {
    await expect(verifyEmbedded(join(dir.path, 'none.age'), key.identity)).rejects.toThrow(/ENOENT/);
    await expect(planRestore(good, dataDir, key.identity)).rejects.toThrow(/it is not empty/);
    await expect(planRestore(good, good, key.identity)).rejects.toThrow(/it is no folder/);
    await expect(planRestore(good, join(good, 'sub'), key.identity)).rejects.toThrow(/is no folder/);
  });

  it('a target whose database still runs, though it was moved away', async () => {
    const [runs, moved] = [target('runs'), target('runs.old')];
    await restore(good, runs);
    const server = await startPostgres({ dataDir: join(runs, 'postgres') });
    try {
      await rename(runs, moved);
      await expect(restore(good, runs)).rejects.toThrow(
        `Unable to restore to ${runs}: what was there before still runs (process ${server.pid}, postgres)`,
      );
      expect(existsSync(runs)).toBe(false);
      await expect(startPostgres({ dataDir: join(runs, 'postgres') })).rejects.toThrow(
        `process ${server.pid} is using it, though its folder was moved away`,
      );
    } finally {
      await rm(runs, { recursive: true, force: true });
      await rename(moved, runs);
      await server.stop();
    }
  });

  it('a target whose platform still runs, though it was removed', async () => {
    const gone = target('gone');
    await mkdir(join(gone, 'logs'), { recursive: true });
    const log = await open(join(gone, 'logs/psa.log'), 'a');
    try {
      await rm(gone, { recursive: true });
      await expect(restore(good, gone)).rejects.toMatchObject({
        name: 'DataFolderError',
        message: expect.stringContaining(`still runs (process ${process.pid}, `),
        fix: expect.stringContaining('Stop it first: Ctrl-C'),
      });
    } finally {
      await log.close();
    }
    await restore(good, gone);
  });

  it('a target that nothing can take the place of, before it is unpacked', async () => {
    await expect(planRestore(good, '/proc', key.identity)).rejects.toThrow(/it is a disk of its own/);
    await symlink(target('no-such-disk'), target('dangling'));
    await expect(planRestore(good, target('dangling'), key.identity)).rejects.toThrow(/is not there/);
  });

  it.each(['/dev/zero', tmpdir()])('what is no file: %s', async (file) => {
    await expect(verifyEmbedded(file, key.identity)).rejects.toThrow(/does not restore: it is no file/);
  });
});

describe('the key', () => {
  it('is made once, for its owner alone, and read again', async () => {
    const file = join(dir.path, 'keys/made.key');
    const made = await Promise.all([ensureBackupKey(file), ensureBackupKey(file)]);
    expect(made[0].key).toEqual(made[1].key);
    expect(made.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(await readBackupKey(file)).toEqual(made[0].key);
    const { mode } = await (await import('node:fs/promises')).stat(file);
    expect(mode & 0o777).toBe(0o600);
  });

  it('is refused when it is none', async () => {
    const file = join(dir.path, 'keys/none.key');
    await writeFile(file, 'hello\n');
    await expect(readBackupKey(file)).rejects.toThrow('holds no line with AGE-SECRET-KEY-1');
    expect(await readBackupKey(join(dir.path, 'keys/absent.key'))).toBeNull();
  });
});
