import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SiteManifest } from '../manifest.ts';
import { readShelf } from '../shelf.ts';
import { type AppendOnlySftp, appendOnlySftp } from './append-only.test-helper.ts';
import { copyName } from './copy-name.ts';
import { Rclone } from './rclone.ts';
import { readRemote } from './receipt.ts';
import { fetchCopy, sendOffsite, verifyCopy } from './send.ts';

let dir: TempDir;
let sftp: AppendOnlySftp;
let mine: { identity: string; recipient: string };
let spare: typeof mine;
const newKey = async () => {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
};
beforeAll(async () => {
  dir = await tempDir('offsite-test');
  sftp = await appendOnlySftp();
  [mine, spare] = [await newKey(), await newKey()];
});
afterAll(async () => {
  await sftp.stop();
  await dir.remove();
});

const env = (config: string) => ({ ...process.env, RCLONE_CONFIG: config });
const offsite = () => new Rclone('offsite:', { env: env(sftp.config) });

let count = 0;
/** A backup in a file, and its manifest. */
async function backup(
  bytes: number,
): Promise<{ file: string; manifest: SiteManifest; read(into: Writable): Promise<void> }> {
  const id = `database-20261130T02000${count % 10}Z-${(count++).toString(16).padStart(6, '0')}`;
  const file = join(dir.path, `${id}.sql.zst`);
  const content = randomBytes(bytes);
  await writeFile(file, content);
  const manifest: SiteManifest = {
    ...{ manifest: 1, id, kind: 'database', at: '2026-11-30T02:00:00.000Z', bytes, recipients: [] },
    sha256: createHash('sha256').update(content).digest('hex'),
    ...{ duration_ms: 1, verified_at: '2026-11-30T02:01:00.000Z', site: 'psa/main', run: id.slice(9) },
    ...{ tier: 'grandfather', from: {}, content_bytes: null, version: '15.18', warnings: [] },
  };
  return { file, manifest, read: (into) => pipeline(createReadStream(file), into, { end: false }) };
}
const recipients = () => [mine.recipient, spare.recipient];

describe('a remote that lets its account add and read alone', () => {
  it('takes a copy, which either key opens again as the backup that it was', async () => {
    const { manifest, file, read } = await backup(3_000_000);
    const receipt = await sendOffsite(offsite(), { manifest, recipients: recipients(), read });
    const [copy] = (await readRemote(offsite())).filter(({ id }) => id === manifest.id);
    expect(copy).toMatchObject({ state: 'good', receipt });
    await verifyCopy(offsite(), receipt);
    for (const { identity } of [mine, spare]) {
      const folder = join(dir.path, `back-${randomBytes(4).toString('hex')}`);
      expect(await fetchCopy(offsite(), receipt, identity, folder)).toEqual(manifest);
      const [back] = await readShelf(folder);
      expect(back).toMatchObject({ id: manifest.id, state: 'good', manifest });
      expect((await readFile(back!.file)).equals(await readFile(file))).toBe(true);
    }
    // Nothing of ours is needed to open it.
    await writeFile(join(dir.path, 'key'), `${mine.identity}\n`);
    const sealed = join(sftp.folder, copyName(manifest.id, receipt.attempt, 'content'));
    const opened = execFileSync('age', ['-d', '-i', join(dir.path, 'key'), sealed], {
      maxBuffer: 10_000_000,
    });
    expect(opened.equals(await readFile(file))).toBe(true);
  });

  it('keeps what is there: with the same credentials nothing can be removed, renamed or written over', async () => {
    const { manifest, read } = await backup(1_000);
    const { attempt } = await sendOffsite(offsite(), { manifest, recipients: recipients(), read });
    const before = await readdir(sftp.folder);
    const name = copyName(manifest.id, attempt, 'content');
    await expect(offsite().remove(name)).rejects.toThrow(/permission denied|denied/i);
    await expect(offsite().put(name, async (into) => void into.write('gone'))).rejects.toThrow(/denied/i);
    const rclone = (...args: string[]) =>
      execFileSync('rclone', ['--retries=1', ...args], { env: env(sftp.config), stdio: 'pipe' });
    for (const args of [
      ['moveto', `offsite:${name}`, 'offsite:elsewhere'],
      ['purge', 'offsite:'],
      ['delete', 'offsite:'],
    ])
      expect(() => rclone(...args), args.join(' ')).toThrow();
    expect((await readdir(sftp.folder)).filter((one) => before.includes(one))).toEqual(before);
    expect((await readRemote(offsite())).find(({ id }) => id === manifest.id)?.state).toBe('good');
  });
});

it('a backup that is not what its manifest names gets no receipt, nor one that cannot be read', async () => {
  const { manifest, read } = await backup(200_000);
  const wrong = { ...manifest, sha256: 'f'.repeat(64) };
  await expect(sendOffsite(offsite(), { manifest: wrong, recipients: recipients(), read })).rejects.toThrow(
    /not what its manifest names/,
  );
  const failing = async (into: Writable) => {
    into.write(randomBytes(50_000));
    throw new Error('the node went away');
  };
  await expect(sendOffsite(offsite(), { manifest, recipients: recipients(), read: failing })).rejects.toThrow(
    'the node went away',
  );
  const left = (await readRemote(offsite())).filter(({ id }) => id === manifest.id);
  expect(left.map(({ state }) => state)).not.toContain('good');
  // The next attempt has a name of its own, and the half ones are in nobody's way.
  await sendOffsite(offsite(), { manifest, recipients: recipients(), read });
  const after = (await readRemote(offsite())).filter(({ id }) => id === manifest.id);
  expect(after.filter(({ state }) => state === 'good')).toHaveLength(1);
});

it('what was damaged there is found, and never comes back as good', async () => {
  const { manifest, read } = await backup(100_000);
  const receipt = await sendOffsite(offsite(), { manifest, recipients: recipients(), read });
  for (const part of ['content', 'manifest'] as const) {
    const file = join(sftp.folder, copyName(manifest.id, receipt.attempt, part));
    const good = await readFile(file);
    await chmod(file, 0o600);
    const flipped = Buffer.from(good);
    flipped[Math.floor(flipped.length / 2)]! ^= 1;
    await writeFile(file, flipped);
    await expect(verifyCopy(offsite(), receipt)).rejects.toThrow(new RegExp(`its ${part} is not`));
    const folder = join(dir.path, `damaged-${part}`);
    await expect(fetchCopy(offsite(), receipt, mine.identity, folder)).rejects.toThrow(
      /damaged|does not restore/,
    );
    expect(await readShelf(folder).catch(() => [])).toEqual([]);
    // Shorter: seen without reading it.
    await writeFile(file, good.subarray(0, -1));
    expect((await readRemote(offsite())).find(({ id }) => id === manifest.id)?.state).toBe('damaged');
    await writeFile(file, good);
  }
  await expect(
    fetchCopy(offsite(), receipt, (await newKey()).identity, join(dir.path, 'other')),
  ).rejects.toThrow(/another key/);
  await verifyCopy(offsite(), receipt);
});

it('says what is wrong with a remote that is not there', async () => {
  await expect(new Rclone('nowhere:x', { env: env(sftp.config) }).list()).rejects.toMatchObject({
    message: expect.stringContaining('nowhere:x'),
    fix: expect.stringContaining('rclone config'),
  });
  const without = new Rclone('offsite:', { env: { ...env(sftp.config), PATH: dir.path } });
  await expect(without.list()).rejects.toMatchObject({ fix: 'apt install rclone' });
  const empty = new Rclone('offsite:never/made', { env: env(sftp.config) });
  expect(await readRemote(empty)).toEqual([]);
});
