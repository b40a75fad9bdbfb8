import type { Lab } from '../lab.ts';
import type { TaskHandle } from '../tasks/task-manager.ts';

/**
 * Asks a container to end, and ends it after the time when told so (PVE::LXC, vm_stop). The caller holds its lock.
 * @throws `container did not stop`
 */
export async function endGuest(
  lab: Lab,
  node: string,
  vmid: number,
  { timeout, force }: { readonly timeout: number; readonly force: boolean },
  task: TaskHandle,
): Promise<void> {
  try {
    await lab.runtime.shutdown(node, vmid, timeout * 1000);
  } catch (error) {
    if (!force) {
      task.log(`W: command 'lxc-stop -n ${vmid} --nokill --timeout ${timeout}' failed: exit code 1`);
      throw new Error('container did not stop', { cause: error });
    }
    await lab.runtime.stop(node, vmid);
  }
}
