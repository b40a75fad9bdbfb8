import { apiPath } from '@psa/proxmox/client/encode';
import type { Cluster } from '../site/cluster.ts';

/** What decides on a lock that a container has. */
export interface LockFacts {
  /** As its configuration has it; absent: none. */
  readonly lock: string | undefined;
  /** The tasks that run on its node, by their types. */
  readonly running: readonly string[];
}

/**
 * Whether a container is locked by a backup that is not running any more: killed, or its node was off. Proxmox VE leaves that
 * lock for good, every later backup fails at it, and REST cannot take it away. A job of many guests is a task without a guest,
 * so any backup that runs on the node may be the one.
 */
export const isDeadLock = ({ lock, running }: LockFacts): boolean =>
  lock === 'backup' && !running.includes('vzdump');

/**
 * Takes away the lock of a backup that was killed. The lock is read before the tasks: who has set it is still among them.
 * @returns what to say of it; none: there was no such lock
 */
export async function clearDeadLock(cluster: Cluster, node: string, id: number): Promise<readonly string[]> {
  const { lock } = await cluster.get<{ lock?: string }>(apiPath`/nodes/${node}/lxc/${id}/config`);
  if (lock !== 'backup') return [];
  const tasks = await cluster.get<readonly { type: string }[]>(apiPath`/nodes/${node}/tasks`, {
    source: 'active',
  });
  if (!isDeadLock({ lock, running: tasks.map(({ type }) => type) })) return [];
  await cluster.site.shell.unlock(node, id, { signal: cluster.signal });
  return ['A backup that was killed had left it locked; the lock was taken away.'];
}
