import type { BackupKey } from '@psa/recovery/key-file';
import type { ShelvedBackup } from '@psa/recovery/shelf';
import type { Io } from '../command.ts';
import type { KnownSite } from '../site/site.ts';
import { age } from './backup-text.ts';

/** What is known of the key that opens what is encrypted. */
export interface KeyState {
  /** Public keys that the newest is encrypted to. */
  readonly recipients: readonly string[];
  /** `opens`: the key of this machine does. `other`: it has another one. `absent`: it has none, as it should be on a cluster. */
  readonly here: 'opens' | 'other' | 'absent';
  /** When one was last restored by somebody who had the key; ISO 8601. Null: never. */
  readonly opened_at: string | null;
}

/**
 * Whether anybody can open what is encrypted, as far as that can be seen from here: a key that is lost shows nowhere until it is
 * needed. @returns null where nothing is encrypted
 */
export function keyStateOf(
  backups: readonly Pick<ShelvedBackup, 'at' | 'manifest' | 'proof'>[],
  key: Pick<BackupKey, 'recipient'> | null,
): KeyState | null {
  const sealed = backups.filter(({ manifest }) => (manifest?.recipients.length ?? 0) > 0);
  const newest = sealed.reduce<(typeof sealed)[number] | null>(
    (last, one) => (last && last.at >= one.at ? last : one),
    null,
  );
  if (!newest) return null;
  const recipients = newest.manifest!.recipients;
  const opened = sealed.flatMap(({ proof }) => (proof ? [proof.at] : [])).sort();
  return {
    recipients,
    here: key === null ? 'absent' : recipients.includes(key.recipient) ? 'opens' : 'other',
    opened_at: opened.at(-1) ?? null,
  };
}

/** The same with where the key of this machine is looked for. */
export interface FiledKeyState extends KeyState {
  readonly file: string;
}

/** The key of a site's backups, as this machine has it. */
export async function siteKeyState(
  { inventory, path }: KnownSite,
  backups: readonly ShelvedBackup[],
  { env }: Pick<Io, 'env'>,
): Promise<FiledKeyState | null> {
  const { readBackupKey } = await import('@psa/recovery/key-file');
  const file = env.PSA_BACKUP_KEY || path(inventory.backup.encryption_key_file);
  // One that cannot be read opens nothing either.
  const state = keyStateOf(backups, await readBackupKey(file).catch(() => null));
  return state && { ...state, file };
}

/** What somebody should know of it; empty: the key is here. */
export function keyText(state: FiledKeyState | null, now: number): string {
  if (state === null || state.here === 'opens') return '';
  const { recipients, here, opened_at, file } = state;
  const what = `What is encrypted opens with the key of ${recipients.join(' or ')}`;
  const where =
    here === 'absent' ? `which is not on this machine (${file})` : `and that in ${file} is another one`;
  const last =
    opened_at === null
      ? 'Nobody has restored one of them yet.'
      : `One of them was last restored ${age(opened_at, now)} ago.`;
  return `${what}, ${where}. ${last} Try the copy that you keep: PSA_BACKUP_KEY=FILE psactl backup verify\n`;
}
