import { requireDigest, requireUnlocked } from '../../cluster/guests.ts';
import { parseSize, printSize } from '../../cluster/storages.ts';
import { badParameter, failure } from '../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { guestSummary, guestTask } from './status.ts';
import { sizeOf, volumeOf } from './values.ts';

async function list(context: RequestContext): Promise<unknown> {
  const { lab, node } = context;
  const visible = lab.guests.on(node).filter(({ vmid }) => context.may(`/vms/${vmid}`, ['VM.Audit']));
  return Promise.all(visible.map(({ vmid }) => guestSummary(lab, node, vmid)));
}

async function resize(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const disk = params.need('disk');
  lab.membership.requireQuorum(node);
  const { conf, digest } = lab.guests.load(node, vmid);
  requireDigest(params.text('digest'), digest);
  requireUnlocked(conf);
  const setting = conf.values[disk];
  if (setting === undefined) throw badParameter({ disk: `no such disk '${disk}'` });
  const volume = lab.storages.parse(volumeOf(setting));
  if (!volume) throw failure(`cannot resize mountpoint '${disk}': no volume of a storage`);
  context.check(`/storage/${volume.storage}`, ['Datastore.AllocateSpace']);
  const wanted = params.need('size');
  const bytes = parseSize(wanted.replace(/^\+/, ''));
  if (bytes === null) throw badParameter({ size: 'value does not match the regex pattern' });
  const size = wanted.startsWith('+') ? sizeOf(setting) + bytes : bytes;
  if (size < sizeOf(setting)) throw failure('unable to shrink disk size');
  return guestTask(context, 'resize', vmid, (task) =>
    lab.locks.guest(vmid, async () => {
      await lab.volumes.resize(node, volume, size);
      task.log('Image resized.');
      lab.guests.update(node, vmid, (changed) => {
        changed.values[disk] = setting.replace(/(^|,)size=[^,]+/, `$1size=${printSize(size)}`);
      });
    }),
  );
}

/** Lists of containers and what concerns one without changing its state. */
export const GUEST_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/nodes/{node}/lxc', permission: anyone, handler: list },
  {
    method: 'GET',
    path: '/nodes/{node}/lxc/{vmid}',
    permission: anyone,
    handler: () =>
      [
        'config',
        'pending',
        'status',
        'snapshot',
        'resize',
        'migrate',
        'clone',
        'template',
        'feature',
        'interfaces',
        'rrddata',
      ].map((subdir) => ({ subdir })),
  },
  {
    method: 'PUT',
    path: '/nodes/{node}/lxc/{vmid}/resize',
    permission: needs('/vms/{vmid}', ['VM.Config.Disk']),
    handler: resize,
  },
  {
    // The lab keeps no history of figures.
    method: 'GET',
    path: '/nodes/{node}/lxc/{vmid}/rrddata',
    permission: needs('/vms/{vmid}', ['VM.Audit']),
    handler: ({ lab, node }, params) => {
      lab.guests.load(node, params.int('vmid'));
      return [];
    },
  },
];
