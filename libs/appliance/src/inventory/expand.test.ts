import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { example } from './example.test-helper.ts';
import { expand, membersOf, place, siteOf } from './expand.ts';
import type { Inventory } from './schema.ts';

const placeOf = (inventory: Inventory) =>
  new Map(expand(inventory).map((container) => [container.name, `${container.id} ${container.node}`]));

const GROUPS = example().containers.length;

/** The example with other sizes, replicas, affinities and numbers of nodes: some of them cannot be placed. */
const inventories = fc
  .record({
    nodes: fc.integer({ min: 1, max: 7 }),
    memory: fc.array(fc.constantFrom(8_192, 32_768, 131_072), { minLength: 7, maxLength: 7 }),
    groups: fc.array(
      fc.record({
        replicas: fc.integer({ min: 1, max: 9 }),
        memory: fc.constantFrom(512, 2_048, 8_192),
        affinity: fc.constantFrom('required' as const, 'preferred' as const, 'none' as const),
      }),
      { minLength: GROUPS, maxLength: GROUPS },
    ),
  })
  .map(({ nodes, memory, groups }) => {
    const inventory = example();
    inventory.sites[0]!.nodes = Array.from({ length: nodes }, (_, index) => ({
      name: `pve${index + 1}`,
      address: `10.0.10.${11 + index}`,
      cores: 8,
      memory_mb: memory[index]!,
    }));
    inventory.containers.forEach((group, index) => {
      group.memory_mb = groups[index]!.memory;
      group.anti_affinity = groups[index]!.affinity;
    });
    inventory.services.forEach((service, index) => {
      service.replicas = groups[index]!.replicas;
    });
    return inventory;
  });

describe('expand', () => {
  it('gives each container its id, name, place and address', () => {
    expect(expand(example()).find((one) => one.name === 'psa-tickets-2')).toEqual({
      id: 241,
      name: 'psa-tickets-2',
      group: 'tickets',
      number: 2,
      node: 'pve2',
      reason: 'its turn (container 2 of tickets)',
      address: '10.0.20.41',
      prefix: 24,
      gateway: '10.0.20.1',
      bridge: 'vmbr0',
      vlan: 20,
      cores: 4,
      memory_mb: 4096,
      swap_mb: 0,
      disk_gb: 10,
      storage: 'shared',
      template: 'node-service-1.1.0',
      template_storage: 'shared',
      ha: 'managed',
      tags: ['psa', 'psa-tickets', 'vlan20'],
    });
  });

  it('uses the nodes that a group names, the first replica on the first', () => {
    const inventory = example();
    inventory.containers.find((group) => group.name === 'redis')!.nodes = ['pve3', 'pve1', 'pve2'];
    const nodes = expand(inventory).filter((one) => one.group === 'redis');
    expect(nodes.map((one) => one.node)).toEqual(['pve3', 'pve1', 'pve2']);
    expect(nodes[0]!.reason).toBe('its turn (container 1 of redis, nodes named in the inventory)');
  });

  it('passes over a node without room, and says so', () => {
    const inventory = example();
    const [first] = inventory.sites[0]!.nodes;
    first!.memory_mb = 30_000;
    const moved = expand(inventory).find((one) => one.name === 'psa-monitoring-1')!;
    expect(moved.node).not.toBe('pve1');
    expect(moved.reason).toBe('pve1 has no room for 4096 MiB');
  });

  it('uses only nodes that have the storage', () => {
    const inventory = example();
    const site = siteOf(inventory);
    site.storages.find((storage) => storage.name === 'shared')!.nodes = ['pve1', 'pve3'];
    const { containers, problems } = place(inventory, site);
    const nodes = containers.filter((one) => one.storage === 'shared').map((one) => one.node);
    expect(new Set(nodes)).toEqual(new Set(['pve1', 'pve3']));
    // Three of tickets want three nodes.
    expect(problems.map((one) => one.path)).toEqual([['containers', 4, 'name']]);
    expect(() => expand(inventory)).toThrow(/No node of site "main" has room for container 3 of "tickets"/);
  });

  it('knows its sites by name', () => {
    expect(siteOf(example(), 'main').name).toBe('main');
    expect(() => siteOf(example(), 'mian')).toThrow('Known sites: main.');
  });

  it('keeps ids, names and addresses unique, memory within the nodes, and anti-affinity', () => {
    fc.assert(
      fc.property(inventories, (inventory) => {
        const site = siteOf(inventory);
        const { containers, problems } = place(inventory, site);
        const unique = (values: readonly unknown[]) => expect(new Set(values).size).toBe(values.length);
        unique(containers.map((one) => one.id));
        unique(containers.map((one) => one.name));
        for (const node of site.nodes) {
          const memory = containers
            .filter((one) => one.node === node.name)
            .reduce((sum, one) => sum + one.memory_mb, 0);
          expect(memory).toBeLessThanOrEqual(node.memory_mb - 2_048);
        }
        for (const group of inventory.containers) {
          const ours = containers.filter((one) => one.group === group.name);
          if (group.anti_affinity === 'required') unique(ours.map((one) => one.node));
          const failed = problems.some((one) => inventory.containers[Number(one.path[1])] === group);
          expect(failed).toBe(ours.length < membersOf(inventory, group.name));
        }
      }),
    );
  });

  it('does not depend on the order of any list', () => {
    const shuffled = <T>(list: readonly T[], seed: number) =>
      list
        .map((one, index) => ({ one, key: ((index + 1) * (seed + 7919)) % 104_729 }))
        .sort((a, b) => a.key - b.key)
        .map(({ one }) => one);
    fc.assert(
      fc.property(inventories, fc.nat(100_000), (inventory, seed) => {
        const other = structuredClone(inventory);
        other.containers = shuffled(other.containers, seed);
        other.services = shuffled(other.services, seed);
        other.vlans = shuffled(other.vlans, seed);
        other.templates = shuffled(other.templates, seed);
        other.sites[0]!.nodes = shuffled(other.sites[0]!.nodes, seed);
        other.sites[0]!.storages = shuffled(other.sites[0]!.storages, seed);
        expect(place(other, siteOf(other)).containers).toEqual(
          place(inventory, siteOf(inventory)).containers,
        );
      }),
    );
  });

  it('moves nothing when one group grows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 3 }), (index, replicas) => {
        const inventory = example();
        const before = placeOf(inventory);
        inventory.services[index]!.replicas = replicas;
        for (const [name, where] of placeOf(inventory))
          if (before.has(name)) expect(where).toBe(before.get(name));
      }),
    );
  });
});
