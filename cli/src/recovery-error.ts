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
      code: 'DISK_FULL',
      cause: thrown,
    });
  if (error.code === 'ENOENT' && ['open', 'stat', 'scandir'].includes(error.syscall ?? ''))
    return new CliError(`Unable to read ${error.path}: it is not there.`, {
      outcome: 'failed',
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
      code: 'NO_FOLDER',
    });
  });
}
