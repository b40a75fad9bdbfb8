import { parseMount, printMount } from '@psa/proxmox/conf';
import type { GuestConf } from '../../cluster/guest-conf.ts';
import { requireDigest, requireUnlocked } from '../../cluster/guests.ts';
import { ownerOf, parseSize, printSize } from '../../cluster/storages.ts';
import { badParameter, failure } from '../../errors.ts';
import { bandwidthLimit, paced } from '../../guests/bandwidth.ts';
import { applyPending, hotplug, requireRunnable, stage } from '../../guests/change.ts';
import { addUnused, freeOwn, freeVolume, isInSnapshot, mountOf, storageOf } from '../../guests/disks.ts';
import { isTemplate, sizeOf, volumeOf } from '../../guests/values.ts';
import type { VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';
import { poolOf, requireGuestRight, wishedLimit } from './rights.ts';
import { guestTask } from './status.ts';

/** `PUT …/resize`: checked before the task, and in it once more (PVE::API2::LXC, resize_vm). */
async function resize(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const disk = params.need('disk');
  const wanted = params.need('size');
  const bytes = parseSize(wanted.replace(/^\+/, ''));
  if (bytes === null) throw failure('invalid size string');
  const check = async () => {
    const { conf, digest } = lab.guests.load(node, vmid);
    requireUnlocked(conf);
    // The name of the disk is taken for an option by the check of rights.
    if (context.caller.id !== 'root@pam')
      requireGuestRight(context, vmid, poolOf(context, vmid), 'VM.Config.Options');
    requireDigest(params.text('digest') || null, digest);
    const { volume, owner } = ownVolume(context, mountOf(disk, conf.values[disk]).volume);
    if (owner !== vmid) throw failure(`can't resize mount point owned by another container (${owner ?? ''})`);
    context.check(`/storage/${volume.storage}`, ['Datastore.AllocateSpace']);
    const now = sizeOf(conf.values[disk]) || (await lab.volumes.usage(node, volume)).size;
    const size = wanted.startsWith('+') ? now + bytes : bytes;
    if (size < now) throw failure('unable to shrink disk size');
    if (size === now) throw failure('disk is already at specified size');
    return { volume, size };
  };
  await check();
  return guestTask(context, 'resize', vmid, (task) =>
    lab.locks.guest(vmid, async () => {
      const { volume, size } = await check();
      requireGrowable(context, volume, size, task);
      await lab.volumes.resize(node, volume, size);
      task.log('Image resized.');
      lab.guests.update(node, vmid, ({ values }) => {
        values[disk] = printMount({ ...parseMount(values[disk]!), size: printSize(size) });
      });
    }),
  );
}

/** The file of a template's disk cannot be changed. @throws as `qemu-img` does */
function requireGrowable({ lab }: RequestContext, volume: VolumeId, size: number, task: TaskHandle): void {
  const { path } = lab.storages.get(volume.storage);
  if (!volume.name.startsWith('base-') || path === undefined) return;
  const file = `${path}/images/${ownerOf(volume)}/${volume.name}.raw`;
  task.log(`qemu-img: Could not open '${file}': Could not open '${file}': Operation not permitted`);
  throw failure(
    `command '/usr/bin/qemu-img resize '--preallocation=off' -f raw ${file} ${size}' failed: exit code 1`,
  );
}

function ownVolume({ lab }: RequestContext, volid: string): { volume: VolumeId; owner: number | null } {
  storageOf(volid);
  const volume = lab.storages.parse(volid);
  if (!volume) throw failure(`unable to parse volume filename '${volid.replace(/^[^:]*:/, '')}'`);
  return { volume, owner: ownerOf(volume) };
}

/** `POST …/move_volume`: to another storage, or to another container of the node (PVE::API2::LXC, move_volume). */
function move(context: RequestContext, params: RouteParams): Promise<string> | string {
  const storage = params.text('storage') || null;
  const to = params.text('target-vmid') || null;
  if (storage !== null && to !== null) throw failure('either set storage or target-vmid, but not both');
  if (to !== null) return reassign(context, params, Number(to));
  if (storage !== null) return relocate(context, params, storage);
  const missing = "both 'storage' and 'target-vmid' missing, either needs to be set";
  throw badParameter({ 'target-vmid': missing, storage: missing });
}

async function relocate(context: RequestContext, params: RouteParams, storage: string): Promise<string> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const key = params.need('volume');
  const removes = params.flag('delete');
  context.check(`/storage/${storage}`, ['Datastore.AllocateSpace']);
  const old = await lab.locks.guest(vmid, async () => {
    const { conf, digest } = lab.guests.load(node, vmid);
    requireUnlocked(conf);
    if (await lab.stats.isRunning(node, vmid)) throw failure('cannot move volumes of a running container');
    if (key.startsWith('unused'))
      throw failure(`cannot move volume '${key}', only configured volumes can be moved to another storage`);
    const volid = mountOf(key, conf.values[key]).volume;
    if (removes && isInSnapshot(conf, volid))
      throw failure("you can't move a volume with snapshots and delete the source");
    requireDigest(params.text('digest') || null, digest);
    lab.membership.requireQuorum(node);
    conf.values.lock = 'disk';
    lab.guests.save(node, vmid, conf);
    return volid;
  });
  return guestTask(context, 'move_volume', vmid, async (task) => {
    try {
      await copyTo(context, params, { vmid, key, old, storage, removes }, task);
    } finally {
      if (!task.signal.aborted)
        lab.guests.update(node, vmid, ({ values }) => {
          delete values.lock;
        });
    }
  });
}

interface Relocating {
  readonly vmid: number;
  readonly key: string;
  /** The volume as it is named now. */
  readonly old: string;
  readonly storage: string;
  readonly removes: boolean;
}

async function copyTo(
  context: RequestContext,
  params: RouteParams,
  { vmid, key, old, storage, removes }: Relocating,
  task: TaskHandle,
): Promise<void> {
  const { lab, node } = context;
  const from = lab.storages.parse(old);
  if (!from) throw failure(`cannot copy volumes of type bind`);
  if (!lab.storages.onNode(node, storage).content.includes('rootdir'))
    throw failure(`content type 'rootdir' is not available or configured on storage '${storage}'`);
  const { conf } = lab.guests.load(node, vmid);
  const to = await freeVolume(lab, node, storage, vmid, isTemplate(conf.values) ? 'base' : 'vm');
  task.log(`creating volume '${lab.storages.print(to)}', size=${sizeOf(conf.values[key])}`);
  const began = performance.now();
  await lab.volumes.copy({ node, volume: from }, { node, volume: to });
  const limit = bandwidthLimit(lab, 'move', [from.storage, storage], wishedLimit(context, params));
  await paced(lab, task, limit, (await lab.volumes.usage(node, to)).used, began);
  lab.guests.update(node, vmid, ({ values }) => {
    values[key] = values[key]!.replace(volumeOf(values[key]!), lab.storages.print(to));
    if (!removes) addUnused(values, old);
  });
  if (removes) await freeOwn(lab, node, vmid, old);
}

/** Gives a volume to another container. Its configuration takes it as any change. */
async function reassign(context: RequestContext, params: RouteParams, to: number): Promise<string> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const key = params.need('volume');
  const target = params.text('target-volume') ?? key;
  if (context.caller.id !== 'root@pam') requireGuestRight(context, to, poolOf(context, to), 'VM.Config.Disk');
  const wish = { vmid, key, to, target };
  const { volume } = await checkReassign(context, params, wish);
  context.check(`/storage/${volume.storage}`, ['Datastore.AllocateSpace']);
  return lab.tasks.start(
    { node, type: 'move_volume', id: `${vmid}-${key}>${to}-${target}`, user: context.caller.id },
    (task) =>
      lab.locks.guest(vmid, () => {
        const give = async () => handOver(context, wish, await checkReassign(context, params, wish), task);
        return to === vmid ? give() : lab.locks.guest(to, give);
      }),
  );
}

interface Reassigning {
  readonly vmid: number;
  readonly key: string;
  readonly to: number;
  readonly target: string;
}

interface Handed {
  readonly source: GuestConf;
  readonly sink: GuestConf;
  readonly volume: VolumeId;
}

async function checkReassign(
  { lab }: RequestContext,
  params: RouteParams,
  { vmid, key, to, target }: Reassigning,
): Promise<Handed> {
  if (key === 'rootfs' || target === 'rootfs') throw failure("Cannot move to/from 'rootfs'");
  if (key.startsWith('unused') && !target.startsWith('unused'))
    throw failure('Moving an unused volume to a used one is not possible');
  const [from, there] = [lab.guests.nodeOf(vmid), lab.guests.nodeOf(to)];
  if (from === null) throw failure(`could not find CT ${vmid}`);
  if (there === null) throw failure(`could not find CT ${to}`);
  if (from !== there) throw failure(`Both containers need to be on the same node (${from} != ${there})`);
  const source = lab.guests.load(from, vmid);
  requireUnlocked(source.conf);
  const sink = to === vmid ? source : lab.guests.load(from, to);
  requireUnlocked(sink.conf);
  if (isTemplate(source.conf.values) || isTemplate(sink.conf.values))
    throw failure("Can't move volumes from or to template CT");
  for (const [id, known, digest] of [
    [vmid, params.text('digest'), source.digest],
    [to, params.text('target-digest'), sink.digest],
  ] as const)
    if (known && known !== digest)
      throw failure(
        `Container ${id}: detected modified configuration - file changed by other user? Try again.`,
      );
  const setting = source.conf.values[key];
  if (setting === undefined) throw failure(`volume '${key}' for container '${vmid}' does not exist`);
  if (sink.conf.values[target] !== undefined)
    throw failure(`Target volume key '${target}' is already in use for container '${to}'`);
  const volid = volumeOf(setting);
  if (isInSnapshot(source.conf, volid))
    throw failure('Cannot move volume used by a snapshot to another container');
  const volume = lab.storages.parse(volid);
  if (!volume) throw failure('Storage does not support moving of this disk to another container');
  if ((await lab.stats.isRunning(from, vmid)) && !key.startsWith('unused'))
    throw failure('Cannot move in-use volume while the source CT is running - detach or shutdown first');
  return { source: source.conf, sink: sink.conf, volume };
}

async function handOver(
  { lab, node }: RequestContext,
  { vmid, key, to, target }: Reassigning,
  { source, sink, volume }: Handed,
  task: TaskHandle,
): Promise<void> {
  task.log(`moving volume '${key}' from container '${vmid}' to '${to}'`);
  const fresh = await freeVolume(lab, node, volume.storage, to);
  await lab.volumes.copy({ node, volume }, { node, volume: fresh });
  await lab.volumes.remove(node, volume);
  const setting = source.values[key]!.replace(volumeOf(source.values[key]!), lab.storages.print(fresh));
  delete source.values[key];
  task.log(`removing volume '${key}' from container '${vmid}' config`);
  lab.guests.save(node, vmid, source);
  if (target.startsWith('unused')) sink.values[target] = lab.storages.print(fresh);
  else {
    const isRunning = await lab.stats.isRunning(node, to);
    const concerned = stage(lab, to, sink, { values: { [target]: setting }, gone: [], reverted: [] });
    const take = isRunning ? hotplug : applyPending;
    await take(lab, node, to, sink, concerned).catch((error: Error) => task.warn(error.message));
  }
  lab.guests.save(node, to, sink);
  if (!target.startsWith('unused')) requireRunnable(lab, node, sink);
  task.log(`target container '${to}' updated with '${target}'`);
}

/** Disks of containers: larger, elsewhere, another's. */
export const VOLUME_ROUTES: readonly Route[] = [
  {
    method: 'PUT',
    path: '/nodes/{node}/lxc/{vmid}/resize',
    permission: needs('/vms/{vmid}', ['VM.Config.Disk'], true),
    handler: resize,
  },
  {
    method: 'POST',
    path: '/nodes/{node}/lxc/{vmid}/move_volume',
    permission: needs('/vms/{vmid}', ['VM.Config.Disk']),
    handler: move,
  },
];
