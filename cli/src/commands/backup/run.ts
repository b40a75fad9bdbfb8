import { resolve } from 'node:path';
import { define } from '../../command.ts';
import { recoveryError } from '../../recovery-error.ts';

interface Options {
  readonly target: 'embedded';
  readonly out: string;
}

interface Planned {
  readonly data_dir: string;
  readonly out: string;
  readonly key_file: string;
  /** The key is made by this run. */
  readonly new_key: boolean;
}

interface Done {
  readonly data: {
    readonly id: string;
    readonly file: string;
    readonly bytes: number;
    readonly sha256: string;
    readonly at: string;
    readonly duration_ms: number;
    readonly key_file: string;
    readonly new_key: boolean;
  };
}

export const backupRun = define<Options, Planned, null, Done>({
  summary: 'Backs the platform up, and reads the backup back',
  description: `
Of the platform in one process ("npm start"): its database, files and keys in one archive, compressed and encrypted with
age. It may run meanwhile or not; its data folder is PSA_DATA_DIR, else ./.psa. The archive has its name when it was read
back to its last byte. The key that opens it stands in PSA_BACKUP_KEY, else in ~/.config/psactl/backup.key, and is made
where there is none: keep a copy of it elsewhere, for without it no backup can be opened.`,
  options: [
    { flags: '--target <target>', description: 'what is backed up', choices: ['embedded'], required: true },
    { flags: '--out <folder>', description: 'where the backup goes', required: true },
  ],
  examples: [
    {
      run: 'psactl backup run --target embedded --out backups',
      note: 'the platform of "npm start" in this folder',
    },
  ],
  resume: 'Run it again; nothing is left of one that did not end.',

  async plan({ options, io }) {
    const { backupKeyFile, readBackupKey } = await import('@psa/recovery/key-file');
    const { checkDataFolder } = await import('@psa/recovery/embedded/source');
    const data_dir = resolve(io.cwd, io.env.PSA_DATA_DIR || '.psa');
    const key_file = backupKeyFile(io.env);
    try {
      checkDataFolder(data_dir);
      const new_key = (await readBackupKey(key_file)) === null;
      return { data: { data_dir, out: resolve(io.cwd, options.out), key_file, new_key }, carry: null };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  renderPlan: ({ data_dir, out, key_file, new_key }) =>
    `Would back up ${data_dir} to ${out}.\n${new_key ? `Would make a key in ${key_file}.\n` : ''}`,

  async apply({ data: { data_dir, out, key_file, new_key } }, { progress }) {
    const { ensureBackupKey } = await import('@psa/recovery/key-file');
    const { backUpEmbedded } = await import('@psa/recovery/embedded/backup');
    const { platformVersion } = await import('../../platform-version.ts');
    try {
      const { key } = await ensureBackupKey(key_file);
      const { file, manifest } = await backUpEmbedded({
        ...{ dataDir: data_dir, out, key, version: platformVersion() },
        say: (step) => progress.start(step),
      });
      const { id, bytes, sha256, at, duration_ms } = manifest;
      return { data: { id, file, bytes, sha256, at, duration_ms, key_file, new_key } };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  render: ({ data: { file, bytes, sha256, duration_ms, key_file, new_key } }) =>
    `${file}
${(bytes / 1024 ** 2).toFixed(1)} MiB in ${(duration_ms / 1000).toFixed(1)} s, read back; SHA-256 ${sha256}
${new_key ? `A key was made: ${key_file}\nKeep a copy of it elsewhere: without it no backup can be opened.\n` : ''}`,
});
