import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openCluster } from './cluster.test-helper.ts';
import { nothingLost } from './node-loss.drill.ts';
import { keep, primaryOf, type Rig } from './rig.test-helper.ts';

/** Longer than `wal_archive_minutes` of the lab: by then the log of the idle primary stands at the begin of a piece. */
const QUIET_MS = 100_000;

/** A node comes back into an appliance that nobody uses, as by night. */
export function idle(rig: () => Rig): void {
  it('heals when the node of the primary comes back and nobody writes', async () => {
    const load = rig().load({ readers: 0, writers: 10, pauseMs: 50, seconds: 120 });
    while ((load.tick()?.writes.ok ?? 0) < 50) await sleep(100);
    const [primary] = await primaryOf(rig());
    const { id } = rig().containers.find(({ name }) => name === primary)!;
    const cluster = await openCluster(rig());
    const { node } = (await cluster.guests()).find(({ vmid }) => vmid === id)!;
    await cluster.close();
    await rig().lab.killNode(node);
    const report = await load.stop();
    await sleep(QUIET_MS);
    await rig().lab.startNode(node);
    const began = performance.now();
    await rig().healthy(300_000);
    keep('idle', { healedMs: Math.round(performance.now() - began) });
    expect(await primaryOf(rig())).toHaveLength(1);
    await nothingLost(rig(), report);
  });
}
