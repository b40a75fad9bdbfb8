import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { nothingLost } from './node-loss.drill.ts';
import { keep, primaryOf, type Rig, summary } from './rig.test-helper.ts';

const BEFORE_MS = 10_000;
/** Long enough for every connection to be known as lost. */
const DARK_MS = 10_000;
/** Three nodes' worth of databases start at once on one machine. */
const PATIENCE_MS = 480_000;
const LOAD = { readers: 10, writers: 10, readTimeoutMs: 2_000, writeTimeoutMs: 10_000, pauseMs: 300 };

/** All nodes lose their power at once and get it back; nobody helps. psactl only looks. */
export function powerLoss(rig: () => Rig): void {
  it('comes up by itself when all nodes lost their power at once, with every acknowledged ticket', async () => {
    const nodes = rig().site.nodes.map((node) => node.name);
    const load = rig().load({ ...LOAD, seconds: 700 });
    await sleep(BEFORE_MS);
    await Promise.all(nodes.map((node) => rig().lab.killNode(node)));
    await sleep(DARK_MS);
    await Promise.all(nodes.map((node) => rig().lab.startNode(node)));
    const began = performance.now();
    const healed = await rig()
      .healthy(PATIENCE_MS)
      .then(() => Math.round(performance.now() - began))
      .catch((error: Error) => error);
    const report = await load.stop();
    keep('power-loss', { ...summary(report), healedMs: healed, curve: report.curve });
    expect(healed, 'ms until it was whole again').toEqual(expect.any(Number));
    expect(await primaryOf(rig())).toHaveLength(1);
    // One master of Redis, of which all Sentinels know.
    const masters = await Promise.all(
      rig()
        .containers.filter((one) => one.group === 'redis')
        .map((one) => rig().inside(one.name, MASTER)),
    );
    expect(new Set(masters.map((address) => address.trim())).size, masters.join(' ')).toBe(1);
    const units = await Promise.all(
      rig().containers.map((one) =>
        rig().inside(one.name, 'systemctl list-units --failed --plain --no-legend'),
      ),
    );
    expect(units.filter((text) => text.trim() !== '')).toEqual([]);
    await nothingLost(rig(), report);
  });
}

const MASTER = 'redis-cli -p 26379 --raw sentinel get-master-addr-by-name psa | head -n 1';
