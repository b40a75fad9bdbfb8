import { access, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { GuestValues } from '../../cluster/guest-conf.ts';
import { newConf, numbered } from '../../cluster/guest-conf.ts';
import { badParameter, denied, failure } from '../../errors.ts';
import { bandwidthLimit, paced, type WishedLimit } from '../../guests/bandwidth.ts';
import {
  type DiskWish,
  kindOf,
  makeDisk,
  makeMount,
  mountOf,
  storageOf,
  wishOf,
} from '../../guests/disks.ts';
import { addToPool } from '../../guests/pool.ts';
import { optionsOf, sizeOf, volumeOf } from '../../guests/values.ts';
import type { Lab } from '../../lab.ts';
import type { VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { restoreGuest } from '../backup/restore.ts';
import { shownPath } from '../backup/stored-files.ts';
import type { RouteParams } from '../params.ts';
import { anyone, type RequestContext, type Route } from '../route.ts';
import { afterMaking } from './after-making.ts';
import { checkChange, checkStorage, mayGuest, wishedLimit } from './rights.ts';
import { guestTask } from './status.ts';

const DEFAULT_DISK = 4 * 1024 ** 3;

/** `POST /nodes/{node}/lxc`: from a template, or from a backup with `restore`. */
async function create(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node } = context;
  lab.membership.requireQuorum(node);
  const vmid = params.int('vmid');
  const isRestore = params.flag('restore');
  // What a backup's flag is shows in the task: until then it counts as privileged.
  const unprivileged = params.flag('unprivileged', !isRestore);
  if (!isRestore && !unprivileged) context.check('/', ['Sys.Modify']);
  if (params.flag('ha-managed')) context.check('/', ['Sys.Console']);
  await checkId(context, vmid, isRestore && params.flag('force'));
  checkKeys(params.text('ssh-public-keys'));
  const pool = params.text('pool');
  if (pool !== null && !Object.hasOwn(lab.access.read().pools, pool))
    throw denied(`pool '${pool}' does not exist`);
  checkAllocate(context, vmid, pool, isRestore);
  const values = optionsOf(params.texts());
  // Whether it is unprivileged is no option, and unused disks are for no new container.
  for (const key of Object.keys(values)) if (/^(unprivileged|unused\d+)$/.test(key)) delete values[key];
  checkChange(context, vmid, pool, { before: {}, values, gone: [] }, unprivileged);
  if (isRestore) return restoreGuest(context, params);
  const template = templateOf(context, params.need('ostemplate'));
  const wish = diskWish(context, params, values);
  lab.guests.reserve(node, vmid, 'create');
  // A password and keys are taken, and nobody needs them: who logs in comes by the node.
  return guestTask(context, 'vzcreate', vmid, async (task) => {
    const limit = wishedLimit(context, params);
    await build({ lab, node, vmid, values, wish, template, unprivileged, pool, limit }, task);
    afterMaking(context, params, task);
  });
}

async function checkId({ lab, node }: RequestContext, vmid: number, overwrites: boolean): Promise<void> {
  const owner = lab.guests.nodeOf(vmid);
  if (owner === null) return;
  // Only a container of this node is overwritten.
  if (!overwrites || owner !== node) lab.guests.requireUnused(vmid);
  if (await lab.stats.isRunning(owner, vmid)) throw failure("can't overwrite running container");
  if (lab.guests.load(owner, vmid).conf.values.protection === '1')
    throw failure(`unable to restore CT ${vmid} - protection mode enabled`);
}

function checkKeys(text: string | null): void {
  if (text === null) return;
  for (const line of text.split('\n'))
    if (
      line.trim() !== '' &&
      !/^(?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}(?: .*)?$/.test(line.trim())
    )
      throw failure('SSH public key validation error');
}

function checkAllocate(context: RequestContext, vmid: number, pool: string | null, isRestore: boolean): void {
  if (mayGuest(context, vmid, pool, ['VM.Allocate'])) return;
  // Whoever may back a guest up may bring it back.
  if (isRestore && context.lab.guests.nodeOf(vmid) !== null && context.may(`/vms/${vmid}`, ['VM.Backup']))
    return;
  throw denied();
}

/** Storages and names of the disks; a plain number is one of GiB on the default storage. */
function diskWish(context: RequestContext, params: RouteParams, values: GuestValues): DiskWish {
  const storage = params.text('storage') ?? 'local';
  const mounts = numbered(values, 'mp');
  if (values.rootfs === undefined && mounts.length > 0)
    throw failure("mount points configured, but 'rootfs' not set - aborting");
  for (const key of ['rootfs', ...mounts]) {
    const value = values[key];
    if (value === undefined) continue;
    if (/^\d+(\.\d+)?$/.test(value)) values[key] = `${storage}:${value}`;
    const { volume } = mountOf(key, values[key]);
    if (kindOf(volume) === 'volume') checkStorage(context, storageOf(volume));
    else if (context.caller.id !== 'root@pam')
      throw failure('Only root can pass arbitrary filesystem paths.');
  }
  if (values.rootfs === undefined) {
    checkStorage(context, storage);
    return { storage, bytes: DEFAULT_DISK, rest: '' };
  }
  const wish = wishOf(values.rootfs);
  if (!wish) throw badParameter({ rootfs: `the lab makes new root disks only, not '${values.rootfs}'` });
  return wish;
}

interface Template {
  readonly volume: string;
  readonly storage: string;
  readonly file: string;
}

/** The template that a create names; whether it is there shows in the task (PVE::Storage, check_volume_access). */
function templateOf(context: RequestContext, volume: string): Template {
  const [, storage, name] = /^([a-z][a-z0-9\-_.]*[a-z0-9]):(.+)$/i.exec(volume) ?? [];
  if (storage === undefined || name === undefined)
    throw failure(
      'Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 651.',
    );
  context.lab.storages.get(storage);
  const file = /^vztmpl\/([^/]+)$/.exec(name)?.[1];
  if (name.startsWith('vztmpl/') && !/\.tar(?:\.(?:gz|xz|zst|bz2))?$/.test(file ?? ''))
    throw failure(`unable to parse directory volume name '${name}'`);
  if (file === undefined) throw failure(`unable to use volume ${volume} - content type needs to be 'vztmpl'`);
  context.lab.storages.onNode(context.node, storage);
  context.check(`/storage/${storage}`, ['Datastore.AllocateSpace', 'Datastore.Audit'], true);
  return { volume, storage, file };
}

interface Building {
  readonly lab: Lab;
  readonly node: string;
  readonly vmid: number;
  readonly values: GuestValues;
  readonly wish: DiskWish;
  readonly template: Template;
  readonly unprivileged: boolean;
  readonly pool: string | null;
  readonly limit: WishedLimit;
}

async function build(building: Building, task: TaskHandle): Promise<void> {
  const { lab, node, vmid, wish, template, unprivileged, pool } = building;
  const made: VolumeId[] = [];
  try {
    const folder = await lab.volumes.folder(node, template.storage, 'vztmpl');
    const archive = join(folder, basename(template.file));
    if (!(await isFile(archive))) {
      task.log(`W: volume '${template.volume}' does not exist`);
      throw failure(`volume '${template.volume}' does not exist`);
    }
    const began = performance.now();
    const disk = await makeDisk(
      lab,
      node,
      vmid,
      wish,
      {
        archive,
        shown: shownPath(lab.storages.get(template.storage), 'vztmpl', template.file),
        unprivileged,
      },
      task,
    );
    made.push(disk.volume);
    const limit = bandwidthLimit(lab, 'restore', [wish.storage], building.limit);
    await paced(lab, task, limit, (await stat(archive)).size, began);
    // Aborted meanwhile: the disk must not be left behind.
    task.signal.throwIfAborted();
    task.log('Detected container architecture: amd64');
    const rootfs = await lab.volumes.path(node, disk.volume);
    const ostype = building.values.ostype ?? (await detectSystem(rootfs));
    // Of a system that it does not know Proxmox VE changes nothing.
    if (ostype !== 'unmanaged') await lab.runtime.forgetMachine(rootfs, 'template');
    const mounts = await makeMounts(building, made, task);
    await lab.locks.guest(vmid, () => {
      lab.guests.save(
        node,
        vmid,
        newConf({
          ...{ hostname: `CT${vmid}`, memory: '512', swap: '512', arch: 'amd64', ostype },
          ...building.values,
          ...(unprivileged ? { unprivileged: '1' } : {}),
          ...mounts,
          rootfs: disk.setting,
        }),
      );
    });
    if (pool !== null) addToPool(lab, pool, vmid);
  } catch (error) {
    for (const volume of made) await lab.volumes.remove(node, volume);
    lab.guests.remove(node, vmid);
    throw failure(`unable to create CT ${vmid} - ${(error as Error).message}`);
  }
}

/** The disks of the mount points, empty. */
async function makeMounts(
  { lab, node, vmid, values, unprivileged }: Building,
  made: VolumeId[],
  task: TaskHandle,
): Promise<GuestValues> {
  const settings: GuestValues = {};
  for (const key of numbered(values, 'mp')) {
    settings[key] = await makeMount(lab, node, vmid, values[key]!, unprivileged);
    const volume = wishOf(values[key]!) && lab.storages.parse(volumeOf(settings[key]));
    if (!volume) continue;
    made.push(volume);
    task.log(`creating volume '${lab.storages.print(volume)}', size=${sizeOf(settings[key])}`);
  }
  return settings;
}

const isFile = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** The kind of a system, by the word that it has for itself. */
async function detectSystem(root: string): Promise<string> {
  for (const file of ['usr/lib/os-release', 'etc/alpine-release']) {
    const text = await readFile(join(root, file), 'utf8').catch(() => null);
    if (text === null) continue;
    if (file.endsWith('alpine-release')) return 'alpine';
    const id = /^ID="?([a-z]+)"?$/m.exec(text)?.[1];
    if (id !== undefined && ['debian', 'ubuntu', 'alpine', 'fedora', 'centos', 'opensuse'].includes(id))
      return id;
  }
  return 'unmanaged';
}

/** Making containers. */
export const CREATE_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/nodes/{node}/lxc', permission: anyone, handler: create },
];
