import { SERVICE_NAMES, SERVICES } from '@psa/contracts/services';
import { describe, expect, it } from 'vitest';
import { checkCompany, checkNeeds, needs } from './check-needs.ts';
import { example } from './example.test-helper.ts';

describe('what the platform needs of the flows', () => {
  it('is allowed by the example', () => {
    expect(checkNeeds(example())).toEqual([]);
  });

  it('breaks when any of its flows between containers is taken out', () => {
    const inventory = example();
    const names = new Set([
      ...inventory.containers.map((one) => one.name),
      'services',
      'database',
      'dmz',
      'edge',
    ]);
    const between = inventory.flows.filter(
      (flow) => names.has(flow.from) && names.has(flow.to) && flow.from !== 'management',
    );
    expect(between.length).toBeGreaterThan(7);
    for (const flow of between) {
      const other = { ...inventory, flows: inventory.flows.filter((one) => one !== flow) };
      expect([flow.why, checkNeeds(other).length > 0]).toEqual([flow.why, true]);
    }
  });

  it('is not asked of what stands in one VLAN', () => {
    const inventory = example();
    inventory.containers.find((group) => group.name === 'redis')!.vlan = 'services';
    inventory.flows = inventory.flows.filter((flow) => flow.to !== 'redis');
    expect(checkNeeds(inventory).filter((one) => one.message.includes('"auth" reach "redis"'))).toEqual([]);
  });

  it('leaves the gateway without database and broker', () => {
    const gateway = needs(example()).filter((one) => one.from === 'gateway');
    expect(gateway.some((one) => one.to === 'rabbitmq' || one.port === 5432)).toBe(false);
    expect(gateway.filter((one) => one.to === 'edge').map((one) => one.port)).toEqual(
      SERVICE_NAMES.map((name) => SERVICES[name].edgePort),
    );
  });
});

describe('services that wait for each other', () => {
  it('are refused without one of them, by name', () => {
    const inventory = example();
    expect(checkCompany(inventory)).toEqual([]);
    inventory.services = inventory.services.filter(({ name }) => name === 'gateway' || name === 'auth');
    expect(checkCompany(inventory)).toMatchObject(
      SERVICE_NAMES.filter((name) => name !== 'auth').map((name) => ({
        path: ['services'],
        message: `There is no "${name}", and the gateway gets ready only when all services are.`,
      })),
    );
  });
});
