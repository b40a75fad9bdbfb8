import { expect, it } from 'vitest';
import type { Rig } from './rig.test-helper.ts';

interface Plan {
  readonly steps: readonly { id: string; action: string; target: string; reason: string }[];
}

/** When each container's init was started, in ticks since the machine's start. */
async function starts(rig: Rig): Promise<Readonly<Record<string, string>>> {
  const all = await Promise.all(
    rig.containers.map(async ({ name }) => [
      name,
      (await rig.inside(name, "cut -d' ' -f22 /proc/1/stat")).trim(),
    ]),
  );
  return Object.fromEntries(all);
}

/** Drift: named by plan, healed by apply, and nothing else touched. */
export function drift(rig: () => Rig): void {
  it('plans nothing when nothing is to be done', async () => {
    const plan = await rig().json<Plan>(0, 'plan', '--detailed-exitcode');
    expect(plan.steps).toEqual([]);
  });

  it('names and heals a deleted container, a changed memory size and a stopped service, and touches nothing else', async () => {
    const { containers } = rig();
    const named = (name: string) => containers.find((one) => one.name === name)!;
    const [deleted, resized, stopped] = [named('psa-search-2'), named('psa-crm-2'), named('psa-events-1')];
    const before = await starts(rig());
    const { openCluster } = await import('./cluster.test-helper.ts');
    const cluster = await openCluster(rig());
    try {
      await cluster.remove(deleted);
      await cluster.setMemory(resized, resized.memory_mb + 64);
    } finally {
      await cluster.close();
    }
    await rig().inside(stopped.name, 'systemctl stop psa@events.service');

    const { steps } = await rig().json<Plan>(2, 'plan', '--detailed-exitcode');
    const about = (name: string, id: number) =>
      steps.filter((step) =>
        [step.id, step.target].some((text) => text.includes(name) || text.includes(String(id))),
      );
    expect(about(deleted.name, deleted.id)).not.toEqual([]);
    expect(
      about(resized.name, resized.id)
        .map(({ reason }) => reason)
        .join(),
    ).toContain(String(resized.memory_mb));
    expect(
      about(stopped.name, stopped.id)
        .map(({ reason }) => reason)
        .join(),
    ).toMatch(/psa@events|inactive|stopped/);
    const touched = [deleted, resized, stopped];
    const others = containers.filter((one) => !touched.includes(one));
    for (const { name, id } of others) expect(about(name, id), name).toEqual([]);

    await rig().json(0, 'apply', '--yes');
    const after = await rig().json<Plan>(0, 'plan', '--detailed-exitcode');
    expect(after.steps).toEqual([]);
    const now = await starts(rig());
    for (const { name } of containers) {
      if (name === deleted.name) expect(now[name]).not.toBe(before[name]);
      else expect(now[name], name).toBe(before[name]);
    }
  });
}
