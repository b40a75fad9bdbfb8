import { describe, expect, it } from 'vitest';
import { expand } from './expand.ts';
import { loadInventory } from './load.ts';
import { formatInventoryError } from './problem.ts';
import { pairText, warmText } from './second-site.test-helper.ts';
import { inventoryOf } from './site-inventory.ts';

function errorsAfter(before: string, after: string): string {
  const text = pairText.replace(before, after);
  expect(text).not.toBe(pairText);
  const loaded = loadInventory(text, 'my.yaml');
  return loaded.ok ? '' : loaded.errors.map(formatInventoryError).join('\n');
}

describe('the second site of an inventory', () => {
  it('may have fewer nodes and fewer of everything', () => {
    const loaded = loadInventory(pairText, 'my.yaml');
    expect(loaded.ok ? [] : loaded.errors.map(formatInventoryError)).toEqual([]);
    if (!loaded.ok) return;
    const { inventory } = loaded;
    const [main, dr] = inventory.sites;
    const reduced = inventoryOf(inventory, dr!);
    expect(inventoryOf(inventory, main!)).toBe(inventory);
    expect(reduced.services.every(({ replicas }) => replicas === 1)).toBe(true);
    expect(expand(reduced, dr!).map(({ node }) => node)).toEqual(expand(reduced, dr!).map(() => 'dr1'));
    // Each stands where its like on the other site does.
    const usual = expand(inventory, main!);
    for (const { id, address } of expand(reduced, dr!))
      expect(usual.find((one) => one.id === id)?.address).toBe(address);
  });

  it('is refused with its field where it cannot be', () => {
    expect(errorsAfter('tickets: 1,', 'tickets: 4,')).toContain(
      'sites[1].members.tickets: Site "dr" would have 4',
    );
    expect(errorsAfter('tickets: 1,', 'tikets: 1,')).toContain(
      'sites[1].members.tikets: There is no service',
    );
    expect(errorsAfter('postgres: 1,', 'postgres: 2,')).toContain('sites[1].members.postgres: 2 members');
    expect(errorsAfter('postgres: 1,', '')).toContain(
      '3 containers of "postgres" want a node each; site "dr" has 1',
    );
    expect(errorsAfter('standby: dr', 'standby: drr')).toContain('dr.standby: There is no site "drr".');
    expect(errorsAfter('primary: main', 'primary: dr')).toContain(
      'dr.standby: "dr" cannot stand in for itself.',
    );
    expect(errorsAfter('kind: cold', 'kind: warm')).toContain(
      'dr.kind: The standby follows the repository of main, and dr.feed does not say',
    );
    expect(errorsAfter('kind: cold', 'kind: warm\n  feed: "main.example.com"')).toContain('dr.feed');
    expect(errorsAfter('kind: cold', 'kind: warm\n  feed: "main.example.com:70000"')).toContain(
      'dr.feed: There is no port 70000.',
    );
    expect(errorsAfter('phone: "+49 30 123456", mail: ada@example.com', '')).toContain(
      'dr.contacts[0].name: Nobody can tell "Ada Lang"',
    );
    expect(errorsAfter('hooks: { switch', 'hooks: { swich')).toContain('Did you mean "switch"?');
  });

  it('may follow all the time, by one port of the edge', () => {
    const loaded = loadInventory(warmText, 'my.yaml');
    expect(loaded.ok ? [] : loaded.errors.map(formatInventoryError)).toEqual([]);
    expect(errorsAfter('kind: cold', 'kind: warm\n  feed: "main.example.com:9000"')).toMatch(
      /Nothing lets "internet" reach "edge" on port 8433[\s\S]*"haproxy" reach "ops" on port 8433[\s\S]*"ops" reach "internet" on port 9000[\s\S]*"ops" reach "postgres" on port 8008/,
    );
  });

  it('needs a way from edge to edge where they watch each other', () => {
    const edges = (primary: string, standby: string) =>
      errorsAfter('kind: cold', `kind: cold\n  edges: { primary: "${primary}", standby: "${standby}" }`);
    expect(edges('https://a.example.com', 'https://a.example.com')).toContain('dr.edges.standby: Both edges');
    expect(edges('https://a.example.com', 'https://b.example.com:8443')).toMatch(
      /Nothing lets "haproxy" reach "internet" on port 443[\s\S]*on port 8443/,
    );
  });
});
