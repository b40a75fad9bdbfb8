import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { example } from '@psa/appliance/inventory/example.test-helper';
import { newSigningKey } from '@psa/appliance/signing/minisign';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signFile, testKey } from '../sign.test-helper.ts';
import { archiveFile, checkArchive, readArchive } from './archive.ts';
import { signatureFile } from './signature.ts';

let dir: TempDir;
let site: Parameters<typeof checkArchive>[0];
beforeAll(async () => {
  dir = await tempDir('archive');
  const inventory = example();
  Object.assign(inventory.releases, { directory: dir.path, public_keys: [(await testKey()).publicKey] });
  site = { inventory, path: (path) => path };
});
afterAll(() => dir.remove());

/** Packs a release with one service. */
async function pack(version: string, change: { named?: string; content?: string } = {}): Promise<void> {
  const from = join(dir.path, `tree-${version}`);
  await mkdir(join(from, 'services/crm'), { recursive: true });
  await writeFile(join(from, 'VERSION'), `${change.named ?? version}\n`);
  await writeFile(join(from, 'services/crm/main.mjs'), change.content ?? 'good');
  const sum = createHash('sha256').update('good').digest('hex');
  await writeFile(join(from, 'SHA256SUMS'), `${sum}  services/crm/main.mjs\n`);
  execFileSync('tar', ['--zstd', '-cf', archiveFile(dir.path, version), '-C', from, '.']);
  await signFile(archiveFile(dir.path, version));
}

describe('checkArchive', () => {
  it('takes a whole release', async () => {
    await pack('1.0.0');
    expect(await checkArchive(site, '1.0.0')).toMatchObject({ version: '1.0.0', files: 1 });
  });

  it('refuses what is not there, cut short, changed, or another release', async () => {
    await expect(checkArchive(site, '9.0.0')).rejects.toMatchObject({ outcome: 'not_found' });
    await pack('1.1.0', { content: 'bad' });
    await expect(checkArchive(site, '1.1.0')).rejects.toMatchObject({
      why: 'services/crm/main.mjs does not have its sum.',
    });
    await pack('1.2.0', { named: '1.0.0' });
    await expect(checkArchive(site, '1.2.0')).rejects.toMatchObject({ why: /says that it is "1.0.0"/ });
    await pack('1.3.0');
    await truncate(archiveFile(dir.path, '1.3.0'), 60);
    await signFile(archiveFile(dir.path, '1.3.0'));
    await expect(checkArchive(site, '1.3.0')).rejects.toMatchObject({ why: /1\.3\.0/ });
  });

  it('refuses what nobody has signed that the inventory names, before anything is unpacked', async () => {
    await pack('2.0.0');
    const file = archiveFile(dir.path, '2.0.0');
    const good = await readFile(file);
    const refused = async (why: RegExp) => {
      for (const read of [readArchive, checkArchive])
        await expect(read(site, '2.0.0')).rejects.toMatchObject({
          message: 'Unable to use the release 2.0.0.',
          why: expect.stringMatching(why),
        });
    };
    expect((await checkArchive(site, '2.0.0')).content).toEqual(good);
    await writeFile(file, Buffer.concat([good, Buffer.from('x')]));
    await refused(/it was changed after it was signed/);
    await writeFile(file, good);
    await signFile(file, newSigningKey());
    await refused(/which the inventory does not name/);
    await rm(signatureFile(file));
    await refused(/nobody has signed it \(there is no psa-platform-2\.0\.0\.tar\.zst\.minisig\)/);
    // An older release, and its own signature, under the new one's name.
    for (const end of ['', '.minisig'])
      await copyFile(`${archiveFile(dir.path, '1.0.0')}${end}`, `${file}${end}`);
    await refused(/that of another file/);
    await writeFile(file, good);
    await signFile(file);
    const { public_keys, ...releases } = site.inventory.releases;
    const keyless = { ...site, inventory: { ...site.inventory, releases } };
    await expect(readArchive(keyless, '2.0.0')).rejects.toMatchObject({
      fix: expect.stringContaining('psactl secrets signing-key'),
    });
    // While a key is exchanged, both are named.
    const both = { ...releases, public_keys: [newSigningKey().publicKey, ...public_keys!] };
    expect(await readArchive({ ...site, inventory: { ...site.inventory, releases: both } }, '2.0.0')).toEqual(
      good,
    );
  });
});
