import { readdirSync } from 'node:fs';
import { loadInventory } from '@psa/appliance/inventory/load';
import { pairText } from '@psa/appliance/inventory/second-site.test-helper';
import { SCENARIOS } from '@psa/recovery/dr/scenario';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../registry.ts';
import { playbooksOf } from './playbooks.ts';

const FOLDER = new URL('../../../backup/playbooks/', import.meta.url);
function books() {
  const loaded = loadInventory(pairText, 'appliance.yaml');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return playbooksOf(loaded.inventory);
}

describe('the playbooks', () => {
  it('are those of backup/playbooks, one for each scenario', async () => {
    for (const { name, text } of books())
      await expect(text, 'written by `npm run golden`').toMatchFileSnapshot(new URL(name, FOLDER).pathname);
    expect(readdirSync(FOLDER).toSorted()).toEqual(SCENARIOS.map((one) => `${one}.md`).toSorted());
  });

  it('name commands that there are, with options that they have', async () => {
    const lines = books().flatMap(({ text }) =>
      [...text.matchAll(/(?:^ *|[`"])(psactl [a-z][^\n`"]*)/gm)].map(([, line]) => line!),
    );
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines) {
      const words = line.replace(/#.*$/, '').split(' -- ')[0]!.trim().split(/\s+/).slice(1);
      const entry = COMMANDS.filter(({ path }) => path.every((word, at) => words[at] === word)).at(-1);
      expect(entry, line).toBeDefined();
      const flags = ((await entry!.load()).options ?? []).map(({ flags: one }) => one.split(' ')[0]);
      for (const word of words.filter((one) => one.startsWith('--')))
        expect([...flags, '--site', '--yes', '--dry-run'], line).toContain(word.replace(/[).,]+$/, ''));
    }
  });

  it('name who of the inventory is told', () => {
    for (const { text } of books())
      expect(text).toContain('- **Ada Lang** (on call): +49 30 123456, ada@example.com');
  });
});
