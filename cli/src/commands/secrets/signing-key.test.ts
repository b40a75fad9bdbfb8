import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from '../../run-cli.test-helper.ts';

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('signing-key');
});
afterAll(() => dir.remove());

it('makes the key of this machine once, shows its public half alone, and exchanges it', async () => {
  const file = join(dir.path, 'keys/signing.key');
  const psactl = async (...argv: string[]) => {
    const ran = await runCli(
      ['secrets', 'signing-key', ...argv],
      { PSA_SIGNING_KEY: file },
      { cwd: dir.path },
    );
    expect(ran.code, ran.stderr).toBe(0);
    return ran.stdout;
  };
  const keysIn = (text: string) => text.match(/RW[Q-T][A-Za-z0-9+/]{53}/g) ?? [];
  expect(await psactl('--dry-run')).toBe(`Would make a key in ${file}.\n`);
  const [first] = keysIn(await psactl());
  expect(keysIn(await psactl())).toEqual([first]);
  expect(await psactl('--rotate', '--dry-run')).toContain(`in place of ${first}`);
  const rotated = await psactl('--rotate');
  expect(keysIn(rotated)).toEqual([expect.not.stringMatching(first!), first]);
  expect(keysIn(await psactl())).toEqual(keysIn(rotated).slice(0, 1));
  const secret = (await readFile(file, 'utf8')).split('\n')[1]!;
  expect(rotated).not.toContain(secret);
});
