import { splitList } from '@psa/proxmox/schema/perl';
import { failure } from '../errors.ts';
import type { Interface, Interfaces } from './interface.ts';

/** Where Perl says that it died when a message has no line break at its end. */
const at = (line: number) => ` at /usr/share/perl5/PVE/Network/Interfaces.pm line ${line}.`;
const listed = (list: unknown): readonly string[] => splitList(String(list ?? ''));

/** Whether interfaces fit together, as whoever writes the file finds out (PVE::Network::Interfaces). @throws 500 */
export function requireFitting(interfaces: Interfaces): void {
  const all = Object.entries(interfaces);
  const used = new Map<string, string>();
  for (const [name, one] of all)
    for (const port of [...listed(one.bridge_ports), ...listed(one.slaves)]) {
      if (used.has(port)) throw failure(`port '${port}' is already used on interface '${used.get(port)}'`);
      used.set(port, name);
    }
  for (const [name, one] of all) if (one.type === 'bond') requireBond(interfaces, name, one);
  for (const [name, one] of all) if (one.type === 'vlan') requireVlan(interfaces, name, one);
  for (const [name, one] of all) if (one.type === 'bridge') requireBridge(interfaces, name, one);
}

function requireMtu(interfaces: Interfaces, parent: string, child: string): void {
  const size = Number(interfaces[child]?.mtu ?? 0);
  const above = interfaces[parent];
  const room = Number(above?.mtu || (above?.type === 'bond' ? size : 1500));
  if (size > 0 && room < size)
    throw failure(`interface '${parent}' - mtu ${room} is lower than '${child}' - mtu ${size}`);
}

function requireBond(interfaces: Interfaces, name: string, one: Interface): void {
  const slaves = listed(one.slaves);
  for (const slave of slaves) {
    const type = interfaces[slave]?.type ?? '';
    if (type !== 'eth' && type !== 'bond')
      throw failure(`bond '${name}' - wrong interface type on slave '${slave}' ('${type}' != 'eth or bond')`);
    requireMtu(interfaces, name, slave);
  }
  const primary = one['bond-primary'];
  if (slaves.length > 0 && primary && !slaves.includes(String(primary)))
    throw failure(`bond '${name}' - bond-primary interface is not a slave${at(908)}`);
}

function requireVlan(interfaces: Interfaces, name: string, one: Interface): void {
  const [, raw, tag] = /^(\S+)\.(\d+)$/.exec(name) ?? [];
  const parent = raw ?? String(one['vlan-raw-device'] ?? '');
  if (parent === '') throw failure(`missing vlan-raw-device option${at(954)}`);
  const id = tag ?? /^vlan(\d+)$/.exec(name)?.[1] ?? String(one['vlan-id'] ?? '');
  if (id === '') throw failure(`missing vlan-id option${at(962)}`);
  if (Number(id) > 4094) throw failure(`vlan '${name}' - vlan-id ${id} should be <= 4094`);
  const above = interfaces[parent];
  if (!above) throw failure(`vlan '${name}' - unable to find parent '${parent}'`);
  if (!/^(?:eth|bridge|bond|vlan)$/.test(above.type))
    throw failure(
      `vlan '${name}' - wrong interface type on parent '${parent}' ('${above.type}' != 'eth|bond|bridge|vlan' )`,
    );
  requireMtu(interfaces, parent, name);
}

function requireBridge(interfaces: Interfaces, name: string, one: Interface): void {
  for (const port of listed(one.bridge_ports)) {
    const below = interfaces[port];
    // A VLAN as a port is made with the bridge.
    if (!below && /\S+\.\d+$/.test(port)) continue;
    if (!below) throw failure(`bridge '${name}' - unable to find bridge port '${port}'`);
    if (below.method === 'static' || below.method6 === 'static')
      throw failure(`iface ${port} - ip address can't be set on interface if bridged in ${name}`);
    requireMtu(interfaces, port, name);
  }
}
