import { partsOf, readDatacenter, updateDatacenter } from '../../cluster/datacenter.ts';
import { badParameter, failure } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { VERSION } from '../version.ts';
import { resources } from './resources.ts';
import { tagRules } from './tags.ts';

const audit = needs('/', ['Sys.Audit']);

/** The cluster as the asked node sees it. */
function status({ lab, entry }: RequestContext): unknown {
  const { nodes } = lab.membership;
  return [
    {
      ...{ type: 'cluster', id: 'cluster', name: lab.name, version: nodes.length, nodes: nodes.length },
      quorate: lab.membership.isQuorate(entry) ? 1 : 0,
    },
    ...nodes.map(({ name, id, address }) => ({
      ...{ type: 'node', id: `node/${name}`, name, nodeid: id, ip: address, level: '' },
      local: name === entry ? 1 : 0,
      online: lab.membership.sees(entry, name) ? 1 : 0,
    })),
  ];
}

function nextId({ lab }: RequestContext, params: RouteParams): string {
  const wanted = params.number('vmid');
  if (wanted !== null) {
    if (lab.guests.nodeOf(wanted) !== null) throw badParameter({ vmid: `VM ${wanted} already exists` });
    return String(wanted);
  }
  const range = partsOf(readDatacenter(lab.files)['next-id']);
  const [lower, upper] = [Number(range.lower ?? 100), Number(range.upper ?? 1_000_000)];
  const used = new Set(lab.guests.all().map((guest) => guest.vmid));
  for (let id = lower; id < upper; id++) if (!used.has(id)) return String(id);
  throw failure(`unable to get any free VMID in range [${lower}, ${upper}]`);
}

/** Options that are made of parts, and are shown so (PVE::DataCenterConfig). */
const COMPOSED: ReadonlySet<string> = new Set([
  ...['crs', 'ha', 'migration', 'next-id', 'notify', 'replication', 'tag-style', 'u2f', 'user-tag-access'],
  'webauthn',
]);

function shownOption(key: string, value: string): unknown {
  if (key === 'registered-tags') return value.split(';');
  if (key === 'max_workers') return Number(value);
  if (!COMPOSED.has(key)) return value;
  const { 'user-allow-list': list, ...parts } = partsOf(value);
  return list === undefined ? parts : { ...parts, 'user-allow-list': list.split(';') };
}

/** What the caller may see of the options; and the tags that it may set. */
function options(context: RequestContext): unknown {
  const { lab } = context;
  const all = Object.entries({ description: '', mac_prefix: 'BC:24:11', ...readDatacenter(lab.files) });
  const isAuditor = context.may('/', ['Sys.Audit']);
  const shown = all.filter(([key]) => isAuditor || key === 'console' || key === 'tag-style');
  return {
    ...Object.fromEntries(shown.map(([key, value]) => [key, shownOption(key, value)])),
    'allowed-tags': tagRules(context).allowed,
  };
}

async function setOptions({ lab, entry }: RequestContext, params: RouteParams): Promise<null> {
  if (!lab.membership.isQuorate(entry)) throw failure("cfs-lock 'file-datacenter_cfg' error: no quorum!");
  await lab.locks.cluster('file-datacenter_cfg', () =>
    updateDatacenter(lab.files, (known) => {
      const { delete: _, ...given } = params.texts();
      Object.assign(known, given);
      for (const key of params.list('delete')) delete known[key];
      if (known.console === 'applet') known.console = 'html5';
      if (known['registered-tags'] !== undefined)
        known['registered-tags'] = known['registered-tags']
          .split(/[;,\s]+/)
          .sort()
          .join(';');
      if (known.description !== undefined) known.description = `${known.description.replace(/\n$/, '')}\n`;
      const range = partsOf(known['next-id']);
      const [lower, upper] = [Number(range.lower ?? 100), Number(range.upper ?? 1_000_000)];
      if (lower > upper) throw failure(`lower (${lower}) <= upper (${upper}) boundary rule broken`);
    }),
  );
  return null;
}

const FOLDERS = [
  ...['acme', 'backup', 'backup-info', 'bulk-action', 'ceph', 'config', 'firewall', 'ha', 'jobs', 'log'],
  ...['mapping', 'metrics', 'notifications', 'nextid', 'options', 'qemu', 'replication', 'resources'],
  ...['status', 'tasks', 'sdn'],
];

/** The cluster as a whole. */
export const CLUSTER_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/version', permission: anyone, handler: () => VERSION },
  {
    method: 'GET',
    path: '/cluster',
    permission: anyone,
    handler: () => FOLDERS.map((name) => ({ name })),
  },
  { method: 'GET', path: '/cluster/status', permission: audit, handler: status },
  { method: 'GET', path: '/cluster/resources', permission: anyone, handler: resources },
  { method: 'GET', path: '/cluster/nextid', permission: anyone, handler: nextId },
  {
    method: 'GET',
    path: '/cluster/options',
    permission: anyone,
    handler: options,
  },
  {
    method: 'PUT',
    path: '/cluster/options',
    permission: needs('/', ['Sys.Modify']),
    handler: setOptions,
  },
  { method: 'GET', path: '/cluster/log', permission: anyone, handler: () => [] },
];
