import { readFileSync } from 'node:fs';
import { loadInventory } from './load.ts';
import { formatInventoryError } from './problem.ts';
import type { Inventory } from './schema.ts';

/** The text of the example inventory at the top of the repository. */
export const exampleText = readFileSync(new URL('../../../../appliance.yaml', import.meta.url), 'utf8');

const loaded = loadInventory(exampleText, 'appliance.yaml');

/** The example inventory; each call gives a new one, to be changed at will. */
export function example(): Inventory {
  if (!loaded.ok) throw new Error(loaded.errors.map(formatInventoryError).join('\n'));
  return structuredClone(loaded.inventory);
}
