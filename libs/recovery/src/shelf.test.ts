import { existsSync } from 'node:fs';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedManifest, manifestOf } from './manifest.ts';
import { decideRetention } from './retention.ts';
import { fileOf as backupFile, putBackup } from './shelf.test-helper.ts';
import { readShelf, removeBackup, retained, setProtected, writeProof } from './shelf.ts';

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir('shelf');
});
afterEach(() => dir.remove());

const fileOf = (id: string) => backupFile(dir.path, id);
const put = (day: number, more: Partial<EmbeddedManifest> = {}) => putBackup(dir.path, day, more);
const states = async () => (await readShelf(dir.path)).map(({ id, state }) => [id, state]);

describe('the backups of a folder', () => {
  it('are seen by what stands beside them, the newest first, and only a whole one is good', async () => {
    const good = await put(1);
    const half = await put(2);
    await rename(fileOf(half), `${fileOf(half)}.part`);
    const without = await put(3);
    await rm(manifestOf(fileOf(without)));
    const short = await put(4, { bytes: 7 });
    const torn = await put(5);
    await writeFile(manifestOf(fileOf(torn)), '{"manif');
    const gone = await put(6);
    await rm(fileOf(gone));
    await writeFile(join(dir.path, 'letter.txt'), 'dear all');
    expect(Object.fromEntries(await states())).toEqual({
      ...{ [good]: 'good', [half]: 'partial', [without]: 'partial' },
      ...{ [short]: 'damaged', [torn]: 'damaged', [gone]: 'gone' },
    });
  });

  it('come in the order of their time', async () => {
    const ids = [await put(3), await put(1), await put(2)];
    expect((await states()).map(([id]) => id)).toEqual([ids[0], ids[2], ids[1]]);
  });

  it('are proven and protected by what was written beside them, and by nothing of another', async () => {
    const [one, two] = [await put(1), await put(2)];
    const proof = {
      proof: 1,
      id: one,
      at: '2026-11-02T00:00:00Z',
      duration_ms: 5,
      tables: 1,
      rows: 2,
    } as const;
    await writeProof(fileOf(one), proof);
    await writeProof(fileOf(two), proof);
    await setProtected(fileOf(one), true);
    const [second, first] = await readShelf(dir.path);
    expect(first).toMatchObject({ id: one, proof, protected: true });
    expect(second).toMatchObject({ id: two, proof: null, protected: false });
    await setProtected(fileOf(one), false);
    expect((await readShelf(dir.path))[1]).toMatchObject({ protected: false });
  });

  it('go with all that stands beside them, in an order that a later run can end', async () => {
    const [one, two] = [await put(1), await put(2)];
    await setProtected(fileOf(one), true);
    await removeBackup({ file: fileOf(one) });
    expect((await readdir(dir.path)).sort()).toEqual([`${two}.tar.zst.age`, `${two}.tar.zst.age.json`]);
    // Killed after the first step.
    await rm(fileOf(two));
    const newer = await put(3);
    const { remove } = decideRetention(
      (await readShelf(dir.path)).map(retained),
      { 'keep-last': 5 },
      Date.now(),
    );
    expect(remove).toEqual([{ id: two, reason: 'not good' }]);
    await removeBackup({ file: fileOf(two) });
    expect(await states()).toEqual([[newer, 'good']]);
    expect(existsSync(manifestOf(fileOf(two)))).toBe(false);
  });
});
