import { resolve } from 'node:path';
import { define } from '../../command.ts';
import { backupKeyOf, recoveryError } from '../../recovery-error.ts';

interface Verified {
  readonly data: {
    readonly id: string;
    readonly file: string;
    readonly at: string;
    readonly version: string;
    readonly bytes: number;
    readonly sha256: string;
    readonly entries: number;
  };
}

export const backupVerify = define<object, Verified, null, Verified>({
  summary: 'Reads every byte of a backup back, and says whether it restores',
  description: `
Ends with 0 when it opens with the key, nothing in it was changed or cut off, it is what its manifest names, and what a
restore needs is in it; else with 1 and the reason.`,
  args: [{ name: 'file', description: 'as "psactl backup run" named it' }],
  examples: [
    { run: 'psactl backup verify backups/embedded-20261130T020000Z-3f9a2c.tar.zst.age', note: 'one archive' },
  ],
  async plan({ args, io }) {
    const { verifyEmbedded } = await import('@psa/recovery/embedded/verify');
    const file = resolve(io.cwd, args[0]!);
    try {
      const { identity } = await backupKeyOf(io.env);
      const { contents, bytes, sha256, entries } = await verifyEmbedded(file, identity);
      const { id, at, version } = contents;
      return { data: { data: { id, file, at, version, bytes, sha256, entries } }, carry: null };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  render: ({ data: { id, at, version, entries, bytes } }) =>
    `${id} is whole: ${entries} entries, ${(bytes / 1024 ** 2).toFixed(1)} MiB, of ${at}, release ${version}.\n`,
});
