import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { LoadReport } from '../load/load.ts';
import { keep, type Rig, summary } from './rig.test-helper.ts';

const BEFORE_MS = 10_000;
const AWAY_MS = 60_000;
/** Clients that wait for an answer as people do: not for ever. */
const LOAD = { readers: 20, writers: 10, readTimeoutMs: 2_000, writeTimeoutMs: 10_000, pauseMs: 300 };

/** Loses each node in turn. */
export function nodeLoss(rig: () => Rig): void {
  it.each(['pve1', 'pve2', 'pve3'])('goes on without %s and heals when it is back', async (node) => {
    const load = rig().load({ ...LOAD, seconds: 300 });
    await sleep(BEFORE_MS);
    await rig().lab.killNode(node);
    await sleep(AWAY_MS);
    await rig().lab.startNode(node);
    const began = performance.now();
    const healed = await rig()
      .healthy(240_000)
      .then(() => Math.round(performance.now() - began))
      .catch((error: Error) => error);
    const report = await load.stop();
    keep(`kill-${node}`, { ...summary(report), healedMs: healed, curve: report.curve });
    expect(healed, 'ms until it was whole again').toEqual(expect.any(Number));
    expect(report.writes.longestGapMs, JSON.stringify(summary(report))).toBeLessThanOrEqual(30_000);
    expect(report.reads.longestGapMs, JSON.stringify(summary(report))).toBeLessThanOrEqual(5_000);
    await nothingLost(rig(), report);
  });
}

/** Every acknowledged ticket is there, and the event of its opening was stored once. */
export async function nothingLost(rig: Rig, report: LoadReport): Promise<void> {
  expect(report.acknowledged.length).toBeGreaterThan(20);
  expect(await rig.missing(report.acknowledged)).toEqual([]);
  const events =
    "select count(*) from events.log e where e.tenant_id = t.tenant_id and e.aggregate_id = t.id::text and e.type like 'ticket.opened%'";
  const counts = `select count(*) >= ${report.acknowledged.length}, count(*) filter (where n <> 1) from (select (${events}) as n from tickets.tickets t where title like '%${report.run}%') x`;
  const until = Date.now() + 60_000;
  let found = '';
  while (found !== 't|0' && Date.now() < until) {
    found = (await rig.sql(counts)).trim();
    if (found !== 't|0') await sleep(1_000);
  }
  expect(found, "all of the run's tickets, and how many lack their event or have it twice").toBe('t|0');
}
