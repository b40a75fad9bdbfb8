import { describe, expect, it } from 'vitest';
import { carriedInventory } from './carried-inventory.ts';
import { exampleText } from './example.test-helper.ts';
import { loadInventory } from './load.ts';

/** The example, its first node reached as said. */
const reached = (how: string) => exampleText.replace(/(\{ name: pve1, address: [^,]+)/, `$1, ${how}`);

const nodeOf = (text: string) => {
  const loaded = loadInventory(text, 'x.yaml');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.inventory.sites[0]!.nodes[0]!;
};

describe('an inventory that is carried to another machine', () => {
  it.each([
    ['api: "https://127.77.0.11:8006", ssh: "127.77.0.11:22"'],
    ['api: "https://localhost:18006", ssh: "localhost:2222"'],
    ['api: "https://[::1]:8006"'],
  ])('has the nodes at their own addresses where it said %s', (how) => {
    const text = carriedInventory(reached(how));
    expect(nodeOf(reached(how)).api).toBeDefined();
    expect(nodeOf(text)).toEqual(nodeOf(exampleText));
    // Comments stay: whoever opens it there reads the same.
    const comments = (all: string) => all.split('\n').filter((line) => line.trim().startsWith('#'));
    expect(comments(text)).toEqual(comments(exampleText));
  });

  it('keeps every other way to a node, and is the same text then', () => {
    for (const how of [
      'api: "https://pve1.example.com:8006", ssh: "10.0.10.11:2222"',
      'api: "https://10.0.10.11"',
    ]) {
      expect(carriedInventory(reached(how))).toBe(reached(how));
    }
    expect(carriedInventory(exampleText)).toBe(exampleText);
  });

  it('leaves out a portal at the machine itself, and no other', () => {
    const at = (portal: string) =>
      exampleText.replace(/^( +)token_file:/m, `$1portal: "${portal}"\n$1token_file:`);
    expect(loadInventory(at('https://127.0.0.1:8443'), 'x.yaml').ok).toBe(true);
    expect(carriedInventory(at('https://127.0.0.1:8443'))).not.toContain('portal: "https');
    expect(carriedInventory(at('https://127.example.com'))).toContain('portal: "https://127.example.com"');
  });

  it('is the text itself when that is no inventory', () => {
    for (const text of ['', 'sites: 3', '[', 'sites: [{ nodes: 1 }]'])
      expect(carriedInventory(text)).toBe(text);
  });
});
