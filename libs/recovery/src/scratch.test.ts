import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withScratch } from './scratch.ts';

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir('scratch');
  vi.stubEnv('TMPDIR', dir.path);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await dir.remove();
});

const MODULE = new URL('./scratch.ts', import.meta.url).href;

describe('a folder for a while', () => {
  it('goes with its work, also when that fails', async () => {
    await withScratch('one', (folder) => writeFile(join(folder, 'secret'), 'x'));
    await expect(withScratch('one', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await readdir(dir.path)).toEqual([]);
  });

  it('that a killed process has left is taken away by the next, and one that is worked in is not', async () => {
    const program = `const { withScratch } = await import(${JSON.stringify(MODULE)});
      await withScratch('one', async () => { console.log('in it'); await new Promise((done) => setTimeout(done, 60_000)); });`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const [others] = await readdir(dir.path);
    await withScratch('one', async () => expect(await readdir(dir.path)).toContain(others));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await readdir(dir.path)).toHaveLength(2);
    await withScratch('other', async () => {});
    expect(await readdir(dir.path)).toHaveLength(2);
    await withScratch('one', async () => {});
    expect(await readdir(dir.path)).toEqual([]);
  });
});
