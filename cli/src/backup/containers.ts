import { mkdir } from 'node:fs/promises';
import type { Container } from '@psa/appliance/inventory/expand';
import type { Inventory } from '@psa/appliance/inventory/schema';
import { canSnapshot } from '@psa/appliance/inventory/storages';
import { apiPath } from '@psa/proxmox/client/encode';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { parseUpid } from '@psa/proxmox/upid';
import { artefactFile, artefactId } from '@psa/recovery/artefact-name';
import { type SiteManifest, writeManifest } from '@psa/recovery/manifest';
import { CliError } from '../errors.ts';
import type { Cluster, Placed } from '../site/cluster.ts';
import { siteNameOf } from '../site/generations.ts';
import { lowerTask } from '../site/priority.ts';
import { listVolumes, readVolume, type Volume } from '../site/volume.ts';
import { clearDeadBackup, mendAfterKill, unfinishedOn } from './dead-backup.ts';
import { manifestBase, type Part, type Run } from './part.ts';

/** How a container is copied; null, with the reason: not without standing still, and nobody has said that it may. */
export type CopyMode =
  | { readonly mode: NonNullable<SiteManifest['mode']>; readonly why: string }
  | { readonly mode: null; readonly why: string };

/** What decides on it. */
export interface CopyFacts {
  readonly isRunning: boolean;
  readonly isManaged: boolean;
  /** The storages of its disks that can have no snapshot. */
  readonly plain: readonly string[];
}

/**
 * Decides how a container is copied: by a snapshot where all of its disks can have one. Without, vzdump would suspend it
 * by itself, so that is asked for only where the inventory allows it.
 */
export function copyModeOf(
  { isRunning, isManaged, plain }: CopyFacts,
  interruption: NonNullable<Inventory['backup']['interruption']>,
): CopyMode {
  if (!isRunning) return { mode: 'stopped', why: 'it does not run' };
  if (plain.length === 0) return { mode: 'snapshot', why: 'its disks can have snapshots' };
  const why = `${plain.join(', ')} can have no snapshot`;
  if (interruption === 'none')
    return { mode: null, why: `${why}; it would have to stand still (backup.interruption: suspend)` };
  if (interruption === 'stop' && isManaged)
    return {
      mode: null,
      why: `${why}, and HA would start again what is stopped (backup.interruption: suspend)`,
    };
  return { mode: interruption, why };
}

/** The containers of a site that shall be backed up. */
export async function containerParts(cluster: Cluster): Promise<readonly Part[]> {
  const { groups, interruption = 'none' } = cluster.site.inventory.backup;
  const placed = await cluster.placed();
  const wanted = placed.filter(({ container }) => groups?.includes(container.group) ?? true);
  const managed = new Set(
    (await cluster.get<readonly { sid: string }[]>('/cluster/ha/resources')).map(({ sid }) => sid),
  );
  const turns = new Map<string, Promise<unknown>>();
  const unfinished = new Map<string, ReturnType<typeof unfinishedOn>>();
  return Promise.all(
    wanted.map(async (one): Promise<Part> => {
      const { container, node, state } = one;
      const base = { item: 'containers' as const, name: `${container.name} (CT ${container.id})` };
      const none = (why: string): Part => ({ ...base, how: '', skip: why, take: async () => null });
      if (node === null) return none('the cluster does not know it');
      if (state === 'unknown') return none(`${node} is away`);
      const facts = await factsOf(cluster, one, managed.has(`ct:${container.id}`));
      if (facts === null) return none('the cluster does not know it');
      const copy = copyModeOf(facts, interruption);
      if (copy.mode === null) return none(copy.why);
      const { mode } = copy;
      return {
        ...{ ...base, how: `${mode} on ${node}`, skip: null },
        take: (run) => {
          const take = async () => {
            // Once for a node, when its first one is taken.
            const seen = unfinished.get(node) ?? unfinishedOn(run.cluster, node);
            unfinished.set(node, seen);
            seen.catch(() => unfinished.delete(node));
            return takeContainer(run, container, node, mode, await seen);
          };
          if (mode === 'snapshot' || mode === 'stopped') return take();
          // While one stands still the others of its group answer.
          const turn = (turns.get(container.group) ?? Promise.resolve()).then(take, take);
          turns.set(container.group, turn);
          return turn;
        },
      };
    }),
  );
}

async function factsOf(
  cluster: Cluster,
  { container, node, state }: Placed,
  isManaged: boolean,
): Promise<CopyFacts | null> {
  const config = await cluster.config(node!, container.id);
  if (!config) return null;
  const storages = new Map(cluster.site.site.storages.map((one) => [one.name, one.type]));
  const used = new Set(config.volumes.map((volume) => volume.split(':')[0]!));
  const plain = [...used].filter((name) => {
    const type = storages.get(name);
    // Of a storage that the inventory does not know nobody knows what it can do.
    return type === undefined || !canSnapshot(type);
  });
  return { isRunning: state === 'running', isManaged, plain };
}

/** In the place of a generation: the archive of what was about to be overwritten. */
const SAFETY = 'safety';

/** What the notes of an archive say of it. */
export interface ArchiveNotes {
  readonly run: string;
  /** The generation; null: none. */
  readonly tier: string | null;
  /** `psa/main`; null: psactl 0.1.0 did not write it. */
  readonly site: string | null;
}

/** Several sites may keep their archives on one share, so the notes name theirs. @returns null: psactl did not make it */
export function readNotes(notes: string | undefined): ArchiveNotes | null {
  const [, run, tier, site = null] =
    /^psa (\d{8}T\d{6}Z-[0-9a-f]{6}) (\S+)(?: (\S+\/\S+))?/.exec(notes ?? '') ?? [];
  return run && tier ? { run, tier: tier === SAFETY ? null : tier, site } : null;
}

/** A day: a container of terabytes takes its time. */
const TASK_MS = 24 * 3_600_000;

/** @param seen what {@link unfinishedOn} saw on the node before; absent: it is looked for */
export async function takeContainer(
  run: Run,
  container: Container,
  node: string,
  mode: NonNullable<SiteManifest['mode']>,
  seen?: readonly string[],
): Promise<SiteManifest> {
  const { cluster, generation } = run;
  const { storage, folder } = generation;
  const at = new Date();
  const unfinished = seen ?? (await unfinishedOn(cluster, node));
  const freed = await clearDeadBackup(cluster, node, container.id, unfinished);
  const result = await dump(run, container.id, node, mode);
  const volume = (await listVolumes(cluster, node, storage, container.id)).find(
    ({ notes }) => readNotes(notes)?.run === run.id,
  );
  if (!volume)
    throw new CliError(`Unable to find the backup of ${cluster.nameOf(container.id)} on ${storage}.`, {
      why: 'vzdump ended well, and the storage lists nothing of this run.',
    });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const manifest = await describeVolume(cluster, volume, {
    ...manifestBase(run, 'container', artefactId('container', run.id, container.id), at),
    ...{ from: { node, container: container.id, name: container.name }, mode, recipients: [] },
    warnings: [...freed, ...result],
    volume: { storage, volid: volume.volid },
  });
  await writeManifest(`${folder}/${artefactFile(manifest.id)}`, manifest);
  return manifest;
}

/** Reads an archive back and says what stands beside it. */
export async function describeVolume(
  cluster: Cluster,
  { volid, size, ctime }: Volume,
  base: Omit<SiteManifest, 'bytes' | 'sha256' | 'content_bytes' | 'duration_ms' | 'verified_at'>,
): Promise<SiteManifest> {
  const storage = cluster.site.site.storages.find(({ name }) => name === volid.split(':')[0]);
  const isServer = storage?.type === 'pbs';
  const began = Date.now();
  const seen = isServer ? null : await readVolume(cluster, base.from.node!, volid);
  return {
    ...base,
    ...{ bytes: seen?.bytes ?? size, sha256: seen?.sha256 ?? null, content_bytes: null },
    duration_ms: Math.max(0, Date.now() - Math.min(new Date(base.at).getTime(), ctime * 1000)),
    ...(seen && { read_back_ms: Date.now() - began }),
    verified_at: isServer ? null : new Date().toISOString(),
  };
}

/** Runs vzdump. @returns what it warned of */
async function dump(
  run: Run,
  id: number,
  node: string,
  mode: NonNullable<SiteManifest['mode']>,
): Promise<readonly string[]> {
  const { cluster, generation, limit, isLow } = run;
  const lines: string[] = [];
  let task: string | null = null;
  const params = {
    ...{
      vmid: id,
      storage: generation.storage,
      compress: 'zstd',
      mode: mode === 'stopped' ? 'snapshot' : mode,
    },
    // What stays is psactl's to decide: an archive that Proxmox removes would leave a manifest of nothing.
    ...{
      remove: 0,
      'notes-template': `psa ${run.id} ${run.isSafety ? SAFETY : generation.name} ${siteNameOf(cluster.site)} {{guestname}}`,
    },
    ...(limit === null ? {} : { bwlimit: Math.ceil(limit / 1024) }),
  };
  try {
    const result = await cluster.site.client.run('POST', apiPath`/nodes/${node}/vzdump`, params, {
      ...{ signal: cluster.signal, taskTimeoutMs: TASK_MS },
      onTask: (upid) => {
        task = upid;
        // That it takes more than it should makes it no worse as a backup.
        if (isLow) lowerTask(cluster, node, parseUpid(upid)!.pid).catch(() => {});
      },
      onLog: (line) => void lines.push(line),
    });
    return [...new Set([...(result?.warningLines ?? []), ...lines.filter(isWarning)])];
  } catch (error) {
    // Nobody waits for it any more: without this it would go on, and hold the guest's lock.
    if (cluster.signal.aborted && task !== null) await stopTask(cluster, node, task);
    if (!(error instanceof ProxmoxError && error.task)) throw error;
    const { log, exitStatus } = error.task;
    throw new CliError(`Unable to back up ${cluster.nameOf(id)} on ${node}.`, {
      why:
        exitStatus === KILLED
          ? await whyKilled(cluster, id, node, mode)
          : log.filter((line) => /ERROR|failed|error/.test(line)).join('\n') || error.message,
      cause: error,
    });
  }
}

/** How a task ends that could not say how it ended (PVE::Tools, upid_read_status). */
const KILLED = 'unexpected status';

async function whyKilled(
  cluster: Cluster,
  id: number,
  node: string,
  mode: NonNullable<SiteManifest['mode']>,
): Promise<string> {
  const mended = await mendAfterKill(cluster, node, id, mode).catch((error: Error) => {
    cluster.signal.throwIfAborted();
    return [`What it has left could not be looked after: ${error.message}`];
  });
  return ['vzdump was killed in the middle, or its node had no memory left for it.', ...mended].join(' ');
}

/**
 * Whether a line of vzdump's log is to be kept: a backup that is not all of the container. In mode suspend vzdump copies it to
 * the backup's storage first, and on NFS it leaves ACLs and extended attributes (capabilities of files) out, as an "INFO".
 */
export const isWarning = (line: string): boolean =>
  /mode failure|^WARN|^ERROR|file changed as we read it|disabling xattr and acl/.test(line);

async function stopTask(cluster: Cluster, node: string, upid: string): Promise<void> {
  const { client } = cluster.site;
  await client.request('DELETE', apiPath`/nodes/${node}/tasks/${upid}`).catch(() => {});
  await client.waitTask(upid, { taskTimeoutMs: 30_000 }).catch(() => {});
}
