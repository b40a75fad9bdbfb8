import { mkdir, mkdtemp, rm, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { example } from '@psa/appliance/inventory/example.test-helper';
import { siteOf } from '@psa/appliance/inventory/expand';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SiteFolder } from './folder.ts';
import { MOUNTS_FILE, mountOf, needMounted, noteMounted } from './mounts.ts';
import type { KnownSite } from './site.ts';

let dir: TempDir;
/** A folder on a file system of its own: memory, as every machine has it. */
let share: string;
let folder: string;

beforeEach(async () => {
  dir = await tempDir('mounts');
  share = await mkdtemp('/dev/shm/psa-share-');
  folder = join(dir.path, 'nas');
});
afterEach(async () => {
  await rm(share, { recursive: true, force: true });
  await dir.remove();
});

/** The folder of a share as it is mounted, or not: on the disk of this machine then. */
async function mounted(on: boolean): Promise<void> {
  await unlink(folder).catch(() => {});
  await mkdir(join(dir.path, 'empty'), { recursive: true });
  await symlink(on ? share : join(dir.path, 'empty'), folder);
}

function known(isSaid?: boolean): KnownSite {
  const inventory = example();
  const [first, ...others] = inventory.backup.tiers;
  const tier = { ...first!, folder, ...(isSaid === undefined ? {} : { mounted: isSaid }) };
  return {
    ...{ file: join(dir.path, 'appliance.yaml'), site: siteOf(inventory), containers: [] },
    inventory: { ...inventory, backup: { ...inventory.backup, tiers: [tier, ...others] } },
    ...{ folder: new SiteFolder(join(dir.path, '.psactl/main')), path: (name) => name },
  };
}

describe('a folder for backups on a share', () => {
  it('that was mounted the last time is not written to when it is not', async () => {
    await mounted(true);
    expect(await mountOf(join(folder, 'not/yet/there'))).toBe('/dev/shm');
    await needMounted(known(), folder);
    await noteMounted(known(), folder);
    await mounted(false);
    await expect(needMounted(known(), folder)).rejects.toMatchObject({
      message: `Unable to use ${folder} for backups: its share is not mounted.`,
      why: expect.stringContaining('It was on /dev/shm when psa/main was last backed up from here'),
      fix: expect.stringContaining(join(dir.path, '.psactl/main', MOUNTS_FILE)),
    });
    await mounted(true);
    await needMounted(known(), folder);
  });

  it('of which the inventory says that it is mounted is not written to before it is, not even the first time', async () => {
    await mounted(false);
    await needMounted(known(), folder);
    await needMounted(known(false), folder);
    await expect(needMounted(known(true), folder)).rejects.toMatchObject({ code: 'NOT_MOUNTED' });
    await mounted(true);
    await needMounted(known(true), folder);
  });

  it('that was never on a share is what it is', async () => {
    await mounted(false);
    await needMounted(known(), folder);
    await noteMounted(known(), folder);
    await needMounted(known(), folder);
  });
});
