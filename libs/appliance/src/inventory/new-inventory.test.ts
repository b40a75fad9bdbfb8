import { describe, expect, it } from 'vitest';
import { exampleText } from './example.test-helper.ts';
import { expand } from './expand.ts';
import { loadInventory } from './load.ts';
import { type Answers, newInventory } from './new-inventory.ts';

const answers: Answers = {
  name: 'nord',
  domain: 'psa.nordlicht.example',
  timezone: 'Europe/Vienna',
  network: '10.42',
  nodes: [{ name: 'alpha' }, { name: 'beta' }, { name: 'gamma', address: '10.42.10.99' }],
  cores: 8,
  memoryMb: 65_536,
  card: 'eno2',
  mailTo: 'it@nordlicht.example',
  smarthost: 'mail.nordlicht.example:587',
};

describe('a new inventory', () => {
  it('has the answers, holds, and names nothing of the example', () => {
    const made = newInventory(exampleText, answers, 'appliance.yaml');
    if (!made.ok) throw new Error(made.errors.map((one) => `${one.path} ${one.message}`).join('\n'));
    const loaded = loadInventory(made.text, 'appliance.yaml');
    if (!loaded.ok) throw new Error('It does not load.');
    const { inventory } = loaded;
    expect(inventory).toMatchObject({
      name: 'nord',
      domain: 'psa.nordlicht.example',
      timezone: 'Europe/Vienna',
    });
    expect(inventory.sites[0]!.nodes).toEqual([
      { name: 'alpha', address: '10.42.10.11', bridges: { vmbr0: 'eno2' }, cores: 8, memory_mb: 65_536 },
      { name: 'beta', address: '10.42.10.12', bridges: { vmbr0: 'eno2' }, cores: 8, memory_mb: 65_536 },
      { name: 'gamma', address: '10.42.10.99', bridges: { vmbr0: 'eno2' }, cores: 8, memory_mb: 65_536 },
    ]);
    expect(expand(inventory).every((one) => one.address.startsWith('10.42.'))).toBe(true);
    expect(made.text).not.toMatch(/\b10\.0\.\d|example\.com|pve1|eno1/);
    expect(made.text).toContain('# Everything that is allowed across VLANs.');
  });

  it('is refused with the field when the answers do not fit', () => {
    const made = newInventory(exampleText, { ...answers, nodes: answers.nodes.slice(0, 1) }, 'x.yaml');
    expect(made.ok ? [] : made.errors.map((one) => one.path)).toContain('containers[0].anti_affinity');
  });

  it('takes another storage', () => {
    const made = newInventory(exampleText, { ...answers, storage: '10.42.50.77' }, 'x.yaml');
    const text = made.ok ? made.text : '';
    expect(text.match(/10\.42\.50\.77/g)).toHaveLength(3);
    expect(text).not.toContain('10.42.50.10');
  });
});
