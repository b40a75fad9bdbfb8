import { setTimeout as sleep } from 'node:timers/promises';
import { partsOf, readDatacenter } from '../cluster/datacenter.ts';
import { storageOptions } from '../cluster/storages.ts';
import type { Lab } from '../lab.ts';
import type { TaskHandle } from '../tasks/task-manager.ts';

/** What a limit is for, as `bwlimit` names it. */
export type Transfer = 'restore' | 'migration' | 'clone' | 'move';

/** Whether the caller has rights on a path. */
type May = (path: string, rights: readonly string[]) => boolean;

/** The limit that a request wishes for, and who asks. */
export interface WishedLimit {
  readonly kib: number | null;
  readonly may: May;
}

/**
 * KiB per second for a transfer (PVE::Storage, get_bandwidth_limit): the smallest of what was wished for, the limits of
 * the storages, and, where one of them has none, the cluster's. Nobody is refused: a wish counts above a limit only for
 * who could change that limit. Null: as fast as it goes.
 */
export function bandwidthLimit(
  lab: Lab,
  transfer: Transfer,
  storages: readonly string[],
  { kib, may }: WishedLimit,
): number | null {
  let limit = kib;
  const isWished = (path: string, right: string) => kib !== null && may(path, [right]);
  /** @returns whether there was one */
  const apply = (text: string | undefined): boolean => {
    const parts = partsOf(text);
    const found = parts[transfer] ?? parts.default;
    if (found === undefined) return false;
    if (!limit || Number(found) < limit) limit = Number(found);
    return true;
  };
  let isGlobal = storages.length === 0;
  if (storages.length > 0 && isWished('/storage', 'Datastore.Allocate')) return limit;
  for (const storage of new Set(storages))
    if (!isWished(`/storage/${storage}`, 'Datastore.Allocate'))
      isGlobal = !apply(storageOptions(lab.storages.get(storage)).bwlimit) || isGlobal;
  if (isGlobal && !isWished('/', 'Sys.Modify')) apply(readDatacenter(lab.files).bwlimit);
  return limit;
}

/** Lets a transfer take as long as its limit makes it, from when it began. */
export async function paced(
  lab: Lab,
  task: TaskHandle,
  limit: number | null,
  bytes: number,
  began: number,
): Promise<void> {
  if (!limit) return;
  const due = (bytes / (limit * 1024)) * 1000 * lab.timeFactor;
  const left = began + due - performance.now();
  if (left > 0) await sleep(left, undefined, { signal: task.signal });
}
