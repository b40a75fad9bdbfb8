import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { siteOf } from '@psa/appliance/inventory/expand';
import type { Inventory } from '@psa/appliance/inventory/schema';
import { tempDir } from '@psa/test-kit/temp-dir';
import { until } from '@psa/test-kit/until';
import { it } from 'vitest';
import { example } from './example.test-helper.ts';
import { followInventory } from './follow-inventory.ts';

it('the network follows the inventory, and survives one that is none', async () => {
  const folder = await tempDir('follow');
  const file = join(folder.path, 'appliance.yaml');
  writeFileSync(file, 'first');
  const applied: Inventory[] = [];
  const said: string[] = [];
  let text = 'first';
  const end = followInventory({
    file,
    read: () => {
      if (text === 'broken') throw new Error('Mend the YAML.');
      return { inventory: { ...example(), name: text }, site: siteOf(example()) };
    },
    network: {
      up: async (inventory) => {
        applied.push(inventory);
      },
    },
    say: (line) => said.push(line),
  });
  const write = (next: string) => {
    text = next;
    writeFileSync(`${file}.new`, `${next} ${'x'.repeat(said.length)}`);
    renameSync(`${file}.new`, file);
  };
  try {
    write('second');
    await until(() => applied.at(-1)?.name === 'second');
    write('broken');
    await until(() => said.some((line) => line.includes('Mend the YAML.')));
    write('third');
    await until(() => applied.at(-1)?.name === 'third');
  } finally {
    end();
    await folder.remove();
  }
});
