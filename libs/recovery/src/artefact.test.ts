import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readZstd, readZstdHead, verifySum, type Written, writeArtefact } from './artefact.ts';
import { artefactFile, artefactId, newRun, parseArtefactFile, parseArtefactId } from './artefact-name.ts';
import { manifestOf, readManifest, type SiteManifest } from './manifest.ts';
import { unseal } from './sealed.ts';
import { readShelf } from './shelf.ts';

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir('artefact');
});
afterEach(() => dir.remove());

const run = '20261130T020000Z-3f9a2c';
const file = () => join(dir.path, artefactFile(artefactId('database', run)));
const describeIt = ({ sum, filled, duration_ms, verified_at }: Written): SiteManifest => ({
  ...{ manifest: 1, id: artefactId('database', run), kind: 'database', site: 'psa/main', run, tier: 'son' },
  ...{ at: '2026-11-30T02:00:00.000Z', from: {}, content_bytes: filled, version: '15.18', warnings: [] },
  ...{ ...sum, duration_ms, verified_at, recipients: [] },
});
const write = (text: string, more: object = {}) =>
  writeArtefact({
    ...{ file: file(), recipients: [], limit: null, describe: describeIt },
    async fill(into) {
      into.write(text);
      return {};
    },
    ...more,
  });

describe('names', () => {
  it('say kind, series and run, and nothing else is one', () => {
    const id = artefactId('container', newRun(new Date('2026-11-30T02:00:00.123Z')), 300);
    expect(parseArtefactId(id)).toMatchObject({ kind: 'container', series: 'container-300' });
    expect(parseArtefactFile(artefactFile(id))?.id).toBe(id);
    for (const other of [
      'database.sql.zst',
      `database-${run}.tar`,
      `mongo-${run}.dump`,
      `database-${run}.sql.zst.json`,
    ])
      expect(parseArtefactFile(other)).toBeNull();
  });
});

describe('an artefact', () => {
  it('has its name when it was read back, with its manifest beside, and nothing else is left', async () => {
    const manifest = await write('hello');
    expect(await readFile(file(), 'utf8')).toBe('hello');
    expect(await readManifest(file())).toEqual(manifest);
    expect((await readdir(dir.path)).sort()).toEqual(
      [file(), manifestOf(file())].map((path) => path.slice(dir.path.length + 1)),
    );
    expect(await readShelf(dir.path)).toMatchObject([
      { state: 'good', series: 'database', tier: 'son', run },
    ]);
  });

  it('is closed for its recipients', async () => {
    const identity = await generateX25519Identity();
    const manifest = await write('secret', { recipients: [await identityToRecipient(identity)] });
    expect(await readFile(file(), 'latin1')).not.toContain('secret');
    let text = '';
    const sum = await unseal(file(), identity, async (content) => {
      for await (const chunk of content) text += chunk;
    });
    expect(text).toBe('secret');
    expect(sum.sha256).toBe(manifest.sha256);
  });

  it.each([
    ['its source fails', { fill: () => Promise.reject(new Error('the source broke')) }, 'the source broke'],
    ['what came is not right', { inspect: () => Promise.reject(new Error('cut off')) }, 'cut off'],
  ])('is not there when %s', async (_, more, why) => {
    await expect(write('half', more)).rejects.toThrow(why);
    expect(await readdir(dir.path)).toEqual([]);
  });

  it('is written by another program by itself, and is nothing where that fails', async () => {
    const by = (line: string) => ({
      async fillFile({ fd }: { fd: number }) {
        const child = spawn('sh', ['-c', line], { stdio: ['ignore', fd, 'ignore'] });
        if ((await once(child, 'exit'))[0] !== 0) throw new Error('it broke');
        return {};
      },
    });
    const manifest = await write('not asked for', by('printf hello'));
    expect(await readFile(file(), 'utf8')).toBe('hello');
    expect(manifest).toMatchObject({ bytes: 5, content_bytes: 5 });
    await verifySum(file(), manifest);
    await rm(file());
    await rm(manifestOf(file()));
    await expect(write('', by('printf half; exit 1'))).rejects.toThrow('it broke');
    const refuse = async () => Promise.reject(new Error('it is cut off'));
    await expect(write('', { ...by('printf half'), inspect: refuse })).rejects.toThrow('it is cut off');
    expect(await readdir(dir.path)).toEqual([]);
    // Where something is to be done with it on its way, it comes through here.
    await write('slowly', { ...by('exit 1'), limit: 1e6 });
    expect(await readFile(file(), 'utf8')).toBe('slowly');
  });

  it('is not good with a bit turned, a byte missing, or the manifest of another', async () => {
    const manifest = await write('hello');
    await writeFile(file(), 'hallo');
    await expect(verifySum(file(), manifest)).rejects.toThrow('another SHA-256');
    await truncate(file(), 3);
    await expect(verifySum(file(), manifest)).rejects.toThrow('it has 3 bytes, its manifest names 5');
    await expect(verifySum(file(), { ...manifest, id: 'redis-x' })).rejects.toThrow('that of redis-x');
  });

  it('keeps to its bandwidth', async () => {
    const began = performance.now();
    await write('x'.repeat(50_000), {
      limit: 500_000,
      async fill(into: NodeJS.WritableStream) {
        for (let at = 0; at < 5; at++) into.write('x'.repeat(10_000));
        return {};
      },
    });
    // A floor: a slower machine takes longer, none is faster.
    expect(performance.now() - began).toBeGreaterThan(90);
  });
});

describe('what zstd has packed', () => {
  it('is read to its end, and says when it is cut off', async () => {
    const path = join(dir.path, 'x.zst');
    const packed = zstdCompressSync(Buffer.from('hello '.repeat(10_000)));
    const read = () =>
      readZstd(path, async (content) => {
        let bytes = 0;
        for await (const chunk of content) bytes += (chunk as Buffer).length;
        return bytes;
      });
    await writeFile(path, packed);
    expect(await read()).toBe(60_000);
    await writeFile(path, packed.subarray(0, packed.length - 4));
    await expect(read()).rejects.toThrow(/x\.zst does not restore: it is damaged or cut off/);
  });

  it('is read as far as one likes, and left', async () => {
    const path = join(dir.path, 'x.zst');
    const packed = zstdCompressSync(randomBytes(1_000_000));
    await writeFile(path, packed.subarray(0, packed.length - 4));
    const first = await readZstdHead(path, async (content) => {
      for await (const chunk of content) return (chunk as Buffer).length;
      return 0;
    });
    expect(first).toBeGreaterThan(0);
    await expect(
      readZstdHead(join(dir.path, 'nowhere'), async (content) => {
        for await (const _ of content) return;
      }),
    ).rejects.toThrow();
  });
});
