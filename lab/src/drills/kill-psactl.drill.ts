import { setTimeout as sleep } from 'node:timers/promises';
import { PROGRAM_NAMES } from '@psa/contracts/services';
import { expect, it } from 'vitest';
import { openCluster } from './cluster.test-helper.ts';
import { buildRelease, RELEASES, type Rig } from './rig.test-helper.ts';
import { runningReleases } from './rollout.drill.ts';

const KILLS = 20;

/** Runs psactl again and again, killed at a random moment each time, then once to its end. */
async function killed(rig: Rig, args: readonly string[], longestMs: number): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    const running = rig.start(...args);
    await Promise.race([running.done, sleep(400 + Math.random() * longestMs)]);
    running.kill();
    await running.done;
  }
  const last = await rig.psactl(...args);
  expect(last.code, last.stdout + last.stderr).toBe(0);
}

/** Kills psactl. */
export function killPsactl(rig: () => Rig): void {
  it(`converges after ${KILLS} kills of apply, without an orphan or a double`, async () => {
    const cluster = await openCluster(rig());
    try {
      const ha = await cluster.haResources();
      const guests = (await cluster.guests()).map((one) => `${one.vmid} ${one.name}`).sort();
      for (const name of ['psa-gateway-2', 'psa-auth-2', 'psa-tickets-2', 'psa-redis-3'])
        await cluster.remove(rig().containers.find((one) => one.name === name)!);
      await killed(rig(), ['apply', '--yes'], 6_000);
      await rig().healthy(120_000);
      expect((await cluster.guests()).map((one) => `${one.vmid} ${one.name}`).sort()).toEqual(guests);
      expect(await cluster.haResources()).toEqual(ha);
    } finally {
      await cluster.close();
    }
  });

  it(`converges after ${KILLS} kills of deploy, with every replica in rotation`, async () => {
    const [from] = await runningReleases(rig());
    const to = from === RELEASES.next ? RELEASES.first : RELEASES.next;
    await buildRelease(to);
    await killed(rig(), ['deploy', '--release', to, '--no-backup', '--yes'], 8_000);
    expect(await runningReleases(rig())).toEqual([to]);
    await rig().healthy(120_000);
    const stats = await rig().inside('psa-haproxy-1', 'echo "show stat" | socat - /run/haproxy/admin.sock');
    const down = stats
      .split('\n')
      .filter(
        (line) => PROGRAM_NAMES.some((name) => line.startsWith(`${name},psa-${name}-`)) && !/,UP,/.test(line),
      );
    expect(down).toEqual([]);
  });
}
