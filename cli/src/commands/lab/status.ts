import type { LabStatus } from '@psa/lab/control';
import { define } from '../../command.ts';
import { LAB_DIR, type LabOptions, labDir, renderLab, withLab } from './lab.ts';

export const labStatus = define<LabOptions, LabStatus, null, LabStatus>({
  summary: "Shows the lab's nodes, their addresses and what is wrong with them on purpose",
  options: [LAB_DIR],
  examples: [
    { run: 'psactl lab status', note: 'nodes, containers, addresses' },
    { run: 'psactl lab status --json', note: 'the same for a program' },
  ],
  async plan({ options, io }) {
    const dir = await labDir(options, io);
    const data = await withLab('ask the lab', ({ labControl }) => labControl(dir).status());
    return { data, carry: null };
  },
  render: renderLab,
});
