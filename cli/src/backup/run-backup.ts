import { mkdir } from 'node:fs/promises';
import { BACKUP_ITEMS, type BackupItem } from '@psa/appliance/inventory/operations-schema';
import { newRun } from '@psa/recovery/artefact-name';
import { datedLater } from '@psa/recovery/made-last';
import type { SiteManifest } from '@psa/recovery/manifest';
import { readShelf, removeStale } from '@psa/recovery/shelf';
import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { Cluster } from '../site/cluster.ts';
import { withClusterLock } from '../site/cluster-lock.ts';
import { type Generation, storesOf } from '../site/generations.ts';
import { HOOK_MS, runHook } from '../site/hook.ts';
import { needMounted, noteMounted } from '../site/mounts.ts';
import { pooled } from '../site/pooled.ts';
import { lowlyHere } from '../site/priority.ts';
import type { OpenSite } from '../site/site.ts';
import { containerParts } from './containers.ts';
import { databasePart } from './database.ts';
import { configsPart, releasesPart, secretsPart } from './files.ts';
import { limitsOf } from './limits.ts';
import type { Part, Run } from './part.ts';
import { pitrPart } from './pitr.ts';
import { rabbitmqPart } from './rabbitmq.ts';
import { redisPart } from './redis.ts';

/** The lock of everything that changes the backups of a cluster. */
export const BACKUP_LOCK = 'backup';
/** Of saves of Redis alone, which are made every few minutes and cannot wait for a run of hours. */
export const REDIS_LOCK = 'redis';
/** What came of a part. */
export interface PartResult {
  readonly item: BackupItem;
  readonly name: string;
  /** `unchanged`: what an earlier run took is the same. */
  readonly outcome: 'good' | 'unchanged' | 'skipped' | 'failed';
  /** Why it was skipped or failed. */
  readonly why: string | null;
  readonly id: string | null;
  readonly bytes: number;
  readonly duration_ms: number;
  /** Of that, reading it back; null: another program does that, or there is nothing. */
  readonly read_back_ms: number | null;
  readonly warnings: readonly string[];
}

/** What came of a run. */
export interface RunResult {
  readonly run: string;
  readonly site: string;
  readonly tier: string;
  readonly folder: string;
  readonly at: string;
  readonly duration_ms: number;
  /** Every part is good, or was the same already. */
  readonly complete: boolean;
  readonly parts: readonly PartResult[];
}

/** What would be taken; reads only. */
export async function planParts(
  cluster: Cluster,
  only: readonly BackupItem[] | null,
): Promise<readonly Part[]> {
  const wanted = only ?? cluster.site.inventory.backup.items ?? BACKUP_ITEMS;
  const makers: Readonly<Record<BackupItem, () => Promise<readonly Part[]> | readonly Part[]>> = {
    containers: () => containerParts(cluster),
    database: async () => [await databasePart(cluster)],
    pitr: async () => [await pitrPart(cluster)],
    redis: async () => [await redisPart(cluster)],
    rabbitmq: async () => [await rabbitmqPart(cluster)],
    configs: () => [configsPart(cluster)],
    releases: async () => [await releasesPart(cluster)],
    secrets: () => [secretsPart(cluster)],
  };
  // What is small and holds most comes first: a run that is cut short has it.
  const order: readonly BackupItem[] = [
    'database',
    'pitr',
    'secrets',
    'configs',
    'redis',
    'rabbitmq',
    'releases',
    'containers',
  ];
  const all: Part[] = [];
  for (const item of order) if (wanted.includes(item)) all.push(...(await makers[item]()));
  return all;
}

/** What a run needs beside its parts. */
export interface RunSettings {
  readonly generation: Generation;
  readonly recipients: readonly string[];
  readonly only: readonly BackupItem[] | null;
  readonly site: string;
  readonly progress: Progress;
  /** What hooks find around them. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Takes a backup of a site. One run at a time in a cluster, whichever machine it comes from. Each part stands for itself:
 * one that fails leaves the others good, and the run says that it is not complete.
 * @throws CliError when nothing could be begun
 */
export async function runBackup(cluster: Cluster, settings: RunSettings): Promise<RunResult> {
  const { generation, progress } = settings;
  const { site } = cluster;
  const { hooks } = site.inventory.backup;
  const limits = limitsOf(site.inventory.backup);
  const isLow = limits.priority === 'low';
  const began = new Date();
  const id = newRun(began);
  const isRedis = settings.only?.length === 1 && settings.only[0] === 'redis';
  const what = {
    name: isRedis ? REDIS_LOCK : BACKUP_LOCK,
    what: 'psactl backup run',
    signal: cluster.signal,
  };
  return withClusterLock(site, what, (signal) =>
    lowlyHere(isLow, async () => {
      const held = new Cluster(site, signal);
      const env = {
        ...settings.env,
        ...{ PSA_BACKUP_RUN: id, PSA_BACKUP_TIER: generation.name, PSA_BACKUP_FOLDER: generation.folder },
      };
      if (hooks?.before) {
        progress.start('Before the backup');
        await runHook(hooks.before, { field: 'backup.hooks.before', env, signal });
      }
      let outcome = 'failed';
      try {
        await needMounted(site, generation.folder);
        await mkdir(generation.folder, { recursive: true, mode: 0o700 });
        await noteMounted(site, generation.folder);
        await removeStale(generation.folder);
        const later = await laterThan(site, began);
        if (later.size > 0)
          progress.note(
            `A clock is wrong, or was: of ${[...later.keys()].join(', ')} there are backups that are dated after now (${began.toISOString()}). What this run takes says that it was made after them.`,
          );
        const { bandwidth_mib: mib } = limits;
        const run: Run = {
          ...{ cluster: held, generation, id, recipients: settings.recipients, later },
          limit: mib === null ? null : mib * 1024 ** 2,
          isLow,
        };
        const parts = await planParts(held, settings.only);
        progress.start(`Back up ${settings.site}`, parts.length);
        const results = await pooled(parts, limits.parallel, async (part) => {
          const result = await takePart(run, part);
          if (result.outcome === 'failed' || result.outcome === 'skipped')
            progress.note(`${part.name}: ${result.outcome}: ${result.why}`);
          for (const warning of result.warnings) progress.note(`${part.name}: ${warning}`);
          progress.advance();
          return result;
        });
        signal.throwIfAborted();
        const complete = results.every(({ outcome: one }) => one === 'good' || one === 'unchanged');
        outcome = complete ? 'good' : 'partial';
        return {
          ...{ run: id, site: settings.site, tier: generation.name, folder: generation.folder },
          ...{ at: began.toISOString(), duration_ms: Date.now() - began.getTime(), complete, parts: results },
        };
      } finally {
        if (hooks?.after) {
          progress.start('After the backup');
          // Also of a run that was interrupted: what the first hook has stopped must be started again.
          await runHook(hooks.after, {
            ...{ field: 'backup.hooks.after', env: { ...env, PSA_BACKUP_OUTCOME: outcome } },
            signal: AbortSignal.timeout(HOOK_MS),
          });
        }
      }
    }),
  );
}

/** Of each series the backups of a site that are dated after a moment, in whatever folder. */
async function laterThan(site: OpenSite, now: Date): Promise<ReadonlyMap<string, readonly string[]>> {
  const shelves = await Promise.all(
    // A folder that cannot be read is named by whoever writes there.
    storesOf(site).map(({ folder }) => readShelf(folder).catch(() => [])),
  );
  const series = Map.groupBy(shelves.flat(), (one) => one.series);
  return new Map(
    [...series].flatMap(([name, list]) => {
      const ids = datedLater(list, now);
      return ids.length > 0 ? [[name, ids] as const] : [];
    }),
  );
}

async function takePart(run: Run, part: Part): Promise<PartResult> {
  const began = Date.now();
  const { item, name, skip } = part;
  const none = { item, name, id: null, bytes: 0, read_back_ms: null, warnings: [] };
  if (skip !== null) return { ...none, outcome: 'skipped', why: skip, duration_ms: 0 };
  try {
    run.cluster.signal.throwIfAborted();
    const manifest: SiteManifest | null = await part.take(run);
    const duration_ms = Date.now() - began;
    if (manifest === null) return { ...none, outcome: 'unchanged', why: null, duration_ms };
    const { id, bytes, read_back_ms = null, warnings } = manifest;
    return { ...none, outcome: 'good', why: null, id, bytes, warnings, duration_ms, read_back_ms };
  } catch (error) {
    run.cluster.signal.throwIfAborted();
    return { ...none, outcome: 'failed', why: reasonOf(error), duration_ms: Date.now() - began };
  }
}

function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC') return `the disk is full (${message})`;
  const why = error instanceof CliError ? error.why : undefined;
  return why === undefined ? message : `${message} ${why}`;
}
