import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
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
    await nothingLost(rig(), report.acknowledged);
  });
}

/** Every acknowledged ticket is there, and the event of its opening was stored once. */
export async function nothingLost(rig: Rig, tickets: readonly string[]): Promise<void> {
  expect(tickets.length).toBeGreaterThan(20);
  expect(await rig.missing(tickets)).toEqual([]);
  const list = tickets.map((id) => `'${id}'`).join(',');
  const counts = `select count(*) || ' ' || count(distinct aggregate_id) from events.log where type like 'ticket.opened%' and aggregate_id in (${list})`;
  const until = Date.now() + 60_000;
  const wanted = `${tickets.length} ${tickets.length}`;
  let found = '';
  while (found !== wanted && Date.now() < until) {
    found = (await rig.sql(counts)).trim();
    if (found !== wanted) await sleep(1_000);
  }
  expect(found, 'events of opened tickets, and tickets that have one').toBe(wanted);
}
