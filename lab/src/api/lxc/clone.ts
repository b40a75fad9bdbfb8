import { randomBytes } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { parseNet, printNet } from '@psa/proxmox/conf';
import { copyFirewall } from '../../cluster/firewall.ts';
import { type GuestValues, newConf, numbered } from '../../cluster/guest-conf.ts';
import { requireUnlocked } from '../../cluster/guests.ts';
import { denied, failure } from '../../errors.ts';
import { bandwidthLimit, paced, type WishedLimit } from '../../guests/bandwidth.ts';
import { freeVolume, kindOf, storageOf } from '../../guests/disks.ts';
import { type Feature, hasFeature, haveFeature } from '../../guests/features.ts';
import { addToPool } from '../../guests/pool.ts';
import { diskKeys, isTemplate, newHwaddr, optionsOf, sizeOf, volumeOf } from '../../guests/values.ts';
import type { Lab } from '../../lab.ts';
import type { VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';
import { checkBridge, wishedLimit } from './rights.ts';
import { guestTask } from './status.ts';

/** `POST …/clone`, in the order of PVE::API2::LXC, clone_vm. */
async function clone(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const newid = params.int('newid');
  const pool = params.text('pool') || null;
  if (pool !== null && !Object.hasOwn(lab.access.read().pools, pool))
    throw denied(`pool '${pool}' does not exist`);
  const target = params.text('target') || node;
  if (!lab.membership.has(target)) throw failure(`no such cluster node '${target}'`);
  const storage = params.text('storage') || null;
  if (storage !== null) {
    lab.storages.onNode(node, storage);
    if (target !== node && !lab.storages.onNode(target, storage).shared)
      throw failure(`can't clone to non-shared storage '${storage}'`);
  }
  lab.membership.requireQuorum(node);
  const snapshot = params.text('snapname') || null;
  const cloning = await lab.locks.guest(vmid, async () => {
    const { conf } = lab.guests.load(node, vmid);
    requireUnlocked(conf);
    lab.guests.requireUnused(newid);
    const isFull = params.flag('full', !isTemplate(conf.values));
    if (storage !== null && !isFull) throw failure("parameter 'storage' not allowed for linked clones");
    const source = snapshot === null ? conf.values : conf.snapshots[snapshot];
    if (!source) throw failure(`snapshot '${snapshot}' does not exist`);
    const isRunning = await lab.stats.isRunning(node, vmid);
    const limit = wishedLimit(context, params);
    const it = { vmid, newid, source, snapshot, storage, target, pool, params, isFull, limit };
    checkSource(context, it, isRunning);
    conf.values.lock = 'disk';
    lab.guests.save(node, vmid, conf);
    lab.guests.reserve(node, newid, 'create');
    copyFirewall(lab.files, vmid, newid);
    return it;
  });
  return guestTask(context, 'vzclone', vmid, (task) => copy(lab, node, cloning, task));
}

interface Cloning {
  readonly vmid: number;
  readonly newid: number;
  readonly source: GuestValues;
  readonly snapshot: string | null;
  readonly storage: string | null;
  readonly target: string;
  readonly pool: string | null;
  readonly params: RouteParams;
  readonly isFull: boolean;
  readonly limit: WishedLimit;
}

function checkSource(context: RequestContext, it: Cloning, isRunning: boolean): void {
  const { lab, node } = context;
  let isShared = true;
  for (const key of Object.keys(it.source).sort()) {
    const value = it.source[key]!;
    if (/^net\d+$/.test(key)) {
      if (context.caller.id !== 'root@pam') checkBridge(context, value);
      continue;
    }
    if (key !== 'rootfs' && !/^mp\d+$/.test(key)) continue;
    const volid = volumeOf(value);
    if (kindOf(volid) !== 'volume')
      throw failure(`unable to clone mountpoint '${key}' (type ${kindOf(volid)})`);
    const storage = it.storage ?? storageOf(volid);
    isShared &&= lab.storages.get(storage).shared;
    context.check(`/storage/${storage}`, ['Datastore.AllocateSpace']);
    if (it.isFull && isRunning && it.snapshot === null)
      throw failure('Full clone of a running container is only possible from a snapshot');
    if (!it.isFull && !hasFeature(lab, 'clone', volid, it.snapshot))
      throw failure(`Linked clone feature for '${volid}' is not available`);
  }
  if (it.target !== node && !isShared)
    throw failure(`can't clone CT to node '${it.target}' (CT uses local storage)`);
}

async function copy(lab: Lab, node: string, cloning: Cloning, task: TaskHandle): Promise<void> {
  const { vmid, newid, source, params, pool, target } = cloning;
  const made: VolumeId[] = [];
  try {
    task.log(`creating a clone of container ${vmid} with ID ${newid}`);
    const values = { ...source };
    for (const key of ['template', 'lock', 'snaptime', 'snapstate', 'parent', 'digest']) delete values[key];
    for (const key of Object.keys(values)) if (/^unused\d+$/.test(key)) delete values[key];
    for (const key of diskKeys(source)) {
      const volid = volumeOf(source[key]!);
      const how = cloning.isFull ? 'full clone of mountpoint' : 'linked clone of mount point';
      task.log(`create ${how} ${key} (${volid})`);
      const storage = cloning.storage ?? storageOf(volid);
      if (!lab.storages.get(storage).content.includes('rootdir'))
        throw failure(`content type 'rootdir' is not available or configured on storage '${storage}'`);
      const to = await freeVolume(lab, node, storage, newid);
      const began = performance.now();
      await copyVolume(lab, node, cloning, key, to);
      made.push(to);
      if (cloning.isFull) {
        const limit = bandwidthLimit(lab, 'clone', [storageOf(volid), storage], cloning.limit);
        await paced(lab, task, limit, (await lab.volumes.usage(node, to)).used, began);
      }
      if (key === 'rootfs' && source.ostype !== 'unmanaged')
        await lab.runtime.forgetMachine(await lab.volumes.path(node, to), 'clone');
      values[key] = source[key]!.replace(volid, lab.storages.print(to));
      task.signal.throwIfAborted();
    }
    for (const key of numbered(values, 'net'))
      values[key] = printNet({ ...parseNet(values[key]!), hwaddr: newHwaddr() });
    const { hostname, description } = optionsOf(params.texts());
    if (hostname) values.hostname = hostname;
    if (description) values.description = description;
    lab.guests.save(node, newid, newConf(values));
    if (target !== node) lab.guests.move(newid, node, target);
    if (pool !== null) addToPool(lab, pool, newid);
  } catch (error) {
    for (const volume of made) await lab.volumes.remove(node, volume);
    lab.guests.remove(node, newid);
    throw failure(`clone failed: ${(error as Error).message}`);
  } finally {
    lab.guests.update(node, vmid, ({ values }) => {
      delete values.lock;
    });
  }
}

/** Copies a disk as it is, or as a snapshot has it. */
async function copyVolume(
  lab: Lab,
  node: string,
  { snapshot, source }: Cloning,
  key: string,
  to: VolumeId,
): Promise<void> {
  const volume = lab.storages.parse(volumeOf(source[key]!));
  if (!volume) throw failure(`unable to parse volume ID '${volumeOf(source[key]!)}'`);
  if (snapshot === null) {
    await lab.volumes.copy({ node, volume }, { node, volume: to });
    return;
  }
  const folder = join(lab.dir, 'tmp');
  const archive = join(folder, `clone-${randomBytes(8).toString('hex')}.tar`);
  await mkdir(folder, { recursive: true });
  // Opened before anything can fail: a file that appears after its removal would stay.
  const out = (await open(archive, 'wx')).createWriteStream();
  try {
    await lab.volumes.pack(node, volume, snapshot, out);
    if (!out.writableEnded) out.end();
    await finished(out);
    const unprivileged = source.unprivileged === '1';
    await lab.volumes.create(node, to, { archive, unprivileged, sizeBytes: sizeOf(source[key]) });
  } finally {
    out.destroy();
    await rm(archive, { force: true });
  }
}

/** `POST …/template`: answers at once, the work goes on in a task (PVE::API2::LXC, template). */
async function toTemplate(context: RequestContext, params: RouteParams): Promise<null> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  await lab.locks.guest(vmid, async () => {
    const { conf } = lab.guests.load(node, vmid);
    requireUnlocked(conf);
    if (Object.keys(conf.snapshots).length > 0)
      throw failure('unable to create template, because CT contains snapshots');
    if (isTemplate(conf.values)) throw failure("you can't convert a template to a template");
    if (await lab.stats.isRunning(node, vmid))
      throw failure("you can't convert a CT to template if the CT is running");
  });
  guestTask(context, 'vztemplate', vmid, () =>
    // A real node works without the lock; here nothing else is to see it half done.
    lab.locks.guest(vmid, async () => {
      const { conf } = lab.guests.load(node, vmid);
      for (const key of diskKeys(conf.values))
        if (!hasFeature(lab, 'template', volumeOf(conf.values[key]!), null))
          throw failure(`Template feature is not available for '${volumeOf(conf.values[key]!)}'`);
      for (const key of diskKeys(conf.values)) await toBase(lab, node, vmid, key);
      lab.guests.update(node, vmid, ({ values }) => {
        values.template = '1';
      });
    }),
  );
  return null;
}

/** A disk gets the name of one that others can stand on. */
async function toBase(lab: Lab, node: string, vmid: number, key: string): Promise<void> {
  const volid = volumeOf(lab.guests.load(node, vmid).conf.values[key]!);
  const volume = lab.storages.parse(volid);
  if (!volume) throw failure(`unable to parse volume ID '${volid}'`);
  const base = await freeVolume(lab, node, volume.storage, vmid, 'base');
  await lab.volumes.copy({ node, volume }, { node, volume: base });
  lab.guests.update(node, vmid, ({ values }) => {
    values[key] = values[key]!.replace(volid, lab.storages.print(base));
  });
  await lab.volumes.remove(node, volume);
}

function feature({ lab, node }: RequestContext, params: RouteParams): unknown {
  const { conf } = lab.guests.load(node, params.int('vmid'));
  const snapshot = params.text('snapname') || null;
  const values = snapshot === null ? conf.values : conf.snapshots[snapshot];
  if (!values) throw failure(`snapshot '${snapshot}' does not exist`);
  const wanted = params.need('feature') as Feature;
  return { hasFeature: haveFeature(lab, wanted, values, snapshot) ? 1 : 0 };
}

/** Copies of containers. */
export const CLONE_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/nodes/{node}/lxc/{vmid}/clone',
    permission: {
      check: [
        'and',
        ['perm', '/vms/{vmid}', ['VM.Clone']],
        [
          'or',
          ['perm', '/vms/{newid}', ['VM.Allocate']],
          ['perm', '/pool/{pool}', ['VM.Allocate'], 'require_param', 'pool'],
        ],
      ],
    },
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
