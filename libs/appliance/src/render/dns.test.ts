import { describe, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { expand } from '../inventory/expand.ts';
import { dnsRecords, renderDns } from './dns.ts';
import { expectGoldens } from './golden.test-helper.ts';

describe('DNS', () => {
  it('follows from the example inventory', async () => {
    await expectGoldens('pfsense/golden/dns', renderDns(example()));
  });

  it('names every container, and each service at HAProxy', () => {
    const inventory = example();
    const records = dnsRecords(inventory);
    const addresses = (host: string) => records.filter((one) => one.host === host).map((one) => one.address);
    for (const { name, address } of expand(inventory)) expect(addresses(name)).toEqual([address]);
    expect(addresses('tickets')).toEqual(['10.0.40.10']);
    expect(addresses('postgres')).toEqual(['10.0.40.10']);
    expect(addresses('rabbitmq')).toEqual(['10.0.30.20', '10.0.30.21', '10.0.30.22']);
    expect(records[0]).toMatchObject({ host: 'psa', domain: 'example.com', address: '10.0.40.10' });
  });

  it('gives a zone that changed another serial', () => {
    const serial = (text: string) => /SOA .*\( (\d+) /.exec(text)?.[1];
    const inventory = example();
    const before = renderDns(inventory)[0]!.text;
    inventory.hosts[0]!.address = '10.0.50.11';
    expect(serial(renderDns(inventory)[0]!.text)).not.toBe(serial(before));
    expect(serial(renderDns(example())[0]!.text)).toBe(serial(before));
  });
});
