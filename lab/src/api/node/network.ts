import { splitList } from '@psa/proxmox/schema/perl';
import type { Interface, Interfaces } from '../../cluster/interface.ts';
import {
  applyNext,
  inOrder,
  readInterfaces,
  revertNext,
  words,
  writeNext,
} from '../../cluster/interfaces.ts';
import { badParameter, failure } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';

const LIST = '/nodes/{node}/network';
const ONE = `${LIST}/{iface}`;
const modify = needs('/nodes/{node}', ['Sys.Modify']);

const known = ({ lab, node }: RequestContext) => readInterfaces(lab.files, lab.membership.node(node));
const newest = (context: RequestContext): Interfaces => {
  const { now, next } = known(context);
  return next ?? now;
};

function list(context: RequestContext, params: RouteParams): unknown {
  const { now, next } = known(context);
  if (next !== null) context.changes = changesOf(now, next);
  const type = params.text('type');
  const fits = (one: Interface) =>
    type === null ||
    type === 'include_sdn' ||
    one.type === type ||
    (/^any(_local)?_bridge$/.test(type) && /^(bridge|OVSBridge)$/.test(one.type));
  return inOrder(next ?? now)
    .filter(([name, one]) => name !== 'lo' && fits(one))
    .filter(([name, one]) => !/^(bridge|OVSBridge)$/.test(one.type) || mayBridge(context, name))
    .map(([iface, one]) => ({ iface, ...one }));
}

/** A bridge is seen by whom it, or a VLAN of it, is granted to. */
function mayBridge(context: RequestContext, name: string): boolean {
  const path = `/sdn/zones/localnetwork/${name}`;
  const rights = ['SDN.Audit', 'SDN.Use'];
  const vlans = context.lab.access.read().acl.filter((rule) => rule.path.startsWith(`${path}/`));
  return context.may(path, rights, true) || vlans.some((rule) => context.may(rule.path, rights, true));
}

/** The difference between the two files, line by line. */
function changesOf(now: Interfaces, next: Interfaces): string {
  const print = (all: Interfaces) =>
    inOrder(all).flatMap(([name, one]) => [
      ...(one.autostart ? [`auto ${name}`] : []),
      `iface ${name} inet ${one.method}`,
      ...Object.entries(one)
        .filter(([key]) => !/^(type|method6?|families|active|autostart|priority|cidr|netmask)$/.test(key))
        .map(([key, value]) => `\t${key} ${value}`),
    ]);
  const [before, after] = [print(now), print(next)];
  return [
    ...['--- /etc/network/interfaces', '+++ /etc/network/interfaces.new'],
    ...before.filter((line) => !after.includes(line)).map((line) => `-${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+${line}`),
    '',
  ].join('\n');
}

function existing(all: Interfaces, iface: string): Interface {
  const found = all[iface];
  if (!found) throw badParameter({ iface: 'interface does not exist' });
  return found;
}

const PORTS = ['bridge_ports', 'ovs_ports', 'slaves', 'ovs_bonds'] as const;

/** @throws 400 for a second default gateway, and for a port that another interface has */
function checkOthers(all: Interfaces, iface: string, params: RouteParams): void {
  const others = Object.entries(all).filter(([name]) => name !== iface);
  for (const [key, what] of [
    ['gateway', 'Default gateway'],
    ['gateway6', 'Default ipv6 gateway'],
  ] as const) {
    const other = params.text(key) ? others.find(([, one]) => one[key]) : undefined;
    if (other) throw badParameter({ [key]: `${what} already exists on interface '${other[0]}'.` });
  }
  const named = PORTS.find((key) => params.text(key));
  if (named === undefined) return;
  const wanted = PORTS.flatMap((key) => words(params.text(key)));
  for (const [name, one] of others)
    for (const port of PORTS.flatMap((key) => words(one[key])))
      if (wanted.includes(port))
        throw badParameter({ [named]: `${port} is already used on interface '${name}'.` });
}

/** The fields that a request gives, in the form in which a file that was read again has them. */
function fieldsOf(params: RouteParams): Record<string, unknown> {
  const { node: _, iface: __, delete: ___, ...given } = params.texts();
  const fields: Record<string, unknown> = { ...given };
  for (const six of ['', '6']) {
    const cidr = params.text(`cidr${six}`);
    if (cidr !== null) {
      for (const key of ['address', 'netmask'])
        if (params.has(`${key}${six}`))
          throw badParameter({ [`${key}${six}`]: `${key}${six} conflicts with cidr${six}` });
      [fields[`address${six}`], fields[`netmask${six}`]] = cidr.split('/');
    } else if (fields[`address${six}`] !== undefined) {
      fields[`netmask${six}`] = bitsOf(String(fields[`netmask${six}`]));
      fields[`cidr${six}`] = `${fields[`address${six}`]}/${fields[`netmask${six}`]}`;
    }
  }
  for (const key of ['autostart', 'bridge_vlan_aware'])
    if (fields[key] !== undefined) {
      if (fields[key] === '1') fields[key] = 1;
      else delete fields[key];
    }
  const vids = params.text('bridge_vids');
  if (vids !== null && splitList(vids).length === 0)
    throw badParameter({ bridge_vids: 'VLAN list items are empty' });
  if (vids !== null) fields.bridge_vids = splitList(vids).join(' ');
  for (const key of ['comments', 'comments6'])
    if (fields[key] !== undefined) fields[key] = `${String(fields[key]).replace(/\n$/, '')}\n`;
  return fields;
}

/** `255.255.255.0` → `24` */
const bitsOf = (mask: string): string =>
  mask.includes('.')
    ? String(
        mask.split('.').reduce((sum, part) => sum + Number(part).toString(2).replaceAll('0', '').length, 0),
      )
    : mask;

/** What an interface is when its file has been read again. */
function completed(iface: string, one: Record<string, unknown>): Interface {
  const type = String(one.type);
  const [, raw, id] = /^(.+)\.(\d+)$/.exec(iface) ?? [];
  const families = [...(one.address ? ['inet'] : []), ...(one.address6 ? ['inet6'] : [])];
  return {
    ...(type === 'bridge' ? { bridge_ports: '', bridge_stp: 'off', bridge_fd: '0' } : {}),
    ...(type === 'bridge' && one.bridge_vlan_aware ? { bridge_vids: '2-4094' } : {}),
    ...(type === 'vlan' && raw !== undefined ? { 'vlan-raw-device': raw, 'vlan-id': id, exists: null } : {}),
    ...(type === 'bond' ? { bond_mode: 'balance-rr', bond_miimon: '100' } : {}),
    ...one,
    type,
    method: one.address ? 'static' : 'manual',
    method6: one.address6 ? 'static' : 'manual',
    families: families.length === 0 ? ['inet'] : families,
  };
}

function create(context: RequestContext, params: RouteParams): null {
  const { lab, node } = context;
  const iface = params.need('iface');
  const all = newest(context);
  if (all[iface]) throw badParameter({ iface: 'interface already exists' });
  checkOthers(all, iface, params);
  const fields = fieldsOf(params);
  if (params.need('type').startsWith('OVS'))
    throw failure("Open VSwitch is not installed (need package 'openvswitch-switch')");
  writeNext(lab.files, lab.membership.node(node), { ...all, [iface]: completed(iface, fields) });
  return null;
}

function update(context: RequestContext, params: RouteParams): null {
  const { lab, node } = context;
  const iface = params.need('iface');
  const all = newest(context);
  const before: Record<string, unknown> = { ...existing(all, iface) };
  for (const key of params.list('delete')) {
    delete before[key];
    const six = /^cidr(6?)$/.exec(key)?.[1];
    if (six !== undefined) for (const part of ['address', 'netmask']) delete before[`${part}${six}`];
  }
  const fields = fieldsOf(params);
  checkOthers(all, iface, params);
  // An address that is not named again is gone.
  for (const six of ['', '6'])
    if (fields[`address${six}`] === undefined)
      for (const key of ['address', 'netmask', 'cidr']) delete before[`${key}${six}`];
  writeNext(lab.files, lab.membership.node(node), {
    ...all,
    [iface]: completed(iface, { ...before, ...fields }),
  });
  return null;
}

function remove(context: RequestContext, params: RouteParams): null {
  const { lab, node } = context;
  const iface = params.need('iface');
  const { [iface]: gone, ...rest } = newest(context);
  existing(gone ? { [iface]: gone } : {}, iface);
  writeNext(lab.files, lab.membership.node(node), rest);
  return null;
}

/** A node's network: changes are written beside it until a reload (PVE::API2::Network). Its wires stay as they are. */
export const NETWORK_ROUTES: readonly Route[] = [
  { method: 'GET', path: LIST, permission: anyone, handler: list },
  { method: 'POST', path: LIST, permission: modify, handler: create },
  {
    method: 'PUT',
    path: LIST,
    permission: modify,
    handler: ({ lab, node, caller }) =>
      lab.tasks.start({ node, type: 'srvreload', id: 'networking', user: caller.id }, () =>
        applyNext(lab.files, lab.membership.node(node)),
      ),
  },
  {
    method: 'DELETE',
    path: LIST,
    permission: modify,
    handler: ({ lab, node }) => revertNext(lab.files, lab.membership.node(node)),
  },
  {
    method: 'GET',
    path: ONE,
    permission: needs('/nodes/{node}', ['Sys.Audit']),
    handler: (context, params) => {
      const iface = params.need('iface');
      const all = Object.fromEntries(inOrder(newest(context)));
      return existing(all, iface);
    },
  },
  { method: 'PUT', path: ONE, permission: modify, handler: update },
  { method: 'DELETE', path: ONE, permission: modify, handler: remove },
];
