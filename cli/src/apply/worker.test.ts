import type { Step } from '@psa/appliance/plan/step';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { expect, it } from 'vitest';
import { patient } from './worker.ts';

const step = {} as Step;
const { signal } = new AbortController();

/** A step that fails each time and takes a while for it; the clock goes by what it takes. */
function failing(kind: 'locked' | 'network', ms: number) {
  let [now, tries] = [0, 0];
  const clock = {
    now: () => now,
    sleep: async (pause: number) => {
      now += pause;
    },
  };
  const work = patient(
    signal,
    async () => {
      tries++;
      now += ms;
      throw new ProxmoxError({ kind, method: 'POST', path: '/nodes/pve1/lxc', reason: kind });
    },
    clock,
  );
  return { work, now: () => now, tries: () => tries };
}

it('waits for no lock a second time: the client has waited as long as it says', async () => {
  const held = failing('locked', 60_000);
  await expect(held.work(step)).rejects.toMatchObject({ kind: 'locked' });
  expect([held.tries(), held.now()]).toEqual([1, 60_000]);
});

it('waits for a cluster that is away from when it is', async () => {
  const away = failing('network', 10_000);
  await expect(away.work(step)).rejects.toMatchObject({ kind: 'network' });
  expect(away.tries()).toBeGreaterThan(5);
  expect(away.now()).toBeLessThanOrEqual(120_000);
  // A step that worked for minutes before has the whole of it.
  const late = failing('network', 100_000);
  await expect(late.work(step)).rejects.toMatchObject({ kind: 'network' });
  expect(late.tries()).toBe(2);
});
