import { cpus, freemem, loadavg, release } from 'node:os';
import { denied, noFigures } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { VERSION } from '../version.ts';
import { hostUse } from './host-use.ts';

const audit = needs('/nodes/{node}', ['Sys.Audit']);

/** A node as lists show it: what the asked one knows of it. */
export async function nodeSummary(
  { lab, entry }: RequestContext,
  name: string,
): Promise<Record<string, unknown>> {
  const node = lab.membership.node(name);
  const fixed = {
    ...{ id: `node/${name}`, node: name, type: 'node', level: '' },
    ...{ maxcpu: node.cores, maxmem: node.memoryMb * 1024 ** 2 },
  };
  const use = await hostUse(lab, name);
  if (!lab.membership.sees(entry, name)) return { ...fixed, maxdisk: use.maxdisk, status: 'offline' };
  if (!lab.membership.reports(name)) return { id: fixed.id, node: name, type: 'node', status: 'unknown' };
  return { ...fixed, status: 'online', uptime: lab.membership.uptime(name), ...use };
}

async function list(context: RequestContext): Promise<unknown> {
  const { lab } = context;
  return Promise.all(
    lab.membership.nodes.map(async ({ name }) => {
      const summary = await nodeSummary(context, name);
      const fingerprint = lab.fingerprints[name];
      return { ...summary, ...(fingerprint === undefined ? {} : { ssl_fingerprint: fingerprint }) };
    }),
  );
}

async function status({ lab, node }: RequestContext): Promise<unknown> {
  const { cores, memoryMb } = lab.membership.node(node);
  const use = await hostUse(lab, node);
  const total = memoryMb * 1024 ** 2;
  const model = cpus()[0]?.model ?? 'unknown';
  return {
    uptime: lab.membership.uptime(node),
    loadavg: loadavg().map((value) => value.toFixed(2)),
    cpu: use.cpu,
    wait: 0,
    idle: 0,
    memory: { total, used: use.mem, free: total - use.mem, available: Math.min(total - use.mem, freemem()) },
    swap: { total: 0, used: 0, free: 0 },
    ksm: { shared: 0 },
    rootfs: {
      total: use.maxdisk,
      used: use.disk,
      avail: use.maxdisk - use.disk,
      free: use.maxdisk - use.disk,
    },
    cpuinfo: { cpus: cores, cores, sockets: 1, model, mhz: '0', hvm: '1', flags: '', user_hz: 100 },
    pveversion: `pve-manager/${VERSION.version}/${VERSION.repoid}`,
    kversion: `Linux ${release()}`,
    'current-kernel': { sysname: 'Linux', release: release(), version: '', machine: 'x86_64' },
    'boot-info': { mode: 'efi' },
  };
}

async function command(context: RequestContext, params: RouteParams): Promise<null> {
  const { lab, node } = context;
  const wanted = params.need('command');
  // It answers before it goes down.
  setImmediate(async () => {
    await lab.power.kill(node);
    if (wanted === 'reboot') await lab.power.start(node);
  });
  return null;
}

function time(): unknown {
  const now = Math.floor(Date.now() / 1000);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return { time: now, localtime: now - new Date().getTimezoneOffset() * 60, timezone: zone };
}

/** Only root itself may run a batch of calls. */
function execute(): never {
  throw denied('the lab runs no batches');
}

/** Nodes and their state. */
export const NODE_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/nodes', permission: anyone, handler: list },
  {
    method: 'GET',
    path: '/nodes/{node}',
    isLocal: true,
    permission: anyone,
    handler: () =>
      [
        ...['aplinfo', 'apt', 'capabilities', 'ceph', 'certificates', 'config', 'disks', 'dns', 'firewall'],
        ...['hardware', 'hosts', 'journal', 'lxc', 'migrateall', 'netstat', 'network', 'qemu'],
        ...['query-oci-repo-tags', 'query-url-metadata', 'replication', 'report', 'rrd', 'rrddata', 'scan'],
        ...['sdn', 'services', 'spiceshell', 'startall', 'status', 'stopall', 'storage', 'subscription'],
        ...[
          'suspendall',
          'syslog',
          'tasks',
          'termproxy',
          'time',
          'version',
          'vncshell',
          'vzdump',
          'wakeonlan',
        ],
      ].map((name) => ({ name })),
  },
  { method: 'GET', path: '/nodes/{node}/status', permission: audit, handler: status },
  {
    method: 'POST',
    path: '/nodes/{node}/status',
    permission: needs('/nodes/{node}', ['Sys.PowerMgmt']),
    handler: command,
  },
  { method: 'GET', path: '/nodes/{node}/version', permission: anyone, handler: () => VERSION },
  { method: 'GET', path: '/nodes/{node}/time', permission: audit, handler: time },
  { method: 'POST', path: '/nodes/{node}/execute', permission: null, handler: execute },
  {
    // The lab keeps no history of figures.
    method: 'GET',
    path: '/nodes/{node}/rrddata',
    isLocal: true,
    permission: audit,
    handler: ({ lab }, params) => {
      if (!lab.membership.has(params.need('node'))) throw noFigures(`pve-node-9.0/${params.need('node')}`);
      return [];
    },
  },
  {
    method: 'GET',
    path: '/nodes/{node}/subscription',
    permission: anyone,
    handler: () => ({
      ...{ status: 'notfound', message: 'There is no subscription key', serverid: null },
      url: 'https://www.proxmox.com/en/proxmox-virtual-environment/pricing',
    }),
  },
];
