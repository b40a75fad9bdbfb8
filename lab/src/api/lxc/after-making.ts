import { startGuest } from '../../guests/actions.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import type { RouteParams } from '../params.ts';
import type { RequestContext } from '../route.ts';
import { guestTask } from './status.ts';

/** What follows in the task that made a container: its start, and the HA manager is told. */
export function afterMaking(context: RequestContext, params: RouteParams, task: TaskHandle): void {
  const { lab, node } = context;
  const vmid = params.int('vmid');
  const starts = params.flag('start');
  if (starts) guestTask(context, 'vzstart', vmid, () => startGuest(lab, node, vmid));
  if (!params.flag('ha-managed')) return;
  task.log('Add as HA resource');
  lab.ha.edit(node, 'create resource failed', (state) => {
    state.resources[`ct:${vmid}`] ??= { state: starts ? 'started' : 'stopped' };
  });
}
