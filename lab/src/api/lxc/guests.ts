import { noFigures } from '../../errors.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { guestSummary } from './status.ts';

async function list(context: RequestContext): Promise<unknown> {
  const { lab, node } = context;
  const visible = lab.guests.on(node).filter(({ vmid }) => context.may(`/vms/${vmid}`, ['VM.Audit']));
  return Promise.all(visible.map(({ vmid }) => guestSummary(lab, node, vmid)));
}

const SUBDIRS = [
  ...[
    'config',
    'pending',
    'status',
    'vncproxy',
    'termproxy',
    'vncwebsocket',
    'spiceproxy',
    'migrate',
    'clone',
  ],
  ...['rrd', 'rrddata', 'firewall', 'snapshot', 'resize', 'interfaces'],
];

/** Lists of containers and what concerns one without changing its state. */
export const GUEST_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/nodes/{node}/lxc', permission: anyone, handler: list },
  {
    method: 'GET',
    path: '/nodes/{node}/lxc/{vmid}',
    permission: anyone,
    handler: ({ lab, node }, params) => {
      lab.guests.load(node, params.int('vmid'));
      return SUBDIRS.map((subdir) => ({ subdir }));
    },
  },
  {
    // The lab keeps no history of figures.
    method: 'GET',
    path: '/nodes/{node}/lxc/{vmid}/rrddata',
    isLocal: true,
    permission: needs('/vms/{vmid}', ['VM.Audit']),
    handler: ({ lab }, params) => {
      const vmid = params.int('vmid');
      if (lab.guests.nodeOf(vmid) === null) throw noFigures(`pve-vm-9.0/${vmid}`);
      return [];
    },
  },
];
