import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { prepared } from './prepared.ts';

it('makes once what many ask for at the same time, and shows nobody the half of it', async () => {
  const name = `once-${randomUUID()}`;
  let made = 0;
  const make = async (folder: string) => {
    made++;
    await writeFile(join(folder, 'first'), '1');
    await writeFile(join(folder, 'last'), '2');
  };
  const folders = await Promise.all(Array.from({ length: 5 }, () => prepared(name, make)));
  expect(made).toBe(1);
  expect(new Set(folders).size).toBe(1);
  expect(await readFile(join(folders[0]!, 'last'), 'utf8')).toBe('2');
  expect(existsSync(`${folders[0]}.half`)).toBe(false);
});

it('lets the next one try where the first has failed, with an empty folder', async () => {
  const name = `twice-${randomUUID()}`;
  const failing = prepared(name, async (folder) => {
    await writeFile(join(folder, 'left-over'), '');
    throw new Error('no packages');
  });
  await expect(failing).rejects.toThrow('no packages');
  const folder = await prepared(name, (made) => writeFile(join(made, 'whole'), ''));
  expect([existsSync(join(folder, 'whole')), existsSync(join(folder, 'left-over'))]).toEqual([true, false]);
});
