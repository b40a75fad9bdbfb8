import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SiteFolder } from '../site/folder.ts';
import { DrJournal, measuredSteps, readDrJournal, unfinished } from './dr-journal.ts';

function folder(): SiteFolder {
  const path = mkdtempSync(join(tmpdir(), 'psa-dr-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return new SiteFolder(path);
}

describe('the journal of a failover', () => {
  it('says what was cut off, and what of it is done', async () => {
    const site = folder();
    expect(unfinished(readDrJournal(site))).toBeNull();
    const first = await DrJournal.open(site, null);
    first.add({ event: 'begin', what: 'cluster-lost', copies: ['database-a'] });
    first.add({ event: 'started', step: 'look' });
    first.add({ event: 'failed', step: 'look', text: 'it answers' });
    // Looking changes nothing.
    expect(unfinished(readDrJournal(site))).toBeNull();
    first.add({ event: 'started', step: 'fetch' });
    first.add({ event: 'done', step: 'fetch', ms: 900, bytes: 40, text: '4 copies' });
    first.add({ event: 'started', step: 'build' });
    first.close();
    // A power cut in the middle of a line.
    appendFileSync(site.file('dr-journal.ndjson'), '{"at":"2026-');
    const open = unfinished(readDrJournal(site))!;
    expect(open).toMatchObject({ run: first.run, what: 'cluster-lost', copies: ['database-a'] });
    expect([...open.done]).toEqual(['fetch']);
    expect(open.said).toEqual({ fetch: '4 copies' });
    const again = await DrJournal.open(site, open.run);
    again.add({ event: 'again', what: 'cluster-lost' });
    again.add({ event: 'done', step: 'build', ms: 60_000 });
    again.add({ event: 'end' });
    again.close();
    expect(unfinished(readDrJournal(site))).toBeNull();
    expect(measuredSteps(readDrJournal(site))).toEqual([
      { step: 'build', ms: 60_000, bytes: null },
      { step: 'fetch', ms: 900, bytes: 40 },
    ]);
  });
});
