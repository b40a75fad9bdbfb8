import { existsSync } from 'node:fs';
import { readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedManifest, manifestOf } from './manifest.ts';
import { type Proof, writeProof } from './proof.ts';
import { decideRetention } from './retention.ts';
import { fileOf as backupFile, putBackup } from './shelf.test-helper.ts';
import { readShelf, removeBackup, removeStale, retained, setProtected } from './shelf.ts';

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
    const proof: Proof = {
      ...{ proof: 1, id: one, sha256: 'x', at: '2026-11-02T00:00:00Z', by: 'verify', duration_ms: 5 },
      ...{ result: 'passed', why: null, compared: [] },
    };
    await writeProof(fileOf(one), proof);
    await writeProof(fileOf(two), proof);
    await setProtected(fileOf(one), true);
    const [second, first] = await readShelf(dir.path);
    expect(first).toMatchObject({ id: one, proof, protected: true });
    expect(second).toMatchObject({ id: two, proof: null, protected: false });
    await setProtected(fileOf(one), false);
    expect((await readShelf(dir.path))[1]).toMatchObject({ protected: false });
  });

  it('are not proven by an attempt that failed, by one on other bytes, or by what cannot be read', async () => {
    const [failed, changed, torn, none] = [await put(1), await put(2), await put(3), await put(4)];
    const of = (id: string): Proof => ({
      ...{ proof: 1, id, sha256: 'x', at: '2026-11-02T00:00:00Z', by: 'verify', duration_ms: 5 },
      ...{ result: 'passed', why: null, compared: [] },
    });
    await writeProof(fileOf(failed), { ...of(failed), result: 'failed', why: 'it is cut off' });
    await writeProof(fileOf(changed), { ...of(changed), sha256: 'y' });
    await writeFile(`${fileOf(torn)}.proof.json`, '{"proof":1');
    const shelf = new Map((await readShelf(dir.path)).map((one) => [one.id, one]));
    for (const id of [failed, changed, torn, none]) expect(retained(shelf.get(id)!).proven).toBe(false);
    expect(shelf.get(failed)!.failure).toMatchObject({ why: 'it is cut off' });
    expect(shelf.get(changed)!.failure).toBeNull();
    // The newest that is proven stays, whatever the policy says; one that failed last does not stay for it.
    await writeProof(fileOf(failed), of(failed));
    const kept = async () => {
      const list = (await readShelf(dir.path)).map(retained);
      return decideRetention(list, { 'keep-last': 1 }, Date.now()).keep.map(({ id }) => id);
    };
    expect(await kept()).toContain(failed);
    await writeProof(fileOf(failed), { ...of(failed), result: 'failed', why: 'it is cut off' });
    expect(await kept()).not.toContain(failed);
  });

  it('take what killed runs left of a proof with them', async () => {
    const one = await put(1);
    await writeFile(`${fileOf(one)}.proof.json.part`, '{');
    await utimes(`${fileOf(one)}.proof.json.part`, 0, 0);
    await removeStale(dir.path);
    expect((await readdir(dir.path)).some((name) => name.endsWith('.part'))).toBe(false);
  });

  it('go with all that stands beside them, in an order that a later run can end', async () => {
    const [one, two] = [await put(1), await put(2)];
    await setProtected(fileOf(one), true);
    await writeFile(`${fileOf(one)}.proof.json`, '{}');
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
