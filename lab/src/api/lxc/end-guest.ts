import type { TaskHandle } from '../../tasks/task-manager.ts';
import type { Lab } from '../lab.ts';

/** Asks a container to end, and ends it after the time when told so. The caller holds its lock. */
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
    const text = `command 'lxc-stop -n ${vmid} --nokill --timeout ${timeout}' failed: exit code 1`;
    if (!force) throw new Error(text, { cause: error });
    task.log(`W: ${text}`);
    await lab.runtime.stop(node, vmid);
  }
}
