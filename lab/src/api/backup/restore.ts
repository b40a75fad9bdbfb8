import { parseNet, printNet } from '@psa/proxmox/conf';
import { type GuestValues, newConf, numbered, parseConf } from '../../cluster/guest-conf.ts';
import { printSize, type StorageConf } from '../../cluster/storages.ts';
import type { VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { badParameter, failure } from '../errors.ts';
import { startGuest } from '../lxc/actions.ts';
import { addToPool } from '../lxc/create.ts';
import { freeVolume, removeVolumes, volumesOf, wishOf } from '../lxc/disks.ts';
import { checkStorage } from '../lxc/rights.ts';
import { guestTask } from '../lxc/status.ts';
import { newHwaddr, optionsOf, sizeOf } from '../lxc/values.ts';
import type { RouteParams } from '../params.ts';
import type { RequestContext } from '../route.ts';
import { checkUse, findFile, parseBackupVolume, readBackupConfig, shownPath } from './stored-files.ts';

/**
 * Makes a container from a backup: what `POST /nodes/{node}/lxc` does with `restore`, once the checks that it shares
 * with a create are done. Without `unique` it keeps its hardware addresses, and always its IP addresses.
 * @returns the UPID
 */
export async function restoreGuest(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const owner = lab.guests.nodeOf(vmid);
  if (owner !== null && (owner !== node || !params.flag('force'))) lab.guests.requireUnused(vmid);
  const volid = params.need('ostemplate');
  const backup = parseBackupVolume(volid);
  const conf = lab.storages.onNode(node, backup.storage);
  checkUse(context, backup.storage, 'backup', backup.vmid);
  const rootfs = params.text('rootfs');
  const wish = rootfs === null ? null : wishOf(rootfs);
  if (rootfs !== null && !wish)
    throw badParameter({ rootfs: `unable to parse volume ID '${rootfs.split(',')[0]}'` });
  const storage = wish?.storage ?? params.text('storage') ?? 'local';
  checkStorage(context, storage);
  const before = owner === null ? null : lab.guests.load(node, vmid).conf;
  if (before === null) lab.guests.reserve(node, vmid, 'create');
  else
    lab.guests.update(node, vmid, (changed) => {
      if (changed.values.lock !== undefined) throw failure(`CT is locked (${changed.values.lock})`);
      changed.values.lock = 'create';
    });
  return guestTask(context, 'vzrestore', vmid, async (task) => {
    const made: VolumeId[] = [];
    try {
      task.log(`recovering backed-up configuration from '${volid}'`);
      const values = await rebuild(
        context,
        params,
        { vmid, volid, name: backup.name, conf, storage },
        made,
        task,
      );
      await lab.locks.guest(vmid, () => lab.guests.save(node, vmid, newConf(values)));
      if (before) await removeVolumes(lab, node, volumesOf(lab, before));
    } catch (error) {
      await removeVolumes(lab, node, made);
      if (before) lab.guests.save(node, vmid, before);
      else lab.guests.remove(node, vmid);
      throw failure(`unable to restore CT ${vmid} - ${(error as Error).message}`);
    }
    const pool = params.text('pool');
    if (pool !== null) addToPool(lab, pool, vmid);
    if (params.flag('start')) guestTask(context, 'vzstart', vmid, () => startGuest(lab, node, vmid));
  });
}

interface Restoring {
  readonly vmid: number;
  readonly volid: string;
  readonly name: string;
  /** The storage of the backup. */
  readonly conf: StorageConf;
  /** The storage of the new disk. */
  readonly storage: string;
}

async function rebuild(
  { lab, node }: RequestContext,
  params: RouteParams,
  { vmid, volid, name, conf, storage }: Restoring,
  made: VolumeId[],
  task: TaskHandle,
): Promise<GuestValues> {
  const found = await findFile(lab, node, conf, 'backup', name);
  if (!found) throw failure(`volume '${volid}' does not exist`);
  const backedUp = parseConf(await readBackupConfig(found.file)).values;
  const { rootfs: _, ...given } = optionsOf(params);
  const wish = wishOf(params.text('rootfs') ?? '');
  const bytes = wish?.bytes ?? sizeOf(backedUp.rootfs);
  const volume = await freeVolume(lab, node, storage, vmid);
  task.log(`creating volume '${lab.storages.print(volume)}', size=${bytes}`);
  task.log(`restoring '${volid}' now..`);
  task.log(`extracting archive '${shownPath(conf, 'backup', name)}'`);
  const unprivileged = (given.unprivileged ?? backedUp.unprivileged) === '1';
  await lab.volumes.create(node, volume, { archive: found.file, unprivileged, sizeBytes: bytes });
  made.push(volume);
  // Aborted meanwhile: the disk must not be left behind.
  task.signal.throwIfAborted();
  task.log('merging backed-up and given configuration..');
  const { lock, template, parent, snaptime, ...kept } = backedUp;
  const values: GuestValues = {
    ...kept,
    ...given,
    rootfs: `${lab.storages.print(volume)}${wish?.rest ?? ''},size=${printSize(bytes)}`,
  };
  if (params.flag('unique'))
    for (const key of numbered(values, 'net'))
      values[key] = printNet({ ...parseNet(values[key]!), hwaddr: newHwaddr() });
  return values;
}
