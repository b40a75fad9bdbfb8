import { execFile } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';
import { promisify } from 'node:util';
import type { Cluster } from './cluster.ts';

/**
 * Where nobody else wants to run (sched(7), SCHED_IDLE): niceness alone weighs little between programs of different
 * control groups, as containers are, and one that is nice still ends its turn before others have theirs.
 */
const IDLE = ['chrt', '--idle'] as const;

/** The same program at the lowest priority. */
export const lowly = (argv: readonly string[], isLow = false): readonly string[] =>
  isLow ? ['nice', '-n', '19', ...IDLE, '0', 'ionice', '-c', '3', ...argv] : argv;

/**
 * Gives a task of Proxmox VE and all that it has started the lowest priority. A worker leads a process group of its own
 * (PVE::RESTEnvironment, fork_worker), and what it starts later has its priority. The API knows `ionice` alone, for which
 * most disks of today have no scheduler; it costs the processor that people wait for. A task that has ended is none.
 */
export async function lowerTask(cluster: Cluster, node: string, pid: number): Promise<void> {
  const all = `for p in $(pgrep -g ${pid}); do ${IDLE.join(' ')} --all-tasks --pid 0 "$p"; done`;
  const line = `renice -n 19 -g ${pid}; ${all}; ionice -c 3 -P ${pid}; true`;
  await cluster.site.shell.onNode(node, 'lower the priority of a backup', `{ ${line}; } >/dev/null 2>&1`, {
    ...{ signal: cluster.signal, timeoutMs: 30_000 },
  });
}

/** Has this program, and what it starts, at the lowest priority meanwhile. */
export async function lowlyHere<T>(isLow: boolean, work: () => Promise<T>): Promise<T> {
  if (!isLow) return work();
  const before = getPriority();
  setPriority(constants.priority.PRIORITY_LOW);
  await schedule('--idle');
  try {
    return await work();
  } finally {
    await schedule('--other');
    try {
      setPriority(before);
    } catch {
      // Only root may raise it again; who is not root ends with this command.
    }
  }
}

/** All threads of this program; Node has no call for it. Where it may not, niceness is what there is. */
const schedule = (policy: '--idle' | '--other') =>
  promisify(execFile)('chrt', [policy, '--all-tasks', '--pid', '0', String(process.pid)]).catch(() => {});
