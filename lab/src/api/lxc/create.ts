import { access, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { GuestValues } from '../../cluster/guest-conf.ts';
import { newConf } from '../../cluster/guest-conf.ts';
import type { VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { shownPath } from '../backup/stored-files.ts';
import { badParameter, denied, failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import type { RouteParams } from '../params.ts';
import { anyone, type RequestContext, type Route } from '../route.ts';
import { startGuest } from './actions.ts';
import { type DiskWish, makeDisk, refuseMounts, wishOf } from './disks.ts';
import { checkChange, checkStorage, mayGuest } from './rights.ts';
import { guestTask } from './status.ts';
import { optionsOf } from './values.ts';

const DEFAULT_DISK = 4 * 1024 ** 3;

/** `POST /nodes/{node}/lxc`: from a template, or from a backup with `restore`. */
async function create(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node } = context;
  lab.membership.requireQuorum(node);
  const vmid = params.int('vmid');
  const isRestore = params.flag('restore');
  const unprivileged = params.flag('unprivileged', isRestore);
  await checkId(context, vmid, isRestore && params.flag('force'));
  checkKeys(params.text('ssh-public-keys'));
  const pool = params.text('pool');
  if (pool !== null && !Object.hasOwn(lab.access.read().pools, pool))
    throw denied(`pool '${pool}' does not exist`);
  checkAllocate(context, vmid, pool, isRestore);
  const values = optionsOf(params);
  const { unprivileged: _, ...changed } = values;
  checkChange(context, vmid, pool, changed, unprivileged);
  if (!isRestore && !unprivileged) context.check('/', ['Sys.Modify']);
  if (isRestore) return lab.restore(context, params);
  refuseMounts(values);
  const wish = diskWish(context, params, values.rootfs);
  const template = templateOf(context, params.need('ostemplate'));
  lab.guests.reserve(node, vmid, 'create');
  return guestTask(context, 'vzcreate', vmid, (task) => {
    for (const key of ['password', 'ssh-public-keys'])
      if (params.has(key)) task.warn(`the lab does not set '${key}'`);
    return build({ lab, node, vmid, values, wish, template, unprivileged, pool }, task, () => {
      if (params.flag('start')) guestTask(context, 'vzstart', vmid, () => startGuest(lab, node, vmid));
    });
  });
}

async function checkId({ lab }: RequestContext, vmid: number, overwrites: boolean): Promise<void> {
  const owner = lab.guests.nodeOf(vmid);
  if (owner === null) return;
  if (!overwrites) lab.guests.requireUnused(vmid);
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

function diskWish(context: RequestContext, params: RouteParams, rootfs: string | undefined): DiskWish {
  const storage = params.text('storage') ?? 'local';
  if (rootfs === undefined) {
    checkStorage(context, storage);
    return { storage, bytes: DEFAULT_DISK, rest: '' };
  }
  const wish = wishOf(rootfs);
  if (!wish) throw badParameter({ rootfs: `unable to parse volume ID '${rootfs.split(',')[0]}'` });
  checkStorage(context, wish.storage);
  return wish;
}

interface Template {
  readonly volume: string;
  readonly storage: string;
  readonly file: string;
}

/** The template that a create names; whether it is there shows in the task. */
function templateOf(context: RequestContext, volume: string): Template {
  const [, storage, file] = /^([a-zA-Z][a-zA-Z0-9._-]*):vztmpl\/([^/]+)$/.exec(volume) ?? [];
  if (storage === undefined || file === undefined)
    throw badParameter({ ostemplate: `unable to parse volume ID '${volume}'` });
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
}

async function build(building: Building, task: TaskHandle, then: () => void): Promise<void> {
  const { lab, node, vmid, wish, template, unprivileged, pool } = building;
  let made: VolumeId | null = null;
  try {
    const folder = await lab.volumes.folder(node, template.storage, 'vztmpl');
    const archive = join(folder, basename(template.file));
    if (!(await isFile(archive))) {
      task.log(`W: volume '${template.volume}' does not exist`);
      throw failure(`volume '${template.volume}' does not exist`);
    }
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
    made = disk.volume;
    // Aborted meanwhile: the disk must not be left behind.
    task.signal.throwIfAborted();
    task.log('Detected container architecture: amd64');
    const ostype = building.values.ostype ?? (await detectSystem(await lab.volumes.path(node, disk.volume)));
    await lab.locks.guest(vmid, () => {
      lab.guests.save(
        node,
        vmid,
        newConf({
          ...{ hostname: `CT${vmid}`, memory: '512', swap: '512', arch: 'amd64', ostype },
          ...building.values,
          ...(unprivileged ? { unprivileged: '1' } : {}),
          rootfs: disk.setting,
        }),
      );
    });
    if (pool !== null) addToPool(lab, pool, vmid);
  } catch (error) {
    if (made) await lab.volumes.remove(node, made);
    lab.guests.remove(node, vmid);
    throw failure(`unable to create CT ${vmid} - ${(error as Error).message}`);
  }
  then();
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

/** Puts a guest into a pool. */
export function addToPool(lab: Lab, pool: string, vmid: number): void {
  lab.access.update((data) => {
    const before = data.pools[pool];
    if (before && !before.vms.includes(vmid))
      data.pools[pool] = { ...before, vms: [...before.vms, vmid].sort((a, b) => a - b) };
  });
}

/** Making containers. */
export const CREATE_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/nodes/{node}/lxc', permission: anyone, handler: create },
];
