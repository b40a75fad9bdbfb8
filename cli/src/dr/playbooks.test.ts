import { readdirSync } from 'node:fs';
import { loadInventory } from '@psa/appliance/inventory/load';
import { pairText, warmText } from '@psa/appliance/inventory/second-site.test-helper';
import { SCENARIOS } from '@psa/recovery/dr/scenario';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../registry.ts';
import { playbooksOf } from './playbooks.ts';

const FOLDER = new URL('../../../backup/playbooks/', import.meta.url);
function books(inventory = pairText) {
  const loaded = loadInventory(inventory, 'appliance.yaml');
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
    const lines = [...books(), ...books(warmText)].flatMap(({ text }) =>
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

  it('have the database that follows take over where one does, and restore nothing', () => {
    const text = books(warmText).find(({ name }) => name === 'cluster-lost.md')!.text;
    expect(text).toContain('Have the database of dr take writes.');
    expect(text).toContain('edit-config --apply - --force');
    expect(text).not.toContain('psactl restore database');
    expect(books().find(({ name }) => name === 'cluster-lost.md')!.text).toContain('psactl restore database');
  });

  it('name who of the inventory is told', () => {
    for (const { text } of books())
      expect(text).toContain('- **Ada Lang** (on call): +49 30 123456, ada@example.com');
  });
});
