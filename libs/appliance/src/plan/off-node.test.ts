import { expect, it } from 'vitest';
import { desired, whole } from './cases.test-helper.ts';
import { plan } from './plan.ts';

it('says that a node is off, or that the cluster has none of that name', () => {
  const { pve2, ...others } = whole.nodes;
  const without = { ...whole, guests: whole.guests.filter(({ node }) => node !== 'pve2') };
  const off = plan(desired, { ...without, nodes: { ...others, pve2: 'offline' } });
  expect(off.notes.join('\n')).toContain('is not made now: its node pve2 does not answer.');
  const misspelt = plan(desired, { ...without, nodes: { ...others, 'pve-2': pve2! } });
  expect(misspelt.notes.join('\n')).toContain(
    'is not made now: its node pve2 is not in the cluster, which has pve-2, pve1, pve3.',
  );
});
