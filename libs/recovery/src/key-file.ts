import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ensureFile } from '@psa/infra/files/durable';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';

type Env = Readonly<Record<string, string | undefined>>;

/** The key that opens backups, as `age-keygen` writes it. */
export interface BackupKey {
  /** The secret: `AGE-SECRET-KEY-1…` */
  readonly identity: string;
  /** What is encrypted to: `age1…` */
  readonly recipient: string;
}

/** A key file that cannot be used. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
}

/** Where the key of this machine's backups stands: `PSA_BACKUP_KEY`, else in the home of who runs psactl. */
export function backupKeyFile(env: Env): string {
  return env.PSA_BACKUP_KEY || join(env.HOME || homedir(), '.config/psactl/backup.key');
}

/**
 * The key in a file, its first line that is none of comment; null when there is none.
 * @throws KeyError when what is there is no key
 */
export async function readBackupKey(file: string): Promise<BackupKey | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new KeyError(`Unable to read the key in ${file}: ${error.message}`, { cause: error });
  });
  if (text === null) return null;
  const identity =
    text
      .split('\n')
      .find((line) => line.trim() !== '' && !line.startsWith('#'))
      ?.trim() ?? '';
  try {
    return { identity, recipient: await identityToRecipient(identity) };
  } catch (error) {
    throw new KeyError(`Unable to use the key in ${file}: it holds no line with AGE-SECRET-KEY-1…`, {
      cause: error,
    });
  }
}

/** The key in a file, made where there is none. Of two that make it at once one wins, for both. */
export async function ensureBackupKey(
  file: string,
): Promise<{ readonly key: BackupKey; readonly isNew: boolean }> {
  const { content, isNew } = await ensureFile(file, readBackupKey, async () => {
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    const text = `# created: ${new Date().toISOString()}\n# public key: ${recipient}\n${identity}\n`;
    return { text, content: { identity, recipient } };
  });
  return { key: content, isNew };
}
