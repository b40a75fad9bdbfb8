import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { SeenArchive } from '@psa/recovery/embedded/verify';
import type { Proof } from '@psa/recovery/shelf';
import { define } from '../../command.ts';
import { backupKeyOf, recoveryError } from '../../recovery-error.ts';

interface Options {
  readonly deep?: boolean;
}

interface Verified {
  readonly data: {
    readonly id: string;
    readonly file: string;
    readonly at: string;
    readonly version: string;
    readonly bytes: number;
    readonly sha256: string;
    readonly entries: number;
    /** What came of restoring it; null: that was not asked for. */
    readonly proof: Proof | null;
  };
}

export const backupVerify = define<Options, Verified, null, Verified>({
  summary: 'Reads every byte of a backup back, and says whether it restores',
  description: `
Ends with 0 when it opens with the key, nothing in it was changed or cut off, it is what its manifest names, and what a
restore needs is in it; else with 1 and the reason. With --deep it is restored, too: into a folder below TMPDIR that goes
afterwards, its database started and every table read. That it was proven, and when, is written beside it.`,
  args: [{ name: 'file', description: 'as "psactl backup run" named it' }],
  options: [{ flags: '--deep', description: 'restore it, too' }],
  examples: [
    { run: 'psactl backup verify backups/embedded-20261130T020000Z-3f9a2c.tar.zst.age', note: 'one archive' },
    {
      run: 'psactl backup verify backups/embedded-20261130T020000Z-3f9a2c.tar.zst.age --deep',
      note: 'proves it',
    },
  ],
  async plan({ args, options, io, progress }) {
    const { verifyEmbedded } = await import('@psa/recovery/embedded/verify');
    const file = resolve(io.cwd, args[0]!);
    try {
      const { identity } = await backupKeyOf(io.env);
      const verified = await verifyEmbedded(file, identity);
      const { contents, bytes, sha256, entries } = verified;
      const { id, at, version } = contents;
      const proof = options.deep
        ? await prove(file, identity, verified, (step) => progress.start(step))
        : null;
      return { data: { data: { id, file, at, version, bytes, sha256, entries, proof } }, carry: null };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  render: ({ data: { id, at, version, entries, bytes, proof } }) =>
    `${id} is whole: ${entries} entries, ${(bytes / 1024 ** 2).toFixed(1)} MiB, of ${at}, release ${version}.
${proof ? `It was restored in ${(proof.duration_ms / 1000).toFixed(1)} s: ${proof.tables} tables, ${proof.rows} rows.\n` : ''}`,
});

async function prove(
  file: string,
  identity: string,
  verified: SeenArchive,
  say: (step: string) => void,
): Promise<Proof> {
  const { proveEmbedded } = await import('@psa/recovery/embedded/restore');
  const { writeProof } = await import('@psa/recovery/shelf');
  const scratch = await mkdtemp(join(tmpdir(), 'psa-proof-'));
  try {
    const { id, rows, duration_ms } = await proveEmbedded(file, identity, { verified, scratch, say });
    const counts = Object.values(rows);
    const proof: Proof = {
      ...{ proof: 1, id, at: new Date().toISOString(), duration_ms },
      ...{ tables: counts.length, rows: counts.reduce((sum, one) => sum + one, 0) },
    };
    await writeProof(file, proof);
    return proof;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
