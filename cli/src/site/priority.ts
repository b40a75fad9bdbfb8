import { constants, getPriority, setPriority } from 'node:os';
import type { Cluster } from './cluster.ts';

/** The same program at the lowest priority. */
export const lowly = (argv: readonly string[], isLow = false): readonly string[] =>
  isLow ? ['nice', '-n', '19', 'ionice', '-c', '3', ...argv] : argv;

/**
 * Gives a task of Proxmox VE and all that it has started the lowest priority. A worker leads a process group of its own
 * (PVE::RESTEnvironment, fork_worker), and what it starts later has its priority. The API knows `ionice` alone, for which
 * most disks of today have no scheduler; it costs the processor that people wait for. A task that has ended is none.
 */
export async function lowerTask(cluster: Cluster, node: string, pid: number): Promise<void> {
  const line = `renice -n 19 -g ${pid}; ionice -c 3 -P ${pid}; true`;
  await cluster.site.shell.onNode(node, 'lower the priority of a backup', `{ ${line}; } >/dev/null 2>&1`, {
    ...{ signal: cluster.signal, timeoutMs: 30_000 },
  });
}

/** Has this program, and what it starts, at the lowest priority meanwhile. */
export async function lowlyHere<T>(isLow: boolean, work: () => Promise<T>): Promise<T> {
  if (!isLow) return work();
  const before = getPriority();
  setPriority(constants.priority.PRIORITY_LOW);
  try {
    return await work();
  } finally {
    try {
      setPriority(before);
    } catch {
      // Only root may raise it again; who is not root ends with this command.
    }
  }
}
