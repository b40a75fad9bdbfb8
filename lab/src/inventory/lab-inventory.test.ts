import { readFileSync } from 'node:fs';
import { expand, siteOf } from '@psa/appliance/inventory/expand';
import { loadInventory } from '@psa/appliance/inventory/load';
import { newSigningKey } from '@psa/appliance/signing/minisign';
import { PROGRAM_NAMES } from '@psa/contracts/services';
import { describe, expect, it } from 'vitest';
import { LAB_NODES, labInventory } from './lab-inventory.ts';

const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':');
const text = labInventory({
  folder: '/var/lib/psa-lab',
  loopback: '127.77.0',
  apiPort: 8007,
  sshPort: 2222,
  sshUser: 'tech',
  fingerprints: { pve1: fingerprint, pve2: fingerprint, pve3: fingerprint },
  portal: 'https://127.0.0.1:8443',
  publicKey: newSigningKey().publicKey,
  release: { version: '0.1.0', directory: 'dist/releases' },
});

function load(source: string) {
  const loaded = loadInventory(source, 'appliance.yaml');
  if (!loaded.ok) throw new Error(loaded.errors.map((error) => `${error.path}: ${error.message}`).join('\n'));
  return loaded.inventory;
}

describe('the inventory of a lab', () => {
  const inventory = load(text);
  const site = siteOf(inventory, 'lab');

  it('has the endpoints of the lab', () => {
    expect(site).toMatchObject({
      target: 'lab',
      portal: 'https://127.0.0.1:8443',
      token_file: '/var/lib/psa-lab/token',
      ssh: { user: 'tech', key_file: '/var/lib/psa-lab/ssh/id' },
    });
    expect(site.nodes.map(({ name, address, api, ssh }) => ({ name, address, api, ssh }))).toEqual([
      { name: 'pve1', address: '10.0.10.11', api: 'https://127.77.0.11:8007', ssh: '127.77.0.11:2222' },
      { name: 'pve2', address: '10.0.10.12', api: 'https://127.77.0.12:8007', ssh: '127.77.0.12:2222' },
      { name: 'pve3', address: '10.0.10.13', api: 'https://127.77.0.13:8007', ssh: '127.77.0.13:2222' },
    ]);
    expect(site.nodes.map(({ name, address }) => ({ name, address }))).toEqual(
      LAB_NODES.map(({ name, address }) => ({ name, address })),
    );
    expect(site.nodes[0]!.fingerprint).toBe(fingerprint);
  });

  it('runs the whole appliance, every service and data part on different nodes', () => {
    const containers = expand(inventory, site);
    const count = (group: string) => containers.filter((one) => one.group === group).length;
    expect(Object.fromEntries(inventory.containers.map(({ name }) => [name, count(name)]))).toEqual({
      ...Object.fromEntries(['haproxy', ...PROGRAM_NAMES].map((name) => [name, 2])),
      ...{ postgres: 3, rabbitmq: 3, redis: 3, monitoring: 1, ops: 1 },
    });
    for (const { name } of inventory.containers) {
      const nodes = containers.filter((one) => one.group === name).map((one) => one.node);
      expect(new Set(nodes).size, name).toBe(nodes.length);
    }
  });

  it('leaves room on two nodes for the containers of the third', () => {
    const sum = expand(inventory, site).reduce((total, one) => total + one.memory_mb, 0);
    const room = site.nodes.map((node) => node.memory_mb - (node.reserved_mb ?? 0));
    expect(sum).toBeLessThan(room[0]! + room[1]!);
    expect(sum).toBeLessThan(10_240);
  });

  it('lets one user at one address through as often as a load test asks', () => {
    const gateway = inventory.services.find((one) => one.name === 'gateway')!;
    const limits = Object.entries(gateway.settings ?? {}).filter(([name]) => name.startsWith('RATE_'));
    expect(limits).toHaveLength(3);
    for (const [, value] of limits) expect(Number(value)).toBeGreaterThan(1_000_000);
    expect(inventory.data.haproxy.requests_per_10s).toBeGreaterThanOrEqual(100_000);
  });

  it('has the VLANs and flows of the example', () => {
    const example = load(readFileSync(new URL('../../../appliance.yaml', import.meta.url), 'utf8'));
    expect(inventory.vlans).toEqual(example.vlans);
    expect(inventory.flows).toEqual(example.flows);
    expect(inventory.hosts).toEqual(example.hosts);
  });

  it('is written before the certificates are known, too', () => {
    const early = labInventory({
      ...{
        folder: '/tmp/lab',
        loopback: '127.78.0',
        apiPort: 8006,
        sshPort: 22,
        sshUser: 'root',
        fingerprints: {},
      },
      publicKey: newSigningKey().publicKey,
      ...{ portal: 'https://127.0.0.1:8444', release: { version: '0.2.0-rc.1', directory: '/tmp/releases' } },
    });
    expect(load(early).sites[0]!.nodes[0]!.fingerprint).toBeUndefined();
  });
});
