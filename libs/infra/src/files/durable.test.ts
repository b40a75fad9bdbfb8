import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ensureFile } from './durable.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'psa-durable-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}
const read = (file: string) => readFile(file, 'utf8').catch(() => null);

it('makes a secret once, for its owner alone, and of many that make it at once all get the same', async () => {
  const file = join(await folder(), 'deep/key');
  let made = 0;
  const all = await Promise.all(
    Array.from({ length: 8 }, () =>
      ensureFile(file, read, async () => {
        const text = `secret ${++made}`;
        return { text, content: text };
      }),
    ),
  );
  const kept = await readFile(file, 'utf8');
  expect(made).toBeGreaterThan(1);
  expect(all.map(({ content }) => content)).toEqual(Array(8).fill(kept));
  expect(all.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(file, '..'))).toEqual(['key']);
  const again = await ensureFile(file, read, () => Promise.reject(new Error('made anew')));
  expect(again).toEqual({ content: kept, isNew: false });
});

it('leaves nothing behind where it cannot be made, and says why', async () => {
  const path = await folder();
  await writeFile(join(path, 'file'), '');
  const inFile = ensureFile(join(path, 'file/key'), read, async () => ({ text: 'x', content: 'x' }));
  await expect(inFile).rejects.toThrow(/ENOTDIR|EEXIST/);
  // There is one, but it is not to be read: the other's must not be taken for this one's.
  const nothing = ensureFile(
    join(path, 'file'),
    async () => null,
    async () => ({ text: 'x', content: 'x' }),
  );
  await expect(nothing).rejects.toThrow('EEXIST');
  expect(await readdir(path)).toEqual(['file']);
});
