import { siteOf } from '@psa/appliance/inventory/expand';
import { describe, expect, it } from 'vitest';
import { example } from './example.test-helper.ts';
import { NullNetwork } from './null-network.ts';

describe('wires in memory', () => {
  const upAgain = async (network: NullNetwork) => network.up(example(), siteOf(example()));

  it('link nodes that have power and are not cut off', async () => {
    const network = new NullNetwork();
    await upAgain(network);
    const links = async () => [
      await network.linked('pve1', 'pve1'),
      await network.linked('pve1', 'pve2'),
      await network.linked('pve2', 'pve3'),
    ];
    expect(await links()).toEqual([true, true, true]);
    await network.partition('pve1');
    expect(await links()).toEqual([true, false, true]);
    expect(network.partitioned()).toEqual(['pve1']);
    await network.setNode('pve3', false);
    await upAgain(network);
    expect(await links()).toEqual([true, false, false]);
    await network.heal('pve1');
    await network.setNode('pve3', true);
    expect(await links()).toEqual([true, true, true]);
  });

  it('have the bridges of the inventory', async () => {
    const network = new NullNetwork();
    await upAgain(network);
    expect(network.attachment('pve1', 'vmbr0', 30).link).toBe('vmbr0v30');
    expect(() => network.attachment('pve1', 'vmbr7', 30)).toThrow("bridge 'vmbr7' does not exist");
    await expect(network.partition('pve9')).rejects.toThrow('there is no such node');
  });
});
