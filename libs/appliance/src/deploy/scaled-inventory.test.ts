import { describe, expect, it } from 'vitest';
import { exampleText } from '../inventory/example.test-helper.ts';
import { scaledInventory } from './scaled-inventory.ts';

const scaled = (text: string, service: string, replicas: number) => {
  const result = scaledInventory(text, 'appliance.yaml', service, replicas);
  return result.ok ? result.text : result.errors.map((one) => `${one.path}: ${one.message}`).join('\n');
};

describe('an inventory with other replicas', () => {
  it('differs in the number alone', () => {
    const next = scaled(exampleText, 'crm', 3);
    const lines = exampleText.split('\n');
    expect(next.split('\n').filter((line, index) => line !== lines[index])).toEqual([
      '  - { name: crm, replicas: 3, port: 3000, edge_port: 3002 }',
    ]);
    expect(scaled(next, 'crm', 2)).toBe(exampleText);
  });

  it('is refused when it does not hold, with the reason', () => {
    expect(scaled(exampleText, 'crm', 4)).toMatch(/4 containers of "crm" want a node each/);
    expect(scaled(exampleText, 'nobody', 2)).toBe(
      'services: There is no plain number of replicas for "nobody".',
    );
  });
});
