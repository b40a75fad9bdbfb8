import { basename } from 'node:path';
import { parseArtefactFile } from './artefact-name.ts';
import { readManifest } from './manifest.ts';
import { writeReading } from './proof.ts';
import { OtherKeyError } from './sealed.ts';

/** What libs/recovery throws of a backup that is not what it was made. */
const OF_THE_BACKUP = ['BackupError', 'SealError', 'TarError'];

/**
 * Whether an error says of a backup that it is damaged. That there is no room, no program or no answer here says nothing of
 * it, and neither does another key.
 */
export function isDamage(thrown: unknown): boolean {
  let isOfIt = false;
  for (let one = thrown; one instanceof Error; one = one.cause) {
    if (one instanceof OtherKeyError || (one as NodeJS.ErrnoException).syscall !== undefined) return false;
    isOfIt ||= OF_THE_BACKUP.includes(one.name);
  }
  return isOfIt;
}

/**
 * Writes down beside a backup that reading it found it damaged, so that it is not counted as the last good one; or that it is
 * whole, which takes that back. Where nothing can be written the answer of who reads is what there is.
 */
export async function noteReading(file: string, error: Error | null): Promise<void> {
  if (error !== null && !isDamage(error)) return;
  const manifest = await readManifest(file).catch(() => null);
  if (manifest === null || parseArtefactFile(basename(file))?.id !== manifest.id) return;
  await writeReading(file, manifest, error?.message ?? null, new Date()).catch(() => {});
}
