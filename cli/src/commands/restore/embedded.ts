import { resolve } from 'node:path';
import type { Restored, RestorePlan } from '@psa/recovery/embedded/restore';
import { define } from '../../command.ts';
import { backupKeyOf, namedArchive, recoveryError } from '../../recovery-error.ts';

export const restoreEmbeddedCommand = define<object, RestorePlan, null, { readonly data: Restored }>({
  summary: 'Fills an empty data folder of the platform in one process from a backup',
  description: `
The data folder is PSA_DATA_DIR, else ./.psa; it must be empty or not there. The backup is read to its last byte first,
unpacked beside the folder, its database started there and every table read; then it takes its place in one step. A restore
that is killed leaves the folder as it was. Afterwards: "npm start".`,
  args: [{ name: 'file', description: 'as "psactl backup run" named it' }],
  examples: [
    {
      run: 'psactl restore embedded backups/embedded-20261130T020000Z-3f9a2c.tar.zst.age --yes',
      note: 'into ./.psa, which was moved away',
    },
    {
      run: 'psactl restore embedded backups/embedded-20261130T020000Z-3f9a2c.tar.zst.age --dry-run',
      note: 'what would be restored, and whether it can be',
    },
  ],
  resume: 'Run it again: nothing was put into the data folder.',

  async plan({ args, io }) {
    const { planRestore } = await import('@psa/recovery/embedded/restore');
    const file = namedArchive(resolve(io.cwd, args[0]!));
    try {
      const { identity } = await backupKeyOf(io.env);
      const data = await planRestore(file, resolve(io.cwd, io.env.PSA_DATA_DIR || '.psa'), identity);
      return { data, carry: null };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  confirm: ({ data }) => `Restore ${data.id} of ${data.at} to ${data.data_dir}?`,
  renderPlan: ({ id, at, version, data_dir }) =>
    `Would restore ${id} to ${data_dir}: the state of ${at}, release ${version}. What was written after that is not in it.\n`,

  async apply({ data }, { io, progress }) {
    const { restoreEmbedded } = await import('@psa/recovery/embedded/restore');
    try {
      const { identity } = await backupKeyOf(io.env);
      return { data: await restoreEmbedded(data, identity, (step) => progress.start(step)) };
    } catch (error) {
      throw recoveryError(error);
    }
  },
  render: ({ data: { id, at, data_dir, rows, duration_ms } }) =>
    `${data_dir} holds ${id}, the state of ${at}.
${Object.keys(rows).length} tables with ${Object.values(rows).reduce((sum, count) => sum + count, 0)} rows were read, in ${(duration_ms / 1000).toFixed(1)} s.
Start it with: npm start
`,
});
