import { type GuestConf, parseConf } from '../../cluster/guest-conf.ts';
import { type LoadedGuest, requireUnlocked } from '../../cluster/guests.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { failure } from '../errors.ts';
import type { HaGuestActions } from '../ha/port.ts';
import type { Lab } from '../lab.ts';
import { bootGuest } from './boot.ts';
import { endGuest } from './end-guest.ts';
import { migrateGuest } from './move.ts';
import { isTemplate, withPending } from './values.ts';

/** Loads a container that a task may work on: not locked by another. */
function loadFree(lab: Lab, node: string, vmid: number): LoadedGuest {
  const guest = lab.guests.load(node, vmid);
  requireUnlocked(guest.conf);
  return guest;
}

/** Makes pending changes the configuration. @returns whether there were any */
function applyPending(conf: GuestConf): boolean {
  if (Object.keys(conf.pending).length === 0 && conf.pendingDelete.length === 0) return false;
  conf.values = withPending(conf);
  conf.pending = {};
  conf.pendingDelete = [];
  return true;
}

/** Starts a container: with what was pending, as its configuration says. Holds its lock. */
export async function startGuest(lab: Lab, node: string, vmid: number): Promise<void> {
  await lab.locks.guest(vmid, async () => {
    const { conf } = loadFree(lab, node, vmid);
    if (isTemplate(conf.values)) throw failure("you can't start a CT if it's a template");
    lab.membership.requireQuorum(node);
    if (applyPending(conf)) lab.guests.save(node, vmid, conf);
    await bootGuest(lab, node, vmid, conf.values);
  });
}

/** Stops a container at once. Holds its lock. */
export async function stopGuest(lab: Lab, node: string, vmid: number): Promise<void> {
  await lab.locks.guest(vmid, async () => {
    loadFree(lab, node, vmid);
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
    loadFree(lab, node, vmid);
    await endGuest(lab, node, vmid, options, task);
  });
}

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
            shutdownGuest(lab(), node, vmid, { timeout, force: true }, task),
          ),
    migrate: (node, vmid, target) =>
      run(node, vmid, 'vzmigrate', (task) =>
        migrateGuest(
          lab(),
          node,
          vmid,
          { target, online: false, restart: true, timeout: 180, start: false },
          task,
        ),
      ),
    steal: (vmid, from, to) => {
      const { guests, files } = lab();
      const text = files.read(guests.file(from, vmid));
      guests.move(vmid, from, to);
      // What a dead node was doing with the guest is over; its lock goes with it.
      const lock = text === null ? undefined : parseConf(text).values.lock;
      if (lock !== undefined)
        guests.update(to, vmid, (conf) => {
          delete conf.values.lock;
        });
    },
  };
}
