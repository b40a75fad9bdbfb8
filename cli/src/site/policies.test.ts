import { readFileSync } from 'node:fs';
import { loadInventory } from '@psa/appliance/inventory/load';
import { BDUF_TIERS, SAFE_TIERS } from '@psa/recovery/policy';
import { describe, expect, it } from 'vitest';
import { daysOf } from './generations.ts';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');

describe('the policies in backup/policies', () => {
  it.each([
    ['gfs', BDUF_TIERS],
    ['safe', SAFE_TIERS],
  ])(
    '%s: the example inventory takes it, and it is the one that psactl knows by that name',
    (name, tiers) => {
      const [, ...lines] = read(`backup/policies/${name}.yaml`).trimEnd().split('\n');
      const text = read('appliance.yaml').replace(
        /^ {2}tiers:\n(?: {4}- .*\n)+/m,
        () => `${lines.map((line) => `  ${line}\n`).join('')}`,
      );
      const loaded = loadInventory(text, 'appliance.yaml');
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
      const found = loaded.inventory.backup.tiers;
      expect(
        found.map(({ name: tier, schedule, keep }) => ({ name: tier, on: daysOf(schedule), keep })),
      ).toEqual(tiers);
    },
  );
});
