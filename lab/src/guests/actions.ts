import { parseMount } from '@psa/proxmox/conf';
import { type GuestConf, parseConf } from '../cluster/guest-conf.ts';
import { requireUnlocked } from '../cluster/guests.ts';
import { failure } from '../errors.ts';
import type { HaGuestActions } from '../ha/port.ts';
import type { Lab } from '../lab.ts';
import type { TaskHandle } from '../tasks/task-manager.ts';
import { bootGuest } from './boot.ts';
import { applyPending, requireRunnable } from './change.ts';
import { endGuest } from './end-guest.ts';
import { migrateGuest } from './move.ts';
import { diskKeys, isTemplate } from './values.ts';

/** What is asked of a start beside the container. */
export interface StartOptions {
  /** Root starts a locked one, too. */
  readonly skiplock?: boolean;
}

/** Starts a container: with what was pending, as its configuration says. Holds its lock. */
export async function startGuest(
  lab: Lab,
  node: string,
  vmid: number,
  { skiplock = false }: StartOptions = {},
): Promise<void> {
  await lab.locks.guest(vmid, async () => {
    const { conf } = lab.guests.load(node, vmid);
    if (isTemplate(conf.values)) throw failure("you can't start a CT if it's a template");
    if (!skiplock && conf.values.lock !== 'mounted') requireUnlocked(conf);
    if (conf.values.unprivileged === '1')
      for (const key of diskKeys(conf.values))
        if (parseMount(conf.values[key]!).quota)
          throw failure('Quotas are not supported by unprivileged containers.');
    lab.membership.requireQuorum(node);
    await boot(lab, node, vmid, conf);
  });
}

async function boot(lab: Lab, node: string, vmid: number, conf: GuestConf): Promise<void> {
  if (Object.keys(conf.pending).length > 0 || conf.pendingDelete.length > 0) {
    await applyPending(lab, node, vmid, conf);
    lab.guests.save(node, vmid, conf);
  }
  requireRunnable(lab, node, conf);
  await bootGuest(lab, node, vmid, conf.values);
}

/** Stops a container at once. Holds its lock. */
export async function stopGuest(
  lab: Lab,
  node: string,
  vmid: number,
  { skiplock = false }: StartOptions = {},
): Promise<void> {
  await lab.locks.guest(vmid, async () => {
    const { conf } = lab.guests.load(node, vmid);
    if (!skiplock && conf.values.lock !== 'mounted') requireUnlocked(conf);
    await lab.runtime.stop(node, vmid);
  });
}

/** Asks a container to end. Holds its lock. */
export async function shutdownGuest(
  lab: Lab,
  node: string,
  vmid: number,
  options: { readonly timeout: number; readonly force: boolean },
  task: TaskHandle,
): Promise<void> {
  await lab.locks.guest(vmid, async () => {
    requireUnlocked(lab.guests.load(node, vmid).conf);
    await endGuest(lab, node, vmid, options, task);
  });
}

/** Ends a container, the hard way if need be, and starts it with what was pending; no lock of its configuration counts. */
export async function rebootGuest(
  lab: Lab,
  node: string,
  vmid: number,
  timeout: number,
  task: TaskHandle,
): Promise<void> {
  await lab.locks.guest(vmid, async () => {
    if (!(await lab.stats.isRunning(node, vmid))) return;
    await endGuest(lab, node, vmid, { timeout, force: true }, task);
    await boot(lab, node, vmid, lab.guests.load(node, vmid).conf);
  });
}

/** Locks that do not outlive their node (PVE::HA::Manager, fence_recovery_cleanup). */
const RECOVERABLE: ReadonlySet<string> = new Set([
  ...['backup', 'mounted', 'migrate', 'clone', 'rollback', 'snapshot', 'snapshot-delete'],
]);

/** What the HA manager's agents may do: the tasks of the routes, as root, past the check for a managed guest. */
export function guestActions(lab: () => Lab): HaGuestActions {
  const run = (node: string, vmid: number, type: string, work: (task: TaskHandle) => Promise<void>) =>
    lab().tasks.run({ node, type, id: String(vmid), user: 'root@pam' }, work);
  return {
    nodeOf: (vmid) => lab().guests.nodeOf(vmid),
    running: (node, vmid) => lab().stats.isRunning(node, vmid),
    start: (node, vmid) => run(node, vmid, 'vzstart', () => startGuest(lab(), node, vmid)),
    stop: (node, vmid, timeout) =>
      timeout === 0
        ? run(node, vmid, 'vzstop', () => stopGuest(lab(), node, vmid))
        : run(node, vmid, 'vzshutdown', (task) =>
            shutdownGuest(lab(), node, vmid, { timeout, force: false }, task),
          ),
    migrate: async (node, vmid, target) => {
      // Always shut down first, in a task of its own (PVE::HA::Resources::PVECT).
      if (await lab().stats.isRunning(node, vmid))
        await run(node, vmid, 'vzshutdown', (task) =>
          shutdownGuest(lab(), node, vmid, { timeout: 60, force: false }, task),
        );
      await run(node, vmid, 'vzmigrate', (task) =>
        migrateGuest(lab(), node, vmid, { target, online: false, restart: false, timeout: 60 }, task),
      );
    },
    steal: (vmid, from, to) => {
      const { guests, files } = lab();
      const text = files.read(guests.file(from, vmid));
      guests.move(vmid, from, to);
      // What a dead node was doing with the guest is over; its lock goes with it, if that is safe.
      const lock = text === null ? undefined : parseConf(text).values.lock;
      if (lock !== undefined && RECOVERABLE.has(lock))
        guests.update(to, vmid, (conf) => {
          delete conf.values.lock;
        });
    },
  };
}
