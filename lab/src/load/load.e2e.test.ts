import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@psa/test-kit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadInput } from './options.ts';
import { ADMIN, type Platform, startPlatform } from './platform.test-helper.ts';
import { checkTickets, type RunningLoad, startLoad } from './start-load.ts';

describe('a load on the platform', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterAll(() => platform.stop());

  /** The name resolves nowhere: the address is given, as in the lab's internet. */
  const client = () => ({ url: platform.url, address: '127.0.0.1', ...ADMIN });
  const options = (more: Partial<LoadInput> = {}): LoadInput => ({
    ...{ ...client(), readers: 6, writers: 3, pauseMs: 20, ...more },
  });
  const flowing = (load: RunningLoad, writes: number) =>
    until(() => (load.tick()?.writes.ok ?? 0) >= writes, 60_000, `${writes} tickets`);

  it('reads and writes, on kept connections and on new ones, and knows what it was told', async () => {
    const before = platform.connections();
    const load = startLoad(options(), null);
    await flowing(load, 30);
    const report = await load.stop();
    expect(report.reads).toMatchObject({ failed: 0, failures: {} });
    expect(report.writes).toMatchObject({ failed: 0, failures: {}, ok: report.acknowledged.length });
    expect(report.reads.ok).toBeGreaterThan(30);
    expect(report.open).toEqual([]);
    expect(new Set(report.acknowledged).size).toBe(report.acknowledged.length);
    const counted = report.curve.reduce((sum, point) => sum + point[1] + point[4], 0);
    expect(counted).toBe(report.reads.ok + report.writes.ok);
    // About half of the requests came on a connection of their own.
    const connections = platform.connections() - before;
    expect(connections).toBeGreaterThan((report.reads.ok + report.writes.ok) / 4);
    expect(connections).toBeLessThan(report.reads.ok + report.writes.ok);

    const nobody = randomUUID();
    expect(await checkTickets({ ...client(), ids: [...report.acknowledged, nobody] }, null)).toEqual([
      nobody,
    ]);
  });

  it('sees an outage as long as it was, and what it cost', async () => {
    const load = startLoad(options(), null);
    await flowing(load, 10);
    platform.cut();
    await sleep(2_000);
    platform.mend();
    const { ok } = load.tick()!.writes;
    await flowing(load, ok + 10);
    const report = await load.stop();
    for (const kind of [report.reads, report.writes]) {
      expect(kind.longestGapMs).toBeGreaterThan(1_900);
      expect(kind.gaps).toContainEqual(expect.objectContaining({ ms: kind.longestGapMs }));
      expect(kind.failed).toBeGreaterThan(0);
      expect(Object.values(kind.failures).reduce((sum, one) => sum + one)).toBe(kind.failed);
    }
    expect(report.open).toHaveLength(report.writes.failed);
    expect(report.firstFailures.length).toBeGreaterThan(0);
    expect(await checkTickets({ ...client(), ids: [...report.acknowledged] }, null)).toEqual([]);
  });

  it('does not fail for clients that try again', async () => {
    const load = startLoad(options({ retryMs: 30_000 }), null);
    await flowing(load, 10);
    platform.cut();
    await sleep(1_000);
    platform.mend();
    const { ok } = load.tick()!.writes;
    await flowing(load, ok + 10);
    const report = await load.stop();
    expect([report.reads.failed, report.writes.failed]).toEqual([0, 0]);
    expect(report.writes.latencyMs.max).toBeGreaterThan(700);
    // Tried again under the same key: none of them is there twice.
    const titles = (await platform.titles()).filter((title) => title.startsWith(`Load ${report.run} `));
    expect(new Set(titles).size).toBe(titles.length);
    expect(titles).toHaveLength(report.acknowledged.length);
  });

  it('ends after its requests, and says why it cannot begin', async () => {
    const report = await startLoad(options({ requests: 60 }), null).done;
    expect(report.reads.requests + report.writes.requests).toBeLessThan(60 + 9);
    await expect(startLoad(options({ password: 'wrong' }), null).done).rejects.toThrow(
      'Unable to POST /api/v1/auth/login: 401',
    );
  });
});
