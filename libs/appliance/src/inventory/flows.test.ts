import { describe, expect, it } from 'vitest';
import { example } from './example.test-helper.ts';
import { resolveFlows, vlanOfAddress } from './flows.ts';

const flow = (from: string, to: string) =>
  resolveFlows(example()).find((one) => one.from.name === from && one.to.name === to)!;

describe('resolveFlows', () => {
  it('has each flow once, in the order of the inventory', () => {
    const inventory = example();
    expect(resolveFlows(inventory).map((one) => one.why)).toEqual(inventory.flows.map((one) => one.why));
  });

  it('knows the addresses of groups, VLANs, hosts, nodes and the edge, and the VLAN of each', () => {
    expect(flow('haproxy', 'postgres')).toMatchObject({
      from: { kind: 'group', addresses: ['10.0.40.11', '10.0.40.12'], vlan: { id: 40 } },
      to: { kind: 'group', addresses: ['10.0.30.10', '10.0.30.11', '10.0.30.12'], vlan: { id: 30 } },
      protocol: 'tcp',
      ports: ['6432', '8008'],
    });
    expect(flow('nodes', 'storage')).toMatchObject({
      from: { kind: 'nodes', addresses: ['10.0.10.11', '10.0.10.12', '10.0.10.13'], vlan: { id: 10 } },
      to: { kind: 'host', addresses: ['10.0.50.10'], vlan: { id: 50 } },
    });
    expect(flow('services', 'edge')).toMatchObject({
      from: { kind: 'vlan', addresses: ['10.0.20.0/24'] },
      to: { kind: 'edge', addresses: ['10.0.40.10'], vlan: { id: 40 } },
      ports: ['3001-3010'],
    });
  });

  it('leaves the internet without addresses and without a VLAN', () => {
    expect(flow('services', 'internet').to).toEqual({
      ...{ name: 'internet', kind: 'internet', addresses: [], vlan: null },
    });
  });

  it('follows the number of replicas', () => {
    const inventory = example();
    inventory.data.rabbitmq.members = 1;
    const to = resolveFlows(inventory).find((one) => one.to.name === 'rabbitmq')!.to;
    expect(to.addresses).toEqual(['10.0.30.20']);
  });

  it('finds the VLAN of an address; the network itself is nobody', () => {
    expect(vlanOfAddress(example(), '10.0.30.77')?.name).toBe('database');
    expect(vlanOfAddress(example(), '10.0.30.0')).toBeNull();
    expect(vlanOfAddress(example(), '10.0.30.255')).toBeNull();
    expect(vlanOfAddress(example(), '192.168.1.1')).toBeNull();
  });
});
