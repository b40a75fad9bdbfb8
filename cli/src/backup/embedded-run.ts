import { resolve } from 'node:path';
import type { Io } from '../command.ts';
import { recoveryError } from '../recovery-error.ts';

/** What a backup of the platform in one process will do. */
export interface EmbeddedPlan {
  readonly data_dir: string;
  readonly out: string;
  readonly key_file: string;
  /** The key is made by this run. */
  readonly new_key: boolean;
}

/** What came of it. */
export interface EmbeddedDone {
  readonly id: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly at: string;
  readonly duration_ms: number;
  readonly key_file: string;
  readonly new_key: boolean;
}

/** Looks at the data folder and the key; changes nothing. */
export async function planEmbedded({ cwd, env }: Io, out: string): Promise<EmbeddedPlan> {
  const { backupKeyFile, readBackupKey } = await import('@psa/recovery/key-file');
  const { checkDataFolder, checkOut } = await import('@psa/recovery/embedded/source');
  const data_dir = resolve(cwd, env.PSA_DATA_DIR || '.psa');
  const key_file = backupKeyFile(env);
  try {
    checkDataFolder(data_dir);
    await checkOut(data_dir, resolve(cwd, out));
    const new_key = (await readBackupKey(key_file)) === null;
    return { data_dir, out: resolve(cwd, out), key_file, new_key };
  } catch (error) {
    throw recoveryError(error);
  }
}

/** Makes the backup. */
export async function runEmbedded(
  { data_dir, out, key_file, new_key }: EmbeddedPlan,
  version: string,
  say: (step: string) => void,
): Promise<EmbeddedDone> {
  const { ensureBackupKey } = await import('@psa/recovery/key-file');
  const { backUpEmbedded } = await import('@psa/recovery/embedded/backup');
  try {
    const { key } = await ensureBackupKey(key_file);
    const { file, manifest } = await backUpEmbedded({ dataDir: data_dir, out, key, version, say });
    const { id, bytes, sha256, at, duration_ms } = manifest;
    return { id, file, bytes, sha256, at, duration_ms, key_file, new_key };
  } catch (error) {
    throw recoveryError(error);
  }
}

export const renderEmbeddedPlan = ({ data_dir, out, key_file, new_key }: EmbeddedPlan): string =>
  `Would back up ${data_dir} to ${out}.\n${new_key ? `Would make a key in ${key_file}.\n` : ''}`;

export const renderEmbedded = ({
  file,
  bytes,
  sha256,
  duration_ms,
  key_file,
  new_key,
}: EmbeddedDone): string => `${file}
${(bytes / 1024 ** 2).toFixed(1)} MiB in ${(duration_ms / 1000).toFixed(1)} s, read back; SHA-256 ${sha256}
${new_key ? `A key was made: ${key_file}\nKeep a copy of it elsewhere: without it no backup can be opened.\n` : ''}`;
