import { parseMount, parseNet, printMount, printNet } from '@psa/proxmox/conf';
import { type GuestValues, newConf, numbered, parseConf } from '../../cluster/guest-conf.ts';
import { printSize, type StorageConf } from '../../cluster/storages.ts';
import { badParameter, failure, plain } from '../../errors.ts';
import { bandwidthLimit, paced } from '../../guests/bandwidth.ts';
import { freeVolume, makeMount, ownVolumesOf, removeVolumes, wishOf } from '../../guests/disks.ts';
import { addToPool } from '../../guests/pool.ts';
import { newHwaddr, optionsOf, sizeOf, volumeOf } from '../../guests/values.ts';
import type { Lab } from '../../lab.ts';
import type { VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { afterMaking } from '../lxc/after-making.ts';
import { checkBridge, checkStorage, wishedLimit } from '../lxc/rights.ts';
import { guestTask } from '../lxc/status.ts';
import type { RouteParams } from '../params.ts';
import type { RequestContext } from '../route.ts';
import { backedUpMounts, pathOf } from './coverage.ts';
import { backupVolume, findFile, readBackupConfig, shownPath } from './stored-files.ts';

/**
 * Makes a container from a backup: what `POST /nodes/{node}/lxc` does with `restore`, once the checks that it shares
 * with a create are done. Without `unique` it keeps its hardware addresses, and always its IP addresses. With `unique` its
 * cards are those of the backup but for the hardware addresses, whatever the request says of them. Once the archive is
 * being unpacked a failure leaves nothing: neither the new container nor the one in whose place it was to be.
 * @returns the UPID
 */
export async function restoreGuest(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const owner = lab.guests.nodeOf(vmid);
  if (owner !== null && (owner !== node || !params.flag('force'))) lab.guests.requireUnused(vmid);
  const rootfs = params.text('rootfs');
  const wish = rootfs === null ? null : wishOf(rootfs);
  if (rootfs !== null && !wish)
    throw badParameter({ rootfs: `unable to parse volume ID '${rootfs.split(',')[0]}'` });
  const storage = wish?.storage ?? params.text('storage') ?? 'local';
  checkStorage(context, storage);
  const volid = params.need('ostemplate');
  const backup = backupVolume(context, volid);
  const { conf } = backup;
  const before = owner === null ? null : lab.guests.load(node, vmid).conf;
  if (before === null) lab.guests.reserve(node, vmid, 'create');
  else
    lab.guests.update(node, vmid, (changed) => {
      if (changed.values.lock !== undefined)
        throw failure(`unable to restore CT ${vmid} - CT is locked (${changed.values.lock})`);
      changed.values.lock = 'create';
    });
  return guestTask(context, 'vzrestore', vmid, async (task) => {
    const made: VolumeId[] = [];
    const stage = { isBegun: false };
    try {
      task.log(`recovering backed-up configuration from '${volid}'`);
      const values = await rebuild(
        context,
        params,
        {
          ...{ vmid, volid, name: backup.name, conf, storage },
          wasUnprivileged: before === null || before.values.unprivileged === '1',
          stage,
        },
        made,
        task,
      );
      await lab.locks.guest(vmid, () => lab.guests.save(node, vmid, newConf(values)));
      if (before) await removeVolumes(lab, node, ownVolumesOf(lab, vmid, before));
    } catch (error) {
      await removeVolumes(lab, node, made);
      // The disks of the old one are gone before the archive is read, and its configuration with the new one's (seen on 9.2).
      if (before && stage.isBegun) await removeVolumes(lab, node, ownVolumesOf(lab, vmid, before));
      if (before && !stage.isBegun) lab.guests.save(node, vmid, before);
      else lab.guests.remove(node, vmid);
      throw failure(`unable to restore CT ${vmid} - ${plain(error).message}`);
    }
    const pool = params.text('pool');
    if (pool !== null) addToPool(lab, pool, vmid);
    afterMaking(context, params, task);
  });
}

interface Restoring {
  /** There was none, or an unprivileged one, in its place. */
  readonly wasUnprivileged: boolean;
  readonly vmid: number;
  readonly volid: string;
  readonly name: string;
  /** The storage of the backup. */
  readonly conf: StorageConf;
  /** The storage of the new disk. */
  readonly storage: string;
  /** Whether everything was looked at, and disks are being made. */
  readonly stage: { isBegun: boolean };
}

async function rebuild(
  context: RequestContext,
  params: RouteParams,
  { vmid, volid, name, conf, storage, wasUnprivileged, stage }: Restoring,
  made: VolumeId[],
  task: TaskHandle,
): Promise<GuestValues> {
  const { lab, node } = context;
  const found = await findFile(lab, node, conf, 'backup', name);
  if (!found) throw failure(`volume '${volid}' does not exist`);
  const backedUp = parseConf(await readBackupConfig(found.file)).values;
  const { rootfs: _, ...given } = optionsOf(params.texts());
  if (context.caller.id !== 'root@pam')
    for (const key of numbered(backedUp, 'net')) if (!params.has(key)) checkBridge(context, backedUp[key]!);
  const unprivileged = (given.unprivileged ?? backedUp.unprivileged) === '1';
  if (!unprivileged && wasUnprivileged) context.check('/', ['Sys.Modify']);
  const wish = wishOf(params.text('rootfs') ?? '');
  const bytes = wish?.bytes ?? sizeOf(backedUp.rootfs);
  const volume = await freeVolume(lab, node, storage, vmid);
  task.log(`creating volume '${lab.storages.print(volume)}', size=${bytes}`);
  task.log(`restoring '${volid}' now..`);
  task.log(`extracting archive '${shownPath(conf, 'backup', name)}'`);
  const mounts = params.has('rootfs') || numbered(given, 'mp').length > 0 ? given : backedUp;
  const packed = backedUpMounts(lab, backedUp).map(({ path }) => path);
  const taken = numbered(mounts, 'mp').map((key) => pathOf(mounts[key]!));
  const source = { archive: found.file, unprivileged };
  const began = performance.now();
  stage.isBegun = true;
  await lab.volumes.create(node, volume, {
    ...{ ...source, sizeBytes: bytes },
    part: { without: packed.filter((path) => taken.includes(path)).map((path) => `${path}/*`) },
  });
  made.push(volume);
  const limit = bandwidthLimit(lab, 'restore', [storage], wishedLimit(context, params));
  await paced(lab, task, limit, found.size, began);
  // Aborted meanwhile: the disk must not be left behind.
  task.signal.throwIfAborted();
  task.log('merging backed-up and given configuration..');
  const { lock, template, parent, snaptime, ...kept } = backedUp;
  for (const key of Object.keys(kept)) if (/^(mp|unused)\d+$/.test(key)) delete kept[key];
  const values: GuestValues = {
    ...kept,
    ...given,
    ...(await newMounts(lab, node, { vmid, storage, source, packed, mounts, made })),
    rootfs: `${lab.storages.print(volume)}${wish?.rest ?? ''},size=${printSize(bytes)}`,
  };
  if (params.flag('unique'))
    for (const key of numbered(backedUp, 'net'))
      values[key] = printNet({ ...parseNet(backedUp[key]!), hwaddr: newHwaddr() });
  return values;
}

/**
 * Disks for the mount points of a backup: of their sizes, with what the backup has of them, and new, for those of the
 * old container are its own.
 */
async function newMounts(
  lab: Lab,
  node: string,
  it: {
    readonly vmid: number;
    readonly storage: string;
    readonly source: { readonly archive: string; readonly unprivileged: boolean };
    /** Paths in the archive that volumes of their own had. */
    readonly packed: readonly string[];
    readonly mounts: GuestValues;
    readonly made: VolumeId[];
  },
): Promise<GuestValues> {
  const settings: GuestValues = {};
  for (const key of numbered(it.mounts, 'mp')) {
    const text = it.mounts[key]!;
    const mount = parseMount(text);
    const wish = wishOf(text) ? mount.volume : `${it.storage}:${sizeOf(text) / 1024 ** 3}`;
    const made = printMount({ ...mount, volume: wish });
    const below = pathOf(text);
    const { unprivileged } = it.source;
    settings[key] = it.packed.includes(below)
      ? await makeMount(lab, node, it.vmid, made, unprivileged, {
          archive: it.source.archive,
          part: { below },
        })
      : await makeMount(lab, node, it.vmid, made, unprivileged);
    it.made.push(lab.storages.parse(volumeOf(settings[key]))!);
  }
  return settings;
}
