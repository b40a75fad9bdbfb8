import { apiPath } from '@psa/proxmox/client/encode';
import { shellQuote } from '@psa/proxmox/ssh';
import type { SiteManifest } from '@psa/recovery/manifest';
import type { Cluster } from '../site/cluster.ts';
import { generationsOf } from '../site/generations.ts';

/** What decides on what a backup of a container has left. */
export interface DeadFacts {
  /** The container's lock, as its configuration has it; absent: none. */
  readonly lock: string | undefined;
  /** Files and folders that are no whole archives, where backups go on its node. */
  readonly paths: readonly string[];
  /** The tasks that run on its node: their types, and the guest of each (none: of many guests at once). */
  readonly running: readonly { readonly type: string; readonly id: string }[];
}

/** What may be taken away of it. */
export interface Dead {
  readonly lock: boolean;
  readonly paths: readonly string[];
}

/** Of its archive, and what is copied beside it; `/var/tmp` is where `tmpdir` of /etc/vzdump.conf should point. */
const leftBy = (id: number): RegExp =>
  new RegExp(
    `^(?:/.+/vzdump-lxc-${id}-\\d{4}_\\d\\d_\\d\\d-\\d\\d_\\d\\d_\\d\\d(?:(?:\\.tar)?\\.dat|\\.tmp)|/var/tmp/vzdumptmp\\d+_${id})$`,
  );

/**
 * What a backup of a container has left that is not running any more: killed, or its node was off. Proxmox VE leaves its lock for
 * good, every later backup fails at it, and REST cannot take it away; and what it had written lies where no storage lists it.
 * A job of many guests is a task without a guest, so it may be the one.
 */
export function deadBackup(id: number, { lock, paths, running }: DeadFacts): Dead {
  if (running.some((task) => task.type === 'vzdump' && ['', String(id)].includes(task.id)))
    return { lock: false, paths: [] };
  return { lock: lock === 'backup', paths: paths.filter((path) => leftBy(id).test(path)) };
}

/** What is no whole archive there, for whatever container. `$@`: storages. One that keeps no files has no such folder. */
const FIND = `for storage; do
  f=$(pvesm path "$storage:backup/vzdump-lxc-100-2000_01_01-00_00_00.tar" 2>/dev/null) || continue
  case $f in /*) ls -1d "\${f%/*}"/vzdump-lxc-*.dat "\${f%/*}"/vzdump-lxc-*.tmp 2>/dev/null ;; esac
done
ls -1d /var/tmp/vzdumptmp* 2>/dev/null
true`;

/** Looks on a node for what backups have begun, and not ended or not yet. */
export async function unfinishedOn(cluster: Cluster, node: string): Promise<readonly string[]> {
  const storages = [...new Set(generationsOf(cluster.site).map(({ storage }) => storage))];
  const line = ['sh', '-c', FIND, 'find', ...storages].map(shellQuote).join(' ');
  const { stdout } = await cluster.site.shell.onNode(node, 'look for what backups have left', line, {
    ...{ signal: cluster.signal, timeoutMs: 120_000 },
  });
  return stdout.split('\n').filter((path) => path !== '');
}

/**
 * Takes away what a backup of a container has left that was killed. Lock and files are looked at before the tasks: whose they are
 * is still among these.
 * @param unfinished what was seen on its node ({@link unfinishedOn}); such files of others are left alone
 * @returns what to say of it; none: there was nothing
 */
export async function clearDeadBackup(
  cluster: Cluster,
  node: string,
  id: number,
  unfinished: readonly string[],
): Promise<readonly string[]> {
  const paths = unfinished.filter((path) => leftBy(id).test(path));
  const { lock } = await cluster.get<{ lock?: string }>(apiPath`/nodes/${node}/lxc/${id}/config`);
  if (lock !== 'backup' && paths.length === 0) return [];
  const running = await cluster.get<DeadFacts['running']>(apiPath`/nodes/${node}/tasks`, {
    source: 'active',
  });
  const dead = deadBackup(id, { lock, paths, running });
  const said: string[] = [];
  if (dead.lock) {
    await cluster.site.shell.unlock(node, id, { signal: cluster.signal });
    said.push('A backup that was killed had left it locked; the lock was taken away.');
  }
  if (dead.paths.length > 0) said.push(await removePaths(cluster, node, dead.paths));
  return said;
}

async function removePaths(cluster: Cluster, node: string, paths: readonly string[]): Promise<string> {
  const line = ['rm', '-rf', '--one-file-system', '--', ...paths].map(shellQuote).join(' ');
  const { code, stderr } = await cluster.site.shell.onNode(node, 'remove what a backup has left', line, {
    ...{ signal: cluster.signal, timeoutMs: 600_000 },
  });
  const what = `A backup that was killed had left ${paths.join(', ')} on ${node}`;
  return code === 0 ? `${what}; it was removed.` : `${what}, which cannot be removed: ${stderr.trim()}`;
}

/**
 * Puts a container in order whose backup was killed a moment ago: what stands still goes on, what was shut down for it is started,
 * and what was left is taken away.
 * @returns what to say of it
 */
export async function mendAfterKill(
  cluster: Cluster,
  node: string,
  id: number,
  mode: NonNullable<SiteManifest['mode']>,
): Promise<readonly string[]> {
  const { client, shell } = cluster.site;
  const isStopped = (await cluster.status(node, id)) === 'stopped';
  // Before all else: it answers nobody until then.
  if (!isStopped)
    await shell.onNode(node, 'let a container go on', `lxc-unfreeze -n ${id}`, {
      ...{ signal: cluster.signal, timeoutMs: 60_000 },
    });
  const said = [...(await clearDeadBackup(cluster, node, id, await unfinishedOn(cluster, node)))];
  if (mode === 'stop' && isStopped) {
    await client.run('POST', apiPath`/nodes/${node}/lxc/${id}/status/start`, {}, { signal: cluster.signal });
    said.push('It had been shut down for the backup, and was started again.');
  }
  return said;
}
