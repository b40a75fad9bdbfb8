import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SiteFolder } from './folder.ts';
import { begunCreations, Journal, openTasks, readJournal } from './journal.ts';

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('journal');
});
afterAll(() => dir.remove());

it('tells the next run what a killed one had under way', async () => {
  const folder = new SiteFolder(join(dir.path, 'site'));
  expect(readJournal(folder)).toEqual([]);
  const first = await Journal.open(folder);
  first.add({ event: 'started', step: 'create:ct:300' });
  first.add({ event: 'task', step: 'create:ct:300', upid: 'UPID:1' });
  first.add({ event: 'done', step: 'create:ct:300', ms: 5 });
  first.add({ event: 'started', step: 'create:ct:301' });
  first.add({ event: 'started', step: 'start:ct:300' });
  first.add({ event: 'task', step: 'start:ct:300', upid: 'UPID:2' });
  first.close();
  await appendFile(folder.file('journal.ndjson'), '{"event":"done","step":"create:ct:3');
  expect(openTasks(readJournal(folder))).toEqual(['UPID:2']);
  expect(begunCreations(readJournal(folder))).toEqual([301]);

  const second = await Journal.open(folder);
  second.add({ event: 'started', step: 'create:ct:301' });
  second.add({ event: 'failed', step: 'start:ct:300', text: 'it has ended' });
  second.add({ event: 'done', step: 'create:ct:301', ms: 5 });
  second.close();
  expect(openTasks(readJournal(folder))).toEqual([]);
  expect(begunCreations(readJournal(folder))).toEqual([]);
});
