import type { Desired } from '@psa/appliance/plan/desired';
import { expect, it } from 'vitest';
import type { Cluster } from '../site/cluster.ts';
import { giveBack } from './adopt.ts';

const marker = {
  appliance: 'psa',
  site: 'main',
  container: 'psa-crm-1',
  id: 230,
  group: 'crm',
  template: 'node-1.0.0',
};
const desired = { containers: [{ id: 230, marker }] } as unknown as Desired;
const shown = { name: 'psa-crm-1', id: 230, node: 'pve1', signs: [], note: '', isOurs: false, digest: 'aa' };

/** A cluster in which CT 230 has this digest by now, and what is written into it. */
function cluster(digest: string) {
  const written: unknown[] = [];
  const it = {
    need: async () => ({ node: 'pve1', status: 'running' }),
    config: async () => ({ description: 'do not touch', digest }),
    write: async (...what: unknown[]) => void written.push(what),
  };
  return { written, it: it as unknown as Cluster };
}

it('gives the marker to what was shown, and to nothing that has come in its place', async () => {
  const same = cluster('aa');
  await giveBack(same.it, desired, [shown]);
  expect(same.written).toEqual([
    [
      'PUT',
      '/nodes/pve1/lxc/230/config',
      { description: expect.stringMatching(/^psactl: .*id=230.*\n\ndo not touch$/), digest: 'aa' },
    ],
  ]);
  const other = cluster('bb');
  await expect(giveBack(other.it, desired, [shown])).rejects.toThrow('has changed since it was shown');
  expect(other.written).toEqual([]);
});
