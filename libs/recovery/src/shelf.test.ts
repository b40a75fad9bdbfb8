import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedManifest, manifestOf, readManifest, writeManifest } from './manifest.ts';
import { type Proof, writeProof } from './proof.ts';
import { noteReading } from './reading.ts';
import { decideRetention } from './retention.ts';
import { OtherKeyError, SealError } from './sealed.ts';
import { decideSeries } from './series-retention.ts';
import { fileOf as backupFile, idOf, putBackup } from './shelf.test-helper.ts';
import { readShelf, removeBackup, removeStale, retained, setProtected } from './shelf.ts';
import { TarError } from './tar.ts';

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir('shelf');
});
afterEach(() => dir.remove());

const fileOf = (id: string) => backupFile(dir.path, id);
const put = (day: number, more: Partial<EmbeddedManifest> = {}) => putBackup(dir.path, day, more);
const states = async () => (await readShelf(dir.path)).map(({ id, state }) => [id, state]);

describe('the backups of a folder', () => {
  it('of two platforms do not stand for one another', async () => {
    const [ofA, older, ofB] = [
      await put(1, { platform: 'a' }),
      await put(2),
      await put(3, { platform: 'b' }),
    ];
    const series = async () => (await readShelf(dir.path)).map((one) => [one.id, one.series]);
    expect(await series()).toEqual([
      [ofB, 'embedded-b'],
      [older, 'embedded'],
      [ofA, 'embedded-a'],
    ]);
    const list = (await readShelf(dir.path)).map((one) => ({ ...retained(one), ...one }));
    expect(decideSeries(list, { 'keep-last': 1 }, Date.now()).remove).toEqual([]);
    await removeBackup({ file: fileOf(ofB) });
    expect(await series()).toEqual([
      [older, 'embedded'],
      [ofA, 'embedded'],
    ]);
  });

  it('are all read where a process may open few files', async () => {
    const model = (await readManifest(fileOf(await put(1))))! as EmbeddedManifest;
    for (let number = 100; number < 700; number++) {
      const id = `embedded-20261102T120000Z-000${number}`;
      await writeFile(fileOf(id), 'sealed');
      await writeManifest(fileOf(id), { ...model, id });
    }
    const script = `import { readShelf } from ${JSON.stringify(new URL('./shelf.ts', import.meta.url).href)};
      const all = await readShelf(${JSON.stringify(dir.path)});
      console.log(JSON.stringify(Object.fromEntries(Map.groupBy(all, ({ state }) => state).entries().map(([state, of]) => [state, of.length]))));`;
    const { stdout } = await promisify(execFile)('sh', [
      ...['-c', 'ulimit -n 100 && exec "$0" --input-type=module -e "$1"', process.execPath, script],
    ]);
    expect(JSON.parse(stdout)).toEqual({ good: 601 });
  });

  it('of a newer psactl are not called damaged, and stay', async () => {
    const [older, newer] = [await put(1), await put(2, { manifest: 2 as never })];
    expect(await states()).toEqual([
      [newer, 'newer'],
      [older, 'good'],
    ]);
    const list = (await readShelf(dir.path)).map(retained);
    expect(decideRetention(list, { 'keep-last': 1 }, Date.now()).remove).toEqual([]);
    await expect(readManifest(fileOf(newer))).rejects.toThrow(/made by a newer psactl \(it is of form 2/);
    // Not any other form: that is damage.
    for (const manifest of [0, -1, 1.5, '2', null]) {
      await put(3, { manifest: manifest as never });
      await expect(readManifest(fileOf(idOf(3))), String(manifest)).rejects.toThrow(/it is damaged/);
    }
  });

  it('do not push a good one out when they were read and are damaged, until they are read whole', async () => {
    const [whole, damaged] = [await put(1), await put(2)];
    const kept = async () => {
      const list = (await readShelf(dir.path)).map(retained);
      return decideRetention(list, { 'keep-last': 1 }, Date.now()).keep.map(({ id }) => id);
    };
    expect(await kept()).toEqual([damaged]);
    const said = new SealError('it is damaged or cut off');
    for (const nothing of [
      new OtherKeyError('it was closed for another key'),
      new TarError('Unable to run tar', { cause: Object.assign(new Error('ENOENT'), { syscall: 'spawn' }) }),
      new Error('no answer'),
    ])
      await noteReading(fileOf(damaged), nothing);
    expect(await kept()).toEqual([damaged]);
    await noteReading(fileOf(damaged), said);
    expect(await kept()).toEqual([damaged, whole]);
    expect((await readShelf(dir.path))[0]!.failure).toMatchObject({ by: 'reading', why: said.message });
    await noteReading(fileOf(damaged), null);
    expect(await kept()).toEqual([damaged]);
    // A restore that went wrong is not taken back by reading.
    await writeProof(fileOf(damaged), {
      ...{ proof: 1, id: damaged, sha256: 'x', at: '2026-11-02T00:00:00Z', by: 'verify', duration_ms: 5 },
      ...{ result: 'failed', why: 'rows are missing', compared: [] },
    });
    await noteReading(fileOf(damaged), null);
    expect(await kept()).toEqual([damaged, whole]);
  });

  it.each([
    ['at', 'yesterday'],
    ['at', '2026-11-02'],
    ['bytes', -1],
    ['bytes', '6'],
    ['sha256', 7],
    ['recipients', undefined],
    ['entries', null],
    ['version', ''],
    ['kind', 'embeddid'],
    ['manifest', 0],
  ])('are damaged with a manifest whose %s is %j, which is named', async (field, value) => {
    const id = await put(1);
    const manifest = JSON.parse(await readFile(manifestOf(fileOf(id)), 'utf8'));
    await writeFile(manifestOf(fileOf(id)), JSON.stringify({ ...manifest, [field]: value }));
    await expect(readManifest(fileOf(id))).rejects.toThrow(`its "${field}" is missing or no such thing`);
    expect(await states()).toEqual([[id, 'damaged']]);
  });

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
