import { createHash } from 'node:crypto';
import { expand, siteOf } from '../inventory/expand.ts';
import type { Inventory } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';
import { dataParts, partOf } from '../parts/parts.ts';
import { RENDERED, type RenderedFile } from './rendered-file.ts';

/** A name and one of its addresses. */
export interface DnsRecord {
  readonly host: string;
  readonly domain: string;
  readonly address: string;
  readonly why: string;
}

/** Every name inside the appliance. */
export function dnsRecords(inventory: Inventory, site: Site = siteOf(inventory)): readonly DnsRecord[] {
  const containers = expand(inventory, site);
  const edge = inventory.data.haproxy.virtual_address;
  const internal = (host: string, address: string, why: string): DnsRecord => ({
    ...{ host, domain: inventory.internal_domain, address, why },
  });
  const [publicHost, ...publicDomain] = inventory.domain.split('.');
  return [
    // The machines of the MSP reach the portals without a detour through the internet.
    { host: publicHost!, domain: publicDomain.join('.'), address: edge, why: 'portals and API' },
    internal('edge', edge, 'the virtual address of HAProxy'),
    ...Object.entries(dataParts()).flatMap(([name, { dns, dnsWhy }]) =>
      dns === 'edge' ? [internal(name, edge, dnsWhy ?? name)] : [],
    ),
    ...inventory.services
      .filter((service) => service.edge_port !== undefined)
      .map((service) => internal(service.name, edge, `${service.name} through HAProxy`)),
    ...containers
      .filter((one) => partOf(one.group)?.dns === 'members')
      .map((one) => internal(one.group, one.address, `member ${one.number}`)),
    ...containers.map((one) => internal(one.name, one.address, `container ${one.id}`)),
    ...site.nodes.map((node) => internal(node.name, node.address, 'Proxmox node')),
    ...inventory.hosts.map((host) => internal(host.name, host.address, 'host')),
  ];
}

/** A zone file of the internal domain, and the same as `/etc/hosts` has it. */
export function renderDns(inventory: Inventory, site: Site = siteOf(inventory)): readonly RenderedFile[] {
  const records = dnsRecords(inventory, site);
  return [
    { path: `${inventory.internal_domain}.zone`, text: zone(inventory, records) },
    { path: 'hosts', text: hosts(records) },
  ];
}

function zone(inventory: Inventory, records: readonly DnsRecord[]): string {
  const lines = records
    .filter((record) => record.domain === inventory.internal_domain)
    .map((record) => `${record.host.padEnd(24)} IN A ${record.address}`);
  // The serial follows from the content, so it can fall: the zone has one server and is never transferred.
  const serial = createHash('sha256').update(lines.join('\n')).digest().readUInt32BE(0);
  return `; ${RENDERED}
$ORIGIN ${inventory.internal_domain}.
$TTL 60
@ IN SOA firewall.${inventory.internal_domain}. hostmaster.${inventory.domain}. ( ${serial} 3600 600 86400 60 )
@ IN NS firewall.${inventory.internal_domain}.
${'firewall'.padEnd(24)} IN A ${inventory.vlans[0]!.gateway}
${lines.join('\n')}
`;
}

function hosts(records: readonly DnsRecord[]): string {
  const names = new Map<string, string[]>();
  for (const { address, host, domain } of records)
    names.set(address, [...(names.get(address) ?? []), `${host}.${domain}`, host]);
  const lines = [...names].map(([address, list]) => `${address} ${[...new Set(list)].join(' ')}`);
  return `# ${RENDERED}\n127.0.0.1 localhost\n${lines.join('\n')}\n`;
}
