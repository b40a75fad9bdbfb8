import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadInventory } from '@psa/appliance/inventory/load';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../run-cli.test-helper.ts';

let dir: TempDir;
const psactl = (...argv: string[]) => runCli(argv, {}, { cwd: dir.path });

beforeAll(async () => {
  dir = await tempDir('init');
});
afterAll(() => dir.remove());

describe('psactl init', () => {
  it('writes an inventory that holds, and never over another', async () => {
    const given = ['init', '--yes', '--domain', 'psa.nordlicht.example', '--network', '10.9'];
    expect((await psactl(...given, '--dry-run')).stdout).toMatch(
      /^Would write .*: \d+ containers on pve1, pve2, pve3/,
    );
    expect((await psactl(...given)).stdout).toMatch(/^Wrote .*appliance\.yaml/);
    const file = join(dir.path, 'appliance.yaml');
    const text = await readFile(file, 'utf8');
    const loaded = loadInventory(text, file);
    expect(loaded.ok && loaded.inventory.monitoring.mail.to).toEqual(['ops@nordlicht.example']);
    const again = await psactl(...given);
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toContain('it is there already');
    await writeFile(file, text);
  });

  it('says which answer does not fit', async () => {
    const one = await psactl(
      'init',
      '--yes',
      '--domain',
      'x.example',
      '--nodes',
      'pve1',
      '--inventory',
      'one.yaml',
    );
    expect(one.code).toBe(2);
    expect(one.stderr).toMatch(/containers\[\d+\]\.anti_affinity/);
    const bad = await psactl('init', '--yes', '--inventory', 'two.yaml');
    expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining('without --domain') });
    const asked = await psactl('init', '--inventory', 'three.yaml');
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('Add --yes') });
  });
});
