import { existsSync } from 'node:fs';
import type { BackupKey } from '@psa/recovery/key-file';
import type { ShelvedBackup } from '@psa/recovery/shelf';
import { CliError } from './errors.ts';

/** Names of what libs/recovery and the lock of a data folder throw for a reader. */
const FOR_READERS = [
  'BackupError',
  'NewerBackupError',
  'DataFolderError',
  'KeyError',
  'TarError',
  'SealError',
  'LockHeld',
];

/** The disk is mounted for reading alone, or the files are somebody else's. */
const DENIED = ['EROFS', 'EACCES', 'EPERM'];

/** What went wrong with a backup, as an error for the reader; anything else as it came. */
export function recoveryError(thrown: unknown): unknown {
  const error = thrown as NodeJS.ErrnoException & { readonly fix?: string | null };
  if (thrown instanceof CliError || !(thrown instanceof Error)) return thrown;
  if (error.code === 'ENOSPC')
    return new CliError('Unable to finish: the disk is full.', {
      why: error.message,
      fix: 'Make room where the backups are ("psactl backup prune") or where they are unpacked, and run it again. What did not end counts as nothing.',
      code: 'DISK_FULL',
      cause: thrown,
    });
  if (error.code === 'ENOENT' && ['open', 'stat', 'scandir'].includes(error.syscall ?? ''))
    return new CliError(`Unable to read ${error.path}: it is not there.`, {
      outcome: 'failed',
      fix: '"psactl backup list --from FOLDER" shows which there are.',
      code: 'NO_FILE',
      cause: thrown,
    });
  if (error.code && DENIED.includes(error.code))
    return new CliError(
      `Unable to finish: ${error.path ?? 'a file'} cannot be ${error.code === 'EROFS' ? 'written' : 'opened'}.`,
      {
        why: error.message,
        fix: 'Mount the disk for writing, or run this as who the files belong to.',
        code: 'NO_ACCESS',
        cause: thrown,
      },
    );
  if (!FOR_READERS.includes(error.name)) return thrown;
  if (error.name === 'LockHeld')
    return new CliError(error.message, {
      outcome: 'locked',
      fix: 'Wait until that process has ended, and run it again.',
      code: 'LOCKED',
      cause: thrown,
    });
  return new CliError(error.message, {
    fix: error.fix ?? undefined,
    code: error.name.toUpperCase(),
    cause: thrown,
  });
}

/** The key that opens this machine's backups. @throws CliError when there is none */
export async function backupKeyOf(env: Readonly<Record<string, string | undefined>>): Promise<BackupKey> {
  const { backupKeyFile, readBackupKey } = await import('@psa/recovery/key-file');
  const file = backupKeyFile(env);
  const key = await readBackupKey(file);
  if (key) return key;
  throw new CliError('Unable to open a backup without its key.', {
    why: `There is none in ${file}.`,
    fix: 'Put the copy of it there, or name its file: PSA_BACKUP_KEY=…',
    code: 'NO_KEY',
  });
}

/**
 * A command that shows, copies or restores backups of a site was given an archive of the platform in one process: without
 * this it would ask for the token of a cluster that there is none of.
 * @param what the end of "Unable to …"
 * @param instead what does that for an archive
 * @throws CliError when one of the names is such an archive
 */
export async function refuseArchives(
  names: readonly string[],
  what: string,
  instead: (file: string) => string,
): Promise<void> {
  const { parseArtefactFile, parseArtefactId } = await import('@psa/recovery/artefact-name');
  for (const name of names) {
    const last = name.split('/').at(-1)!;
    if ((parseArtefactFile(last) ?? parseArtefactId(last))?.kind !== 'embedded') continue;
    throw new CliError(
      `Unable to ${what} ${name}: it is of the platform in one process, and not of a site.`,
      {
        outcome: 'usage',
        fix: instead(name),
      },
    );
  }
}

/** An archive that somebody names, before its key is asked for: with one it would not be there either. @throws CliError */
export function namedArchive(file: string): string {
  if (existsSync(file)) return file;
  throw new CliError(`Unable to read ${file}: it is not there.`, {
    code: 'NO_FILE',
    fix: 'See "psactl backup list --from <folder>".',
  });
}

/** A folder on the command line. An empty one is a variable that is not set, and would be the folder where somebody stands. */
export function namedFolder(text: string): string {
  if (text.trim() === '') throw new Error('name a folder');
  return text;
}

/** The backups of a folder. @throws CliError when it is none */
export async function readBackups(folder: string): Promise<readonly ShelvedBackup[]> {
  const { readShelf } = await import('@psa/recovery/shelf');
  return readShelf(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    throw new CliError(`Unable to look for backups in ${folder}: it is no folder.`, {
      outcome: 'not_found',
      fix: 'Name the one that "psactl backup run --out" wrote to.',
      code: 'NO_FOLDER',
    });
  });
}
