import { existsSync, readdirSync } from 'node:fs';
import { expect } from 'vitest';
import type { RenderedFile } from './rendered-file.ts';

const root = new URL('../../../../', import.meta.url);

/** Each file is the one that stands in the folder (`--update` writes it), and no other file does. */
export async function expectGoldens(folder: string, files: readonly RenderedFile[]): Promise<void> {
  for (const file of files)
    await expect(file.text, 'written by `npm run golden`').toMatchFileSnapshot(
      new URL(`${folder}/${file.path}`, root).pathname,
    );
  const at = new URL(`${folder}/`, root);
  const standing = existsSync(at) ? readdirSync(at, { recursive: true, withFileTypes: true }) : [];
  const known = files.map((file) => file.path);
  const stale = standing
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(at.pathname.length).replace(/^\//, ''))
    .filter((path) => !known.includes(path));
  expect(stale, 'no longer rendered: delete them').toEqual([]);
}
