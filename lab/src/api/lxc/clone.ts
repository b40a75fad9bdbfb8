import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { parseNet, printNet } from '@psa/proxmox/conf';
import { type GuestValues, newConf, numbered } from '../../cluster/guest-conf.ts';
import { requireUnlocked } from '../../cluster/guests.ts';
import { printSize } from '../../cluster/storages.ts';
import type { VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { badParameter, denied, failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';
import { addToPool } from './create.ts';
import { freeVolume } from './disks.ts';
import { checkStorage, mayGuest } from './rights.ts';
import { guestTask } from './status.ts';
import { isTemplate, newHwaddr, sizeOf, volumeOf } from './values.ts';

async function clone(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const newid = params.int('newid');
  const pool = params.text('pool');
  lab.membership.requireQuorum(node);
  if (!mayGuest(context, newid, pool, ['VM.Allocate'])) throw denied(`/vms/${newid}, VM.Allocate`);
  if (pool !== null && !Object.hasOwn(lab.access.read().pools, pool))
    throw denied(`pool '${pool}' does not exist`);
  const target = params.text('target') ?? node;
  if (!lab.membership.has(target)) throw failure(`no such cluster node '${target}'`);
  const storage = params.text('storage');
  if (storage !== null) checkStorage(context, storage);
  // A conversion to a template that is under way comes to its end first.
  const { conf } = await lab.locks.guest(vmid, () => lab.guests.load(node, vmid));
  requireUnlocked(conf);
  const snapshot = params.text('snapname');
  const source = snapshot === null ? conf.values : conf.snapshots[snapshot];
  if (!source) throw failure(`snapshot '${snapshot}' does not exist`);
  const isFull = params.flag('full', !isTemplate(conf.values));
  const volume = lab.storages.parse(volumeOf(source.rootfs ?? ''));
  if (!volume) throw failure(`CT ${vmid} has no usable rootfs`);
  if (!isFull && !(isTemplate(conf.values) && lab.storages.canSnapshot(volume.storage)))
    throw failure(`Linked clone feature for '${lab.storages.print(volume)}' is not available`);
  if (snapshot === null && (await lab.stats.isRunning(node, vmid)))
    throw failure('Cannot do full clones on a running container without snapshots');
  if (target !== node && !lab.storages.get(storage ?? volume.storage).shared)
    throw badParameter({
      target: `can't clone to target node, storage '${storage ?? volume.storage}' is local`,
    });
  lab.guests.reserve(node, newid, 'create');
  return guestTask(context, 'vzclone', vmid, (task) =>
    copy(lab, node, { vmid, newid, source, volume, snapshot, storage, target, pool, params, isFull }, task),
  );
}

interface Cloning {
  readonly vmid: number;
  readonly newid: number;
  readonly source: GuestValues;
  readonly volume: VolumeId;
  readonly snapshot: string | null;
  readonly storage: string | null;
  readonly target: string;
  readonly pool: string | null;
  readonly params: RouteParams;
  readonly isFull: boolean;
}

async function copy(lab: Lab, node: string, cloning: Cloning, task: TaskHandle): Promise<void> {
  const { vmid, newid, source, volume, params, pool, target } = cloning;
  let made: VolumeId | null = null;
  try {
    task.log(`creating a clone of container ${vmid} with ID ${newid}`);
    const how = cloning.isFull ? 'full' : 'linked base';
    task.log(`create ${how} clone of mountpoint rootfs (${lab.storages.print(volume)})`);
    const to = await freeVolume(lab, node, cloning.storage ?? volume.storage, newid);
    await copyVolume(lab, node, cloning, to);
    made = to;
    task.signal.throwIfAborted();
    const { template: _, lock: __, snaptime: ___, parent: ____, ...kept } = source;
    const values: GuestValues = {
      ...kept,
      rootfs: `${lab.storages.print(to)},size=${printSize(sizeOf(source.rootfs))}`,
    };
    for (const key of numbered(values, 'net'))
      values[key] = printNet({ ...parseNet(values[key]!), hwaddr: newHwaddr() });
    const hostname = params.text('hostname');
    const description = params.text('description');
    if (hostname !== null) values.hostname = hostname;
    if (description !== null) values.description = description;
    lab.guests.save(node, newid, newConf(values));
    if (target !== node) lab.guests.move(newid, node, target);
    if (pool !== null) addToPool(lab, pool, newid);
  } catch (error) {
    if (made) await lab.volumes.remove(node, made);
    lab.guests.remove(node, newid);
    throw failure(`clone failed: ${(error as Error).message}`);
  }
}

/** Copies a disk as it is, or as a snapshot has it. */
async function copyVolume(lab: Lab, node: string, cloning: Cloning, to: VolumeId): Promise<void> {
  const { volume, snapshot, source } = cloning;
  if (snapshot === null) {
    await lab.volumes.copy({ node, volume }, { node, volume: to });
    return;
  }
  const folder = join(lab.dir, 'tmp');
  const archive = join(folder, `clone-${randomBytes(8).toString('hex')}.tar`);
  await mkdir(folder, { recursive: true });
  try {
    const out = createWriteStream(archive);
    await lab.volumes.pack(node, volume, snapshot, out);
    if (!out.writableEnded) out.end();
    await finished(out);
    const unprivileged = source.unprivileged === '1';
    await lab.volumes.create(node, to, { archive, unprivileged, sizeBytes: sizeOf(source.rootfs) });
  } finally {
    await rm(archive, { force: true });
  }
}

async function toTemplate({ lab, node }: RequestContext, params: RouteParams): Promise<null> {
  const vmid = params.int('vmid');
  lab.membership.requireQuorum(node);
  const { conf } = lab.guests.load(node, vmid);
  requireUnlocked(conf);
  if (isTemplate(conf.values)) throw failure("you can't convert a template to a template");
  if (Object.keys(conf.snapshots).length > 0)
    throw failure(`unable to create template, because CT contains snapshots`);
  if (await lab.stats.isRunning(node, vmid))
    throw failure("you can't convert a CT to template if the CT is running");
  const volume = lab.storages.parse(volumeOf(conf.values.rootfs ?? ''));
  if (!volume) throw failure(`CT ${vmid} has no usable rootfs`);
  // Proxmox VE answers before it is done, and leaves no task.
  void lab.locks
    .guest(vmid, async () => {
      const base = await freeVolume(lab, node, volume.storage, vmid, 'base');
      await lab.volumes.copy({ node, volume }, { node, volume: base });
      lab.guests.update(node, vmid, (changed) => {
        changed.values.template = '1';
        changed.values.rootfs = `${lab.storages.print(base)},size=${printSize(sizeOf(changed.values.rootfs))}`;
      });
      await lab.volumes.remove(node, volume);
    })
    .catch((error) => console.error(`template of CT ${vmid}: ${(error as Error).message}`));
  return null;
}

function feature({ lab, node }: RequestContext, params: RouteParams): unknown {
  const { conf } = lab.guests.load(node, params.int('vmid'));
  const volume = lab.storages.parse(volumeOf(conf.values.rootfs ?? ''));
  const canSnapshot = volume !== null && lab.storages.canSnapshot(volume.storage);
  const has = {
    snapshot: canSnapshot,
    clone: canSnapshot && isTemplate(conf.values),
    copy: true,
  }[params.need('feature')];
  return { hasFeature: has ? 1 : 0 };
}

/** Copies of containers. */
export const CLONE_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/nodes/{node}/lxc/{vmid}/clone',
    permission: needs('/vms/{vmid}', ['VM.Clone']),
    handler: clone,
  },
  {
    method: 'POST',
    path: '/nodes/{node}/lxc/{vmid}/template',
    permission: needs('/vms/{vmid}', ['VM.Allocate']),
    handler: toTemplate,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/lxc/{vmid}/feature',
    permission: needs('/vms/{vmid}', ['VM.Audit']),
    handler: feature,
  },
];
