import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addHistory, readDeployed, readHistory, writeDeployed } from './deployed.ts';

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('deployed');
});
afterAll(() => dir.remove());

describe('what was deployed', () => {
  it('is nothing at first, then what each deploy added', async () => {
    const folder = join(dir.path, 'a');
    expect(await readDeployed(folder)).toEqual({});
    await writeDeployed(folder, { tickets: '0.2.0', crm: '0.2.0' });
    await writeDeployed(folder, { tickets: '0.3.0' });
    expect(await readDeployed(folder)).toEqual({ crm: '0.2.0', tickets: '0.3.0' });
  });

  it('has a history that outlives a line cut short', async () => {
    const folder = join(dir.path, 'b');
    const entry = {
      id: 'd1',
      at: '2026-01-01T00:00:00Z',
      action: 'deploy',
      outcome: 'done',
      from: { crm: '0.1.0' },
      to: { crm: '0.2.0' },
      reason: null,
      seconds: 12,
      backup: null,
    } as const;
    await addHistory(folder, entry);
    await appendFile(join(folder, 'history.jsonl'), '{"id": "d2", "at\n');
    await addHistory(folder, { ...entry, id: 'd3' });
    expect((await readHistory(folder)).map(({ id }) => id)).toEqual(['d1', 'd3']);
  });
});
