import { access, writeFile } from 'node:fs/promises';
import { tempDir } from '@psa/test-kit/temp-dir';
import { expect, it } from 'vitest';
import { SiteFolder } from './folder.ts';
import {
  endRolloutJournal,
  type RolloutJournal,
  readRolloutJournal,
  writeRolloutJournal,
} from './rollout-journal.ts';

it('goes on with a deploy that an earlier psactl began', async () => {
  const dir = await tempDir('rollout-journal');
  try {
    const folder = new SiteFolder(dir.path);
    const begun: RolloutJournal = {
      ...{ id: '1', action: 'deploy', startedAt: '2026-01-01T00:00:00Z', phase: 'roll', backup: null },
      rollout: { to: { crm: '0.2.0' }, from: { crm: '0.1.0' }, reason: null },
    };
    const write = () => writeFile(folder.file('deploy.json'), JSON.stringify(begun));
    expect(await readRolloutJournal(folder)).toBeNull();
    await write();
    expect(await readRolloutJournal(folder)).toEqual(begun);
    // What is written since counts, and takes its place.
    await writeRolloutJournal(folder, { ...begun, backup: 'x' });
    expect(await readRolloutJournal(folder)).toMatchObject({ backup: 'x' });
    await expect(access(folder.file('deploy.json'))).rejects.toThrow('ENOENT');
    await write();
    await endRolloutJournal(folder);
    expect(await readRolloutJournal(folder)).toBeNull();
  } finally {
    await dir.remove();
  }
});
