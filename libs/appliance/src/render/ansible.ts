import { stringify } from 'yaml';
import { siteOf } from '../inventory/expand.ts';
import { vlanOfAddress } from '../inventory/flows.ts';
import { parseSubnet } from '../inventory/ipv4.ts';
import type { Inventory } from '../inventory/schema.ts';
import type { Node, Site, Storage } from '../inventory/site-schema.ts';
import { STORAGE_KINDS } from '../inventory/storages.ts';
import { RENDERED, type RenderedFile } from './rendered-file.ts';

/** The Ansible inventory of the Proxmox hosts, and each host's `/etc/network/interfaces`. */
export function renderAnsible(inventory: Inventory, site: Site = siteOf(inventory)): readonly RenderedFile[] {
  return [
    {
      path: 'inventory.yml',
      text: `# ${RENDERED}\n---\n${stringify(hosts(inventory, site), { lineWidth: 0 })}`,
    },
    ...site.nodes.map((node) => ({
      path: `files/${node.name}/interfaces`,
      text: interfacesOf(inventory, node),
    })),
  ];
}

function hosts(inventory: Inventory, site: Site) {
  const content = [...site.storages].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    all: {
      vars: {
        ansible_user: site.ssh.user,
        ansible_port: site.ssh.port ?? 22,
        ansible_ssh_private_key_file: site.ssh.key_file,
        psa_cluster: inventory.name,
        psa_internal_domain: inventory.internal_domain,
        psa_timezone: inventory.timezone,
        psa_time_server: vlanOfAddress(inventory, site.nodes[0]!.address)!.gateway,
        psa_subscription: site.subscription ?? false,
        psa_authorized_keys_file: site.authorized_keys_file,
        psa_token_file: site.token_file,
        psa_storages: content.map(storageOf),
      },
      children: {
        proxmox: {
          hosts: Object.fromEntries(
            site.nodes.map((node) => [node.name, { ansible_host: node.address, psa_address: node.address }]),
          ),
        },
      },
    },
  };
}

/** A storage as `pvesm add` takes it. */
function storageOf(storage: Storage) {
  const [group, thinPool] = (storage.pool ?? '').split('/');
  const user = ['--username', storage.username ?? ''];
  const local: Readonly<Record<Storage['type'], readonly string[]>> = {
    dir: ['--path', storage.path ?? '', '--shared', storage.shared ? '1' : '0'],
    btrfs: ['--path', storage.path ?? ''],
    lvmthin: ['--vgname', group ?? '', '--thinpool', thinPool ?? ''],
    zfspool: ['--pool', storage.pool ?? '', '--sparse', '1'],
    lvm: ['--vgname', storage.pool ?? '', '--shared', storage.shared ? '1' : '0'],
    cifs: ['--server', storage.server ?? '', '--share', storage.share ?? '', ...user],
    pbs: ['--server', storage.server ?? '', '--datastore', storage.datastore ?? '', ...user],
    nfs: ['--server', storage.server ?? '', '--export', storage.export ?? '', '--options', 'vers=4.2'],
    rbd: ['--pool', storage.pool ?? '', '--krbd', '1'],
    cephfs: [],
  };
  return {
    name: storage.name,
    type: storage.type,
    ...(STORAGE_KINDS[storage.type].hasPassword ? { by_hand: true } : {}),
    content: [...storage.content].sort(),
    arguments: [
      ...local[storage.type],
      ...(storage.nodes ? ['--nodes', [...storage.nodes].sort().join(',')] : []),
    ],
  };
}

/** Bridges that know the VLANs; the host itself has one address, in the management VLAN. */
function interfacesOf(inventory: Inventory, node: Node): string {
  const own = vlanOfAddress(inventory, node.address)!;
  const bridges = [...new Set(inventory.vlans.map((vlan) => vlan.bridge))].sort();
  const cards = [...new Set(bridges.flatMap((bridge) => node.bridges?.[bridge] ?? []))].sort();
  const stanzas = [
    'auto lo\niface lo inet loopback',
    ...cards.map((card) => `iface ${card} inet manual`),
    ...bridges.map((bridge) => {
      const tags = inventory.vlans.filter((vlan) => vlan.bridge === bridge).map((vlan) => vlan.id);
      return `auto ${bridge}
iface ${bridge} inet manual
    bridge-ports ${node.bridges?.[bridge] ?? 'none'}
    bridge-stp off
    bridge-fd 0
    bridge-vlan-aware yes
    bridge-vids ${tags.sort((a, b) => a - b).join(' ')}`;
    }),
    `auto ${own.bridge}.${own.id}
iface ${own.bridge}.${own.id} inet static
    address ${node.address}/${parseSubnet(own.subnet)!.bits}
    gateway ${own.gateway}`,
    // Proxmox's own firewall and SDN write there.
    'source /etc/network/interfaces.d/*',
  ];
  return `# ${RENDERED}\n\n${stanzas.join('\n\n')}\n`;
}
