import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { exampleText } from './example.test-helper.ts';
import { inventoryJsonSchema } from './json-schema.ts';

describe('the JSON Schema for editors', () => {
  it('is the one in appliance.schema.json, which the example names in its first line', async () => {
    await expect(inventoryJsonSchema(), 'written by `npm run golden`').toMatchFileSnapshot(
      '../../../../appliance.schema.json',
    );
    expect(exampleText.split('\n')[0]).toBe('# yaml-language-server: $schema=./appliance.schema.json');
  });

  it('means the same to another validator', () => {
    const validate = new Ajv2020({ strict: false }).compile(JSON.parse(inventoryJsonSchema()));
    const inventory = parse(exampleText);
    expect(validate(inventory)).toBe(true);
    expect(validate({ ...inventory, flow: [] })).toBe(false);
    expect(validate({ ...inventory, services: [{ name: 'gateway', replicas: 0, port: 3000 }] })).toBe(false);
  });
});
