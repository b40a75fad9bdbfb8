import { requireUnlocked } from '../../cluster/guests.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { failure } from '../errors.ts';
import { haDestroyRefusal } from '../ha/port.ts';
import type { Lab } from '../lab.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';
import { removeVolumes, volumesOf } from './disks.ts';
import { guestTask } from './status.ts';

interface Destroying {
  readonly purge: boolean;
  readonly force: boolean;
  /** Volumes of the container's id that its configuration does not name. */
  readonly unreferenced: boolean;
}

async function destroy(context: RequestContext, params: RouteParams): Promise<string> {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  lab.membership.requireQuorum(node);
  const options = {
    purge: params.flag('purge'),
    force: params.flag('force'),
    unreferenced: params.flag('destroy-unreferenced-disks'),
  };
  await check(lab, node, vmid, options);
  return guestTask(context, 'vzdestroy', vmid, (task) =>
    lab.locks.guest(vmid, async () => {
      await check(lab, node, vmid, options);
      await run(lab, node, vmid, options, task);
    }),
  );
}

async function check(lab: Lab, node: string, vmid: number, options: Destroying): Promise<void> {
  const { conf } = lab.guests.load(node, vmid);
  if (conf.values.protection === '1') throw failure(`can't remove CT ${vmid} - protection mode enabled`);
  requireUnlocked(conf);
  if (lab.ha.guest(vmid) !== null && !options.purge) throw failure(haDestroyRefusal(vmid));
  if (!options.force && (await lab.stats.isRunning(node, vmid)))
    throw failure(`unable to destroy CT ${vmid} - container is running`);
}

async function run(
  lab: Lab,
  node: string,
  vmid: number,
  options: Destroying,
  task: TaskHandle,
): Promise<void> {
  const { conf } = lab.guests.load(node, vmid);
  if (await lab.stats.isRunning(node, vmid)) {
    task.log(`W: forced to stop CT ${vmid} before destroying!`);
    if (lab.ha.guest(vmid) !== null) lab.ha.purge(vmid);
    await lab.runtime.stop(node, vmid);
  }
  // Marked first: a daemon that dies in between leaves what can be destroyed again.
  await removeVolumes(lab, node, volumesOf(lab, conf));
  if (options.unreferenced) await removeUnreferenced(lab, node, vmid);
  if (options.purge) {
    task.log(`purging CT ${vmid} from related configurations..`);
    lab.ha.purge(vmid);
  }
  forget(lab, vmid);
  lab.guests.remove(node, vmid);
}

/** Volumes are numbered from 0 on, so a few steps past the last one find all that there are. */
async function removeUnreferenced(lab: Lab, node: string, vmid: number): Promise<void> {
  for (const storage of lab.storages.on(node)) {
    if (!storage.content.includes('rootdir')) continue;
    for (let number = 0; number < 8; number++)
      for (const kind of ['vm', 'base'])
        await removeVolumes(lab, node, [{ storage: storage.name, name: `${kind}-${vmid}-disk-${number}` }]);
  }
}

/** Takes a guest out of pools and rules. */
function forget(lab: Lab, vmid: number): void {
  lab.access.update((data) => {
    data.acl = data.acl.filter((rule) => rule.path !== `/vms/${vmid}`);
    for (const [name, pool] of Object.entries(data.pools))
      if (pool.vms.includes(vmid))
        data.pools[name] = { ...pool, vms: pool.vms.filter((one) => one !== vmid) };
  });
}

/** Destroying containers. */
export const DESTROY_ROUTES: readonly Route[] = [
  {
    method: 'DELETE',
    path: '/nodes/{node}/lxc/{vmid}',
    permission: needs('/vms/{vmid}', ['VM.Allocate']),
    handler: destroy,
  },
];
