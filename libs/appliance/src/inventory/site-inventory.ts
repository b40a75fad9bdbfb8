import type { Inventory } from './schema.ts';
import type { Site } from './site-schema.ts';

/**
 * The inventory as a site has it: with as many replicas and members as that carries (`sites[].members`). What follows from
 * an inventory follows from this one.
 */
export function inventoryOf(inventory: Inventory, { members }: Pick<Site, 'members'>): Inventory {
  if (members === undefined) return inventory;
  const data = Object.fromEntries(
    Object.entries(inventory.data).map(([part, facts]) => [
      part,
      { ...facts, members: members[part] ?? facts.members },
    ]),
  ) as Inventory['data'];
  return {
    ...inventory,
    services: inventory.services.map((one) => ({ ...one, replicas: members[one.name] ?? one.replicas })),
    data,
  };
}
