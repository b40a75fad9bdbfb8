import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Step } from '@psa/appliance/plan/step';
import { type TempDir, tempDir } from '@psa/test-kit/temp-dir';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SiteFolder } from '../site/folder.ts';
import { begunCreations, Journal, madeContainers, openTasks, readJournal } from './apply-journal.ts';

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir('journal');
});
afterAll(() => dir.remove());

const step = (kind: 'create' | 'start', container: number) =>
  ({ id: `${kind}:ct:${container}`, deed: { kind, container } }) as unknown as Step;

it('tells the next run what a killed one had under way', async () => {
  const folder = new SiteFolder(join(dir.path, 'site'));
  expect(readJournal(folder)).toEqual([]);
  const first = await Journal.open(folder);
  first.started(step('create', 300));
  first.task(step('create', 300), 'UPID:1');
  first.add({ event: 'done', step: 'create:ct:300', ms: 5 });
  first.started(step('create', 301));
  first.started(step('start', 300));
  first.task(step('start', 300), 'UPID:2');
  first.close();
  await appendFile(folder.file('apply-journal.ndjson'), '{"event":"done","step":"create:ct:3');
  expect(openTasks(readJournal(folder))).toEqual(['UPID:2']);
  expect(begunCreations(readJournal(folder))).toEqual([301]);

  const second = await Journal.open(folder);
  second.started(step('create', 301));
  second.add({ event: 'failed', step: 'start:ct:300', text: 'it has ended' });
  second.add({ event: 'done', step: 'create:ct:301', ms: 5 });
  second.close();
  expect(openTasks(readJournal(folder))).toEqual([]);
  expect(begunCreations(readJournal(folder))).toEqual([]);

  // What a killed run had done all but the last word of is no step of the next one, so nobody says its end.
  const third = await Journal.open(folder);
  third.add({ event: 'begin' });
  third.task(step('start', 301), 'UPID:3');
  third.close();
  expect(openTasks(readJournal(folder))).toEqual(['UPID:3']);
  const fourth = await Journal.open(folder);
  fourth.add({ event: 'begin' });
  fourth.add({ event: 'end' });
  fourth.close();
  expect(openTasks(readJournal(folder))).toEqual([]);
});

it('reads what an earlier psactl has written, which named only the steps', async () => {
  const folder = new SiteFolder(join(dir.path, 'earlier'));
  await folder.make();
  const lines = [
    { event: 'begin' },
    ...['create:ct:300', 'create:ct:301', 'create:ct:302', 'remove:ct:302'].flatMap((step) => [
      { event: 'started', step },
      { event: 'task', step, upid: `UPID:${step}` },
      ...(step === 'create:ct:301' ? [] : [{ event: 'done', step }]),
    ]),
  ].map((line) => JSON.stringify({ at: '2026-01-01T00:00:00Z', run: '1', ...line }));
  await writeFile(folder.file('journal.ndjson'), `${lines.join('\n')}\n`);
  expect(begunCreations(readJournal(folder))).toEqual([301]);
  expect(madeContainers(readJournal(folder))).toEqual([300]);
  expect(openTasks(readJournal(folder))).toEqual(['UPID:create:ct:301']);
  // What is done since is written beside it, and comes after it.
  const next = await Journal.open(folder);
  next.add({ event: 'begin' });
  next.started(step('create', 301));
  next.add({ event: 'done', step: 'create:ct:301' });
  next.close();
  expect(begunCreations(readJournal(folder))).toEqual([]);
  expect(madeContainers(readJournal(folder))).toEqual([300, 301]);
  expect(openTasks(readJournal(folder))).toEqual([]);
});
