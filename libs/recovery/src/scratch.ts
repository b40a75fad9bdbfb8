import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isOwned, takeOwnerLock } from '@psa/infra/owner-lock';

/**
 * A folder below TMPDIR for as long as something is worked on in it. It holds what was encrypted, so one that a killed process
 * has left is taken away by the next that needs one: by the lock beside it, which names its process.
 * @param name of what it is for; folders of other names are left alone
 */
export async function withScratch<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  await sweep(name);
  const folder = join(tmpdir(), `psa-${name}-${randomBytes(6).toString('hex')}`);
  const release = await takeOwnerLock(`${folder}.owner`);
  try {
    await mkdir(folder, { mode: 0o700 });
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await release();
  }
}

async function sweep(name: string): Promise<void> {
  const left = new RegExp(`^psa-${name}-[0-9a-f]{12}\\.owner$`);
  for (const entry of await readdir(tmpdir())) {
    if (!left.test(entry)) continue;
    const owner = join(tmpdir(), entry);
    // Of another user, or gone meanwhile: it is no trouble of who works now.
    if (await isOwned(owner).catch(() => true)) continue;
    await rm(owner.slice(0, -'.owner'.length), { recursive: true, force: true }).catch(() => {});
    await rm(owner, { force: true }).catch(() => {});
  }
}
