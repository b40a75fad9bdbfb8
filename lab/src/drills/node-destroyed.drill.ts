import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openCluster } from './cluster.test-helper.ts';
import { nothingLost } from './node-loss.drill.ts';
import { keep, primaryOf, type Rig, summary } from './rig.test-helper.ts';

const BEFORE_MS = 10_000;
/** What HA has, it starts elsewhere; the rest waits for somebody. */
const MOVED_MS = 120_000;
const LOAD = { readers: 5, writers: 5, readTimeoutMs: 2_000, writeTimeoutMs: 10_000, pauseMs: 300 };

interface Listed {
  readonly data: readonly { readonly id: string; readonly state: string }[];
}
interface Restored {
  readonly data: { readonly id: number; readonly node: string; readonly duration_ms: number };
}

/** The node of the primary is lost with its disks while people work; set up anew it gets its containers back from backups. */
export function nodeDestroyed(rig: () => Rig): void {
  it('destroyed: a node is lost with all its disks, what stood on it comes back from backups, and no ticket is lost', async () => {
    const [primary] = (await primaryOf(rig())) as [string];
    const cluster = await openCluster(rig());
    try {
      const placed = await cluster.guests();
      const { id } = rig().containers.find(({ name }) => name === primary)!;
      const node = placed.find(({ vmid }) => vmid === id)!.node;
      const managed = await cluster.haResources();
      const own = rig().containers.filter((one) =>
        placed.some((guest) => guest.vmid === one.id && guest.node === node),
      );
      const lost = own.filter((one) => !managed.includes(`ct:${one.id}`));
      expect(lost.map(({ group }) => group)).toEqual(
        expect.arrayContaining(['postgres', 'rabbitmq', 'redis']),
      );
      const { data } = await rig().json<Listed>(0, 'backup', 'list');
      const isKept = (one: number) =>
        data.some((backup) => backup.id.startsWith(`container-${one}-`) && backup.state === 'good');
      if (!lost.every((one) => isKept(one.id)))
        await rig().json(0, 'backup', 'run', '--tier', 'father', '--only', 'containers');

      const load = rig().load({ ...LOAD, seconds: 1_500 });
      await sleep(BEFORE_MS);
      await rig().lab.killNode(node);
      const left = async () => (await cluster.guests()).filter((guest) => guest.node === node);
      for (const end = Date.now() + MOVED_MS; (await left()).length > lost.length; await sleep(1_000))
        if (Date.now() > end) throw new Error(`HA has not moved: ${JSON.stringify(await left())}`);
      await rig().lab.loseDisks(node);
      await rig().lab.startNode(node);
      const began = performance.now();
      expect(await left()).toEqual([]);
      const { steps } = await rig().json<{ steps: { target: string }[] }>(0, 'plan');
      for (const { name } of lost) expect(steps.map(({ target }) => target).join('\n')).toContain(name);

      const restored: Record<string, number> = {};
      for (const { name, id: vmid } of lost) {
        const done = await rig().json<Restored>(0, 'restore', 'container', name, '--yes');
        expect(done.data).toMatchObject({ id: vmid, node });
        restored[name] = done.data.duration_ms;
      }
      await rig().json(0, 'apply', '--yes');
      const healed = await rig()
        .healthy(240_000)
        .then(() => Math.round(performance.now() - began))
        .catch((error: Error) => error);
      const report = await load.stop();
      keep('node-destroyed', { ...summary(report), node, restored, healedMs: healed, curve: report.curve });
      expect(healed, 'ms until it was whole again').toEqual(expect.any(Number));
      expect(report.writes.longestGapMs, JSON.stringify(summary(report))).toBeLessThanOrEqual(30_000);
      // Each of them follows, however old what it came back with was.
      const streaming = "select count(*) from pg_stat_replication where state = 'streaming'";
      expect((await rig().sql(streaming)).trim()).toBe('2');
      // All members of the database are there, and those that etcd knows are those that run.
      expect(await rig().inside(primary, 'etcdctl member list | grep -c started')).toBe('3\n');
      expect((await rig().json<{ steps: object[] }>(0, 'plan')).steps).toEqual([]);
      await nothingLost(rig(), report);
    } finally {
      await cluster.close();
    }
  });
}
