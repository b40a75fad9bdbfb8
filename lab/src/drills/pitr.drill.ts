import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openCluster } from './cluster.test-helper.ts';
import { keep, primaryOf, type Rig } from './rig.test-helper.ts';

interface Ticket {
  readonly id: string;
  /** ms since 1970, of its creation. */
  readonly at: number;
}

/** Between two tickets a client waits for so long: in between nothing is under way. */
const PAUSE_MS = 60;
const MOMENTS = { before: 12, after: 8 };

/** Writes tickets one after the other, and has the database as it was between any two of them. */
export function pitr(rig: () => Rig): void {
  it('pitr: a thousand tickets, and at each of twenty moments exactly those before it, also across a failover', async () => {
    const { parts } = (
      await rig().json<{ data: { parts: { outcome: string; duration_ms: number }[] } }>(
        0,
        ...['backup', 'run', '--only', 'pitr'],
      )
    ).data;
    const write = (retryMs: number) =>
      rig().load({ readers: 0, writers: 1, pauseMs: PAUSE_MS, requests: 500, seconds: 840, retryMs });
    const first = await write(0).done;
    const [lost] = (await primaryOf(rig())) as [string];
    const cluster = await openCluster(rig());
    try {
      const second = write(90_000);
      // It has signed in.
      while ((second.tick()?.writes.ok ?? 0) < 20) await sleep(250);
      const failedOver = Date.now();
      const container = rig().containers.find(({ name }) => name === lost)!;
      const { node } = (await cluster.guests()).find(({ vmid }) => vmid === container.id)!;
      await cluster.client.run('POST', `/nodes/${node}/lxc/${container.id}/status/stop`);
      const acknowledged = [...first.acknowledged, ...(await second.done).acknowledged];
      expect(acknowledged.length).toBeGreaterThanOrEqual(990);
      await cluster.client.run('POST', `/nodes/${node}/lxc/${container.id}/status/start`);
      await rig().healthy(240_000);
      expect(await primaryOf(rig())).not.toContain(lost);
      const all = await ticketsOf(rig(), rig().inventory.data.postgres.database);
      const there = new Set(all.map(({ id }) => id));
      expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);

      const ours = all.filter(({ id }) => acknowledged.includes(id));
      const moments = [
        ...pick(ours.filter(({ at }) => at < failedOver).slice(1), MOMENTS.before),
        ...pick(
          ours.filter(({ at }) => at > failedOver + 5_000),
          MOMENTS.after,
        ),
      ].map(({ at }) => at - 5);
      expect(moments).toHaveLength(MOMENTS.before + MOMENTS.after);
      const measured: { recovered_ms: number; duration_ms: number; tickets: number }[] = [];
      for (const [index, moment] of moments.entries()) {
        const as = `pitr_${index}`;
        const to = new Date(moment).toISOString();
        const { data } = await rig().json<{ data: { recovered_ms: number; duration_ms: number } }>(
          0,
          ...['restore', 'pitr', '--to', to, '--as', as, '--yes'],
        );
        const found = await ticketsOf(rig(), as);
        const expected = all.filter(({ at }) => at < moment).map(({ id }) => id);
        expect([to, found.map(({ id }) => id).toSorted()]).toEqual([to, expected.toSorted()]);
        measured.push({
          ...{ recovered_ms: data.recovered_ms, duration_ms: data.duration_ms },
          tickets: found.length,
        });
        await rig().sql(`drop database "${as}" with (force)`, 'postgres');
      }
      keep('pitr', { backup_ms: parts[0]!.duration_ms, tickets: acknowledged.length, measured });

      // Into its place: what came later is in the other one alone.
      const moment = moments.at(-1)!;
      const { data } = await rig().json<{ data: { replaces: { kept_as: string }; duration_ms: number } }>(
        0,
        ...['restore', 'pitr', '--to', new Date(moment).toISOString(), '--yes'],
      );
      keep('pitr-into-place', data);
      await rig().healthy(180_000);
      const later = ours.filter(({ at }) => at > moment).map(({ id }) => id);
      const missing = await rig().missing(ours.map(({ id }) => id));
      expect(missing.toSorted()).toEqual(later.toSorted());
      expect((await ticketsOf(rig(), data.replaces.kept_as)).length).toBe(all.length);
      await rig().sql(`drop database "${data.replaces.kept_as}"`, 'postgres');
    } finally {
      await cluster.close();
    }
  });
}

/** So many of a list, by chance. */
function pick<T>(list: readonly T[], count: number): readonly T[] {
  return list
    .map((one) => ({ one, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ one }) => one);
}

async function ticketsOf(rig: Rig, database: string): Promise<readonly Ticket[]> {
  const sql =
    'select id, (extract(epoch from created_at) * 1000)::numeric(20, 3) from tickets.tickets order by 2';
  const text = (await rig.sql(sql, database)).trim();
  return text.split('\n').map((line) => {
    const [id = '', at] = line.split('|');
    return { id, at: Number(at) };
  });
}
