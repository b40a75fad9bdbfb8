import { isZone } from '@psa/proxmox/schema/formats';
import { digestOf } from '../../cluster/cluster-files.ts';
import { badParameter, failure } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';

const audit = needs('/nodes/{node}', ['Sys.Audit']);
const modify = needs('/nodes/{node}', ['Sys.Modify']);
const syslog = needs('/nodes/{node}', ['Sys.Syslog']);

/** Services of a node: those that run, and those that this kind of node does not have. */
const RUNNING: Readonly<Record<string, string>> = {
  corosync: 'Corosync Cluster Engine',
  lxcfs: 'FUSE filesystem for LXC',
  'pve-cluster': 'The Proxmox VE cluster filesystem',
  'pve-ha-crm': 'PVE Cluster HA Resource Manager Daemon',
  'pve-ha-lrm': 'PVE Local HA Resource Manager Daemon',
  pvedaemon: 'PVE API Daemon',
  pveproxy: 'PVE API Proxy Server',
  pvescheduler: 'Proxmox VE scheduler',
  pvestatd: 'PVE Status Daemon',
  sshd: 'OpenBSD Secure Shell server',
};
const ABSENT = [
  ...['chrony', 'cron', 'ksmtuned', 'postfix', 'proxmox-firewall', 'pve-firewall', 'pve-lxc-syscalld'],
  ...['pvefw-logger', 'qmeventd', 'spiceproxy', 'syslog', 'systemd-journald', 'systemd-timesyncd'],
];
const SERVICES = [...Object.keys(RUNNING), ...ABSENT].sort();

function serviceEntry(service: string): Record<string, string> {
  const desc = RUNNING[service];
  return desc === undefined
    ? {
        ...{ service, name: service, desc: `${service}.service`, state: 'dead' },
        ...{ 'active-state': 'inactive', 'unit-state': 'not-found' },
      }
    : {
        ...{ service, name: service, desc, state: 'running' },
        ...{ 'active-state': 'active', 'unit-state': 'enabled' },
      };
}

function serviceOf(params: RouteParams): string {
  const service = params.need('service');
  if (SERVICES.includes(service)) return service;
  const list = SERVICES.join(', ');
  throw badParameter({
    service: `value '${service}' does not have a value in the enumeration '${list}'`,
  });
}

/** A task that a service's switch starts; the lab's services are always there. */
const switched =
  (verb: string) =>
  ({ lab, node, caller }: RequestContext, params: RouteParams) =>
    lab.tasks.start({ node, type: `srv${verb}`, id: serviceOf(params), user: caller.id }, () => undefined);

const hostsFile = (node: string) => `nodes/${node}/hosts`;

function hosts({ lab, node }: RequestContext): { data: string; digest: string } {
  const lines = lab.membership.nodes.map(({ name, address }) => `${address} ${name}`);
  const text = lab.files.read(hostsFile(node)) ?? ['127.0.0.1 localhost', ...lines, ''].join('\n');
  return { data: text, digest: digestOf(text) };
}

const dnsFile = (node: string) => `nodes/${node}/dns.json`;
const DNS = { search: 'psa.internal', dns1: '10.0.10.1' };

/** A node's own system: its names, clock, services and logs (PVE::API2::Nodes, PVE::API2::Services). */
export const SYSTEM_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/nodes/{node}/hosts', permission: needs('/', ['Sys.Audit']), handler: hosts },
  {
    method: 'POST',
    path: '/nodes/{node}/hosts',
    permission: modify,
    handler: (context, params) => {
      const digest = params.text('digest');
      if (digest !== null && digest !== hosts(context).digest)
        throw failure('detected modified configuration - file changed by other user? Try again.');
      context.lab.files.write(hostsFile(context.node), params.need('data'));
    },
  },
  {
    method: 'GET',
    path: '/nodes/{node}/dns',
    permission: audit,
    handler: ({ lab, node }) => lab.files.readJson(dnsFile(node), DNS),
  },
  {
    method: 'PUT',
    path: '/nodes/{node}/dns',
    permission: modify,
    handler: ({ lab, node }, params) => {
      const { node: _, ...given } = params.texts();
      lab.files.writeJson(dnsFile(node), given);
    },
  },
  {
    method: 'PUT',
    path: '/nodes/{node}/time',
    permission: modify,
    handler: (_, params) => {
      const zone = params.need('timezone');
      if (!isZone(zone)) throw badParameter({ timezone: 'No such timezone' });
    },
  },
  {
    method: 'GET',
    path: '/nodes/{node}/services',
    permission: audit,
    handler: () => SERVICES.map(serviceEntry),
  },
  {
    method: 'GET',
    path: '/nodes/{node}/services/{service}',
    isLocal: true,
    permission: audit,
    handler: (_, params) => {
      serviceOf(params);
      return ['state', 'start', 'stop', 'restart', 'reload'].map((subdir) => ({ subdir }));
    },
  },
  {
    method: 'GET',
    path: '/nodes/{node}/services/{service}/state',
    permission: audit,
    handler: (_, params) => serviceEntry(serviceOf(params)),
  },
  ...['start', 'stop', 'restart', 'reload'].map(
    (verb): Route => ({
      ...{ method: 'POST', path: `/nodes/{node}/services/{service}/${verb}`, permission: modify },
      handler: switched(verb),
    }),
  ),
  { method: 'GET', path: '/nodes/{node}/syslog', permission: syslog, handler: () => [] },
  { method: 'GET', path: '/nodes/{node}/journal', permission: syslog, handler: () => [] },
];
