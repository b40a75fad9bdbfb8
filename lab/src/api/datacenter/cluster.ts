import { badParameter, failure } from '../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { VERSION } from '../version.ts';
import { resources } from './resources.ts';

const OPTIONS = 'datacenter.json';
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
  const used = new Set(lab.guests.all().map((guest) => guest.vmid));
  for (let id = 100; ; id++) if (!used.has(id)) return String(id);
}

async function setOptions({ lab, entry }: RequestContext, params: RouteParams): Promise<null> {
  if (!lab.membership.isQuorate(entry)) throw failure("cfs-lock 'file-datacenter_cfg' error: no quorum!");
  await lab.locks.cluster('file-datacenter_cfg', () => {
    const options = lab.files.readJson<Record<string, string>>(OPTIONS, {});
    const { delete: _, digest: __, ...given } = params.texts();
    Object.assign(options, given);
    for (const key of params.list('delete')) delete options[key];
    lab.files.writeJson(OPTIONS, options);
  });
  return null;
}

function corosync({ lab }: RequestContext): unknown {
  return lab.membership.nodes.map(({ name, id, address }) => ({
    ...{ name, node: name, nodeid: String(id), ring0_addr: address, quorum_votes: '1' },
  }));
}

/** The cluster as a whole. */
export const CLUSTER_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/version', permission: anyone, handler: () => VERSION },
  {
    method: 'GET',
    path: '/cluster',
    permission: anyone,
    handler: () =>
      ['backup', 'config', 'ha', 'log', 'nextid', 'options', 'resources', 'status', 'tasks'].map((name) => ({
        name,
      })),
  },
  { method: 'GET', path: '/cluster/status', permission: audit, handler: status },
  { method: 'GET', path: '/cluster/resources', permission: anyone, handler: resources },
  { method: 'GET', path: '/cluster/nextid', permission: anyone, handler: nextId },
  {
    method: 'GET',
    path: '/cluster/options',
    permission: anyone,
    handler: ({ lab }) => lab.files.readJson<Record<string, string>>(OPTIONS, {}),
  },
  {
    method: 'PUT',
    path: '/cluster/options',
    permission: needs('/', ['Sys.Modify']),
    handler: setOptions,
  },
  { method: 'GET', path: '/cluster/log', permission: anyone, handler: () => [] },
  { method: 'GET', path: '/cluster/config/nodes', permission: audit, handler: corosync },
];
