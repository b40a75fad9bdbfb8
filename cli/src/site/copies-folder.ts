import { existsSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { nearestFolder } from '@psa/recovery/nearest-folder';
import { CliError, usage } from '../errors.ts';
import { withLock } from '../lock.ts';
import { mib } from '../text.ts';
import type { SiteFolder } from './folder.ts';

/** What manifests and proofs of the copies take beside them, and what a disk keeps for itself. */
const SPARE_BYTES = 1024 ** 2;

/** Looks whether copies of backups can be brought into a folder. @throws CliError when it is none, or has too little room */
export async function checkCopiesFolder(to: string, bytes: number): Promise<void> {
  if (existsSync(to) && !statSync(to).isDirectory())
    throw usage(`Unable to bring backups to ${to}: it is no folder.`, 'Name another one with --to.');
  if (bytes === 0) return;
  const { bavail, bsize } = await statfs(nearestFolder(to));
  if (bavail * bsize < bytes + SPARE_BYTES)
    throw new CliError(`Unable to bring backups to ${to}: there is too little room.`, {
      why: `They take ${mib(bytes + SPARE_BYTES)}, and ${mib(bavail * bsize)} are free.`,
      fix: 'Make room, or name another folder with --to.',
      code: 'NO_SPACE',
    });
}

/**
 * Runs `work` while no other psactl of this machine brings copies of this site's backups anywhere: so what stands half-written
 * under the name of one was left by a psactl that was killed.
 * @throws CliError with exit code 11 when another one does
 */
export async function whileNoOtherCopies<T>(folder: SiteFolder, work: () => Promise<T>): Promise<T> {
  await folder.make();
  return withLock(folder.file('copy-lock'), 0, 'the folder of copies', work);
}
