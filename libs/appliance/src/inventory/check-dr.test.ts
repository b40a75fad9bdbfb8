import { describe, expect, it } from 'vitest';
import { exampleText } from './example.test-helper.ts';
import { expand } from './expand.ts';
import { loadInventory } from './load.ts';
import { formatInventoryError } from './problem.ts';
import { inventoryOf } from './site-inventory.ts';

/** The example with a second site of two nodes, which carries one of each. */
const SECOND = `  - name: dr
    target: cluster
    token_file: ~/.config/psactl/dr.token
    ssh: { user: root, key_file: ~/.ssh/psactl }
    authorized_keys_file: ~/.config/psactl/authorized_keys
    nodes:
      - { name: dr1, address: 10.0.10.11, bridges: { vmbr0: eno1 }, cores: 16, memory_mb: 65536 }
    storages:
      - { name: local, type: dir, shared: false, content: [vztmpl, backup, snippets], path: /var/lib/vz }
      - { name: local-lvm, type: lvmthin, shared: false, content: [rootdir, images], pool: pve/data }
      - { name: shared, type: nfs, shared: true, content: [rootdir, vztmpl], server: 10.0.50.10, export: /volume/psa }
      - { name: nas, type: nfs, shared: true, content: [backup], server: 10.0.50.10, export: /volume/backup }
    members: { gateway: 1, auth: 1, crm: 1, tickets: 1, events: 1, search: 1, postgres: 1, rabbitmq: 1, redis: 1, haproxy: 1 }
`;
const DR = `dr:
  primary: main
  standby: dr
  kind: cold
  hooks: { switch: ./dns.sh }
  contacts:
    - { name: Ada Lang, role: on call, phone: "+49 30 123456", mail: ada@example.com }
`;
const TEXT = `${exampleText.replace(/\nvlans:/, `${SECOND}\nvlans:`)}${DR}`;
function errorsAfter(before: string, after: string): string {
  const text = TEXT.replace(before, after);
  expect(text).not.toBe(TEXT);
  const loaded = loadInventory(text, 'my.yaml');
  return loaded.ok ? '' : loaded.errors.map(formatInventoryError).join('\n');
}

describe('the second site of an inventory', () => {
  it('may have fewer nodes and fewer of everything', () => {
    const loaded = loadInventory(TEXT, 'my.yaml');
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
    expect(errorsAfter('kind: cold', 'kind: warm')).toContain('dr.kind: A standby whose database follows');
    expect(errorsAfter('phone: "+49 30 123456", mail: ada@example.com', '')).toContain(
      'dr.contacts[0].name: Nobody can tell "Ada Lang"',
    );
    expect(errorsAfter('hooks: { switch', 'hooks: { swich')).toContain('Did you mean "switch"?');
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
