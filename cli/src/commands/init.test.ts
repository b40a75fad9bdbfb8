import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadInventory } from '@psa/appliance/inventory/load';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../run-cli.test-helper.ts';
import { testKey } from '../sign.test-helper.ts';

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
    const wrote = (await psactl(...given)).stdout;
    const file = join(dir.path, 'appliance.yaml');
    expect(wrote).toContain(`Wrote ${file}:`);
    // A cluster whose token is not made yet: the way there, in the order that works.
    expect(wrote).toContain(`PSA_INVENTORY=${file}`);
    expect(wrote.match(/(?<=^ {2}psactl )\w+/gm)).toEqual(['render', 'template', 'doctor', 'plan', 'apply']);
    const text = await readFile(file, 'utf8');
    const loaded = loadInventory(text, file);
    expect(loaded.ok && loaded.inventory.monitoring.mail.to).toEqual(['ops@nordlicht.example']);
    expect(loaded.ok && loaded.inventory.releases.public_keys).toEqual([(await testKey()).publicKey]);
    const again = await psactl(...given);
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toContain('it is there already');
    await writeFile(file, text);
  });

  it('writes fingerprints that were compared, and those alone', async () => {
    const fingerprint = Array(32).fill('AB').join(':');
    const given = ['init', '--yes', '--domain', 'x.example', '--inventory', 'pinned.yaml', '--fingerprint'];
    expect((await psactl(...given, `pve9=${fingerprint}`)).stderr).toContain('there is no such node');
    expect((await psactl(...given, 'pve1=AB:CD')).stderr).toContain('is not of the form');
    const pinned = await psactl(...given, `pve2=${fingerprint}`);
    expect(pinned.code, pinned.stderr).toBe(0);
    const file = join(dir.path, 'pinned.yaml');
    const loaded = loadInventory(await readFile(file, 'utf8'), file);
    expect(loaded.ok && loaded.inventory.sites[0]!.nodes.map((node) => node.fingerprint)).toEqual([
      undefined,
      fingerprint,
      undefined,
    ]);
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
    expect(one.stderr).toContain('changed in the file');
    const network = await psactl(
      'init',
      '--yes',
      '--domain',
      'x.example',
      '--network',
      '300.4',
      '--inventory',
      'two.yaml',
    );
    expect(network.stderr).toMatch(/^psactl: Unable to use "300\.4" as the network\.\n {2}fix: .*\n$/);
    const asked = await psactl('init', '--inventory', 'three.yaml');
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('Add --yes') });
  });

  it('looks at the answers before it asks for certificates', async () => {
    const given = ['--name', 'psa', '--domain', 'x example', '--timezone', 'UTC', '--network', '127.88'];
    const rest = ['--cores', '8', '--memory-gb', '64', '--card', 'eno1', '--storage', '127.88.50.10'];
    const mail = ['--mail', 'ops@x.example', '--smarthost', 'mail.x.example:25', '--nodes', 'a,b,c'];
    const argv = ['init', ...given, ...rest, ...mail, '--inventory', 'four.yaml'];
    const ran = await runCli(argv, {}, { cwd: dir.path, isTerminal: true });
    expect(ran.stderr).toContain('domain: does not fit');
    expect(ran.stderr).not.toContain('does not answer');
  });
});
