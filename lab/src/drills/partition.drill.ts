import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { nothingLost } from './node-loss.drill.ts';
import { keep, primaryOf, type Rig, summary } from './rig.test-helper.ts';

/** Whether PostgreSQL in a container takes a write now. */
async function takesWrites(rig: Rig, container: string): Promise<boolean> {
  const database = rig.inventory.data.postgres.database;
  const sql =
    'create table if not exists public.drill (at timestamptz); insert into public.drill values (now())';
  const line = `timeout 5 runuser -u postgres -- psql -d ${database} -v ON_ERROR_STOP=1 -qc '${sql}'`;
  return rig.inside(container, line).then(
    () => true,
    () => false,
  );
}

/** Cuts the node of the primary off. */
export function partition(rig: () => Rig): void {
  it('has one side that takes writes while a node is cut off', async () => {
    const [primary] = await primaryOf(rig());
    const home = rig().containers.find((one) => one.name === primary)!.node;
    const load = rig().load({ readers: 10, writers: 10, pauseMs: 300, seconds: 300 });
    await sleep(5_000);
    await rig().lab.partition(home);
    const sides: number[] = [];
    const members = rig().containers.filter((one) => one.group === 'postgres');
    // The minority's primary has to give way before its lease ends; until then its writes wait for a copy.
    await sleep(30_000);
    for (let round = 0; round < 5; round++) {
      const primaries = await primaryOf(rig());
      expect(primaries.length).toBeLessThanOrEqual(1);
      expect(primaries).not.toContain(primary);
      const taking = await Promise.all(members.map((one) => takesWrites(rig(), one.name)));
      sides.push(taking.filter(Boolean).length);
      expect(taking[members.findIndex((one) => one.name === primary)], 'the minority takes writes').toBe(
        false,
      );
      await sleep(2_000);
    }
    expect(Math.max(...sides)).toBe(1);
    await rig().lab.heal(home);
    await rig().healthy(240_000);
    const report = await load.stop();
    keep('partition', { ...summary(report), sides, curve: report.curve });
    expect((await primaryOf(rig())).length).toBe(1);
    await nothingLost(rig(), report);
  });
}
