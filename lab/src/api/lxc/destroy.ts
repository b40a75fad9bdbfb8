import { forgetInJobs } from '../../cluster/backup-jobs.ts';
import { guestFirewall } from '../../cluster/firewall.ts';
import { requireUnlocked } from '../../cluster/guests.ts';
import { guestOfJob, jobOfGuest, updateReplication } from '../../cluster/replication.ts';
import { failure } from '../../errors.ts';
import { ownVolumesOf, removeVolumes } from '../../guests/disks.ts';
import { haDestroyRefusal } from '../../ha/port.ts';
import type { Lab } from '../../lab.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';
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
  if (!options.purge) {
    if (isConfigured(lab, vmid)) throw failure(haDestroyRefusal(vmid));
    const job = jobOfGuest(lab.files, vmid);
    if (job !== null)
      throw failure(`There is a replication job '${job}' for guest '${vmid}' - Please remove that first.`);
  }
  if (!options.force && (await lab.stats.isRunning(node, vmid)))
    throw failure(`unable to destroy CT ${vmid} - container is running`);
}

/** Whether the HA manager knows the guest, if only to ignore it. */
const isConfigured = (lab: Lab, vmid: number): boolean => lab.ha.read().resources[`ct:${vmid}`] !== undefined;

async function run(
  lab: Lab,
  node: string,
  vmid: number,
  options: Destroying,
  task: TaskHandle,
): Promise<void> {
  const { conf } = lab.guests.load(node, vmid);
  const isManaged = isConfigured(lab, vmid);
  if (await lab.stats.isRunning(node, vmid)) {
    task.log(`W: forced to stop CT ${vmid} before destroying!`);
    // One that HA has is to be stopped by its manager, which is asked and not waited for, and forgets it with the resource.
    if (!isManaged) await lab.runtime.stop(node, vmid);
  }
  // Marked first: a daemon that dies in between leaves what can be destroyed again.
  await removeVolumes(lab, node, ownVolumesOf(lab, vmid, conf));
  if (options.unreferenced) await removeUnreferenced(lab, node, vmid);
  forget(lab, vmid);
  lab.files.remove(guestFirewall(vmid));
  if (options.purge) {
    task.log(`purging CT ${vmid} from related configurations..`);
    updateReplication(lab.files, (jobs) => {
      for (const id of Object.keys(jobs)) if (guestOfJob(id) === vmid) delete jobs[id];
    });
    forgetInJobs(lab.files, vmid);
    if (isManaged) {
      lab.ha.purge(vmid);
      task.log(`NOTE: removed CT ${vmid} from HA resource configuration.`);
    }
  }
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
