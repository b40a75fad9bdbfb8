import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { archiveFile, checkArchive } from './archive.ts';

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('archive');
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
}

describe('checkArchive', () => {
  it('takes a whole release', async () => {
    await pack('1.0.0');
    expect(await checkArchive(dir.path, '1.0.0')).toMatchObject({ version: '1.0.0', files: 1 });
  });

  it('refuses what is not there, cut short, changed, or another release', async () => {
    await expect(checkArchive(dir.path, '9.0.0')).rejects.toMatchObject({ outcome: 'not_found' });
    await pack('1.1.0', { content: 'bad' });
    await expect(checkArchive(dir.path, '1.1.0')).rejects.toMatchObject({
      why: 'services/crm/main.mjs does not have its sum.',
    });
    await pack('1.2.0', { named: '1.0.0' });
    await expect(checkArchive(dir.path, '1.2.0')).rejects.toMatchObject({ why: /says that it is "1.0.0"/ });
    await pack('1.3.0');
    await truncate(archiveFile(dir.path, '1.3.0'), 60);
    await expect(checkArchive(dir.path, '1.3.0')).rejects.toMatchObject({ why: /1\.3\.0/ });
  });
});
