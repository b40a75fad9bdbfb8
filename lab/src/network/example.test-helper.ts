import { readFileSync } from 'node:fs';
import { loadInventory } from '@psa/appliance/inventory/load';
import type { Inventory } from '@psa/appliance/inventory/schema';

const text = readFileSync(new URL('../../../appliance.yaml', import.meta.url), 'utf8');
const loaded = loadInventory(text, 'appliance.yaml');

/** The example inventory at the top of the repository; each call gives a new one, to be changed at will. */
export function example(): Inventory {
  if (!loaded.ok) throw new Error(loaded.errors.map((error) => `${error.path}: ${error.message}`).join('\n'));
  return structuredClone(loaded.inventory);
}
