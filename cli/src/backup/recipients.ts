import { ensureBackupKey, readBackupKey } from '@psa/recovery/key-file';
import type { KnownSite } from '../site/site.ts';

/** What a site's backups are encrypted to. */
export interface Recipients {
  readonly recipients: readonly string[];
  /** Where the key that opens them is looked for here. */
  readonly key_file: string;
  /** The key is made by the run. */
  readonly new_key: boolean;
}

/** Reads only. The inventory's own, else the public part of its key. */
export async function recipientsOf({ inventory, path }: KnownSite): Promise<Recipients> {
  const key_file = path(inventory.backup.encryption_key_file);
  const { recipients } = inventory.backup;
  if (recipients) return { recipients, key_file, new_key: false };
  const key = await readBackupKey(key_file);
  return { recipients: key ? [key.recipient] : [], key_file, new_key: key === null };
}

/** The same, the key made where there is none. */
export async function ensureRecipients(site: KnownSite): Promise<readonly string[]> {
  const { recipients, key_file, new_key } = await recipientsOf(site);
  return new_key ? [(await ensureBackupKey(key_file)).key.recipient] : recipients;
}

/** The secret key of a site's backups, if it is on this machine: PSA_BACKUP_KEY, else the inventory's file. */
export async function identityOf(
  { inventory, path }: KnownSite,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const file = env.PSA_BACKUP_KEY || path(inventory.backup.encryption_key_file);
  return (await readBackupKey(file))?.identity ?? null;
}
