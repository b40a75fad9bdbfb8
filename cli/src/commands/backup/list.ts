import { resolve } from 'node:path';
import type { ShelvedBackup } from '@psa/recovery/shelf';
import { define } from '../../command.ts';
import { readBackups } from '../../recovery-error.ts';
import { table } from '../../text.ts';

interface Options {
  readonly from: string;
}

interface Listed {
  readonly data: readonly ShelvedBackup[];
}

export const backupList = define<Options, Listed, null, Listed>({
  summary: 'Lists the backups of a folder, and which of them are proven by restoring',
  description: `
From what stands beside each of them, without reading them: a partial one is never shown as good. "psactl backup verify"
reads them to their last byte, with --deep it restores them.`,
  options: [{ flags: '--from <folder>', description: 'where "psactl backup run" put them', required: true }],
  examples: [{ run: 'psactl backup list --from backups', note: 'the newest first' }],
  async plan({ options, io }) {
    return { data: { data: await readBackups(resolve(io.cwd, options.from)) }, carry: null };
  },
  render: ({ data }) =>
    data.length === 0
      ? 'There is none.\n'
      : table([
          ['BACKUP', 'OF', 'MIB', 'STATE', 'PROVEN', ''],
          ...data.map(({ id, at, bytes, state, proof, protected: isProtected }) => [
            ...[id, at.slice(0, 16).replace('T', ' '), Math.ceil(bytes / 1024 ** 2), state],
            ...[proof ? proof.at.slice(0, 16).replace('T', ' ') : 'no', isProtected ? 'protected' : ''],
          ]),
        ]),
});
