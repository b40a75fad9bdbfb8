import { randomBytes } from 'node:crypto';
import { chown, lstat, mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RuntimeFailure } from '../ports.ts';

/**
 * The path on the machine of a file in a container. The root file system belongs to the container: what it makes of its
 * folders is not followed out of them.
 * @returns null when a folder on the way is missing
 * @throws RuntimeFailure when one of them is a link or a file
 */
export async function pathInside(rootfs: string, path: string): Promise<string | null> {
  let folder = rootfs;
  for (const name of foldersOf(path)) {
    folder = join(folder, name);
    const found = await lstat(folder).catch(() => null);
    if (found === null) return null;
    if (!found.isDirectory()) throw new RuntimeFailure(`unable to use '/${path}': '${name}' is no folder`);
  }
  return join(rootfs, path);
}

/**
 * Writes a file of root's into a container so that either the old or the new one is there, and makes its folders. Root is
 * whoever the file system's own folder belongs to.
 */
export async function writeInside(rootfs: string, path: string, text: string): Promise<void> {
  const { uid, gid } = await lstat(rootfs);
  if ((await pathInside(rootfs, path)) === null) {
    let folder = rootfs;
    for (const name of foldersOf(path)) {
      folder = join(folder, name);
      if (await lstat(folder).catch(() => null)) continue;
      await mkdir(folder, { mode: 0o755 });
      await chown(folder, uid, gid);
    }
  }
  const target = join(rootfs, path);
  const draft = `${target}.psa-${randomBytes(4).toString('hex')}`;
  const file = await open(draft, 'wx', 0o644);
  try {
    await file.writeFile(text);
    await file.chmod(0o644);
    await file.chown(uid, gid);
  } finally {
    await file.close();
  }
  await rename(draft, target);
}

const foldersOf = (path: string) =>
  dirname(path)
    .split('/')
    .filter((name) => name !== '.');
