import { define } from '../../command.ts';
import { LAB_DIR, type LabOptions, labDir, withLab } from './lab.ts';

interface Down {
  readonly dir: string;
  readonly removed: boolean;
}

export const labDownCommand = define<LabOptions, Down, null, Down>({
  summary: 'Ends the lab and removes all of it: containers, volumes, network',
  options: [LAB_DIR],
  examples: [{ run: 'psactl lab down --yes', note: 'without asking' }],
  resume: 'Run "psactl lab down" again.',

  async plan({ options, io }) {
    const { existsSync } = await import('node:fs');
    const dir = await labDir(options, io);
    return { data: { dir, removed: existsSync(`${dir}/lab.json`) }, carry: null };
  },
  renderPlan: ({ dir, removed }) =>
    removed ? `The lab in ${dir} would be removed.\n` : `There is no lab in ${dir}.\n`,
  confirm: ({ data }) => (data.removed ? `Remove the lab in ${data.dir} with all that stands in it?` : null),

  async apply({ data }, { progress }) {
    if (data.removed) {
      await withLab('remove the lab', ({ labDown }) => labDown(data.dir, (text) => progress.note(text)));
    }
    return data;
  },
  render: ({ dir, removed }) => (removed ? `Removed the lab in ${dir}.\n` : `There is no lab in ${dir}.\n`),
});
