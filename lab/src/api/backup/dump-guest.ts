import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PassThrough, Transform, type TransformCallback, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { type GuestValues, newConf, printConf } from '../../cluster/guest-conf.ts';
import { requireUnlocked } from '../../cluster/guests.ts';
import type { StorageConf } from '../../cluster/storages.ts';
import type { VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import { startGuest } from '../lxc/actions.ts';
import { endGuest } from '../lxc/end-guest.ts';
import { nameOf, volumeOf } from '../lxc/values.ts';
import { backupBase, besides, logTime } from './archive-name.ts';
import { type KeepOptions, printKeep, removesAny } from './prune.ts';
import { pruneBackups } from './prune-routes.ts';
import { markBackup, shownPath } from './stored-files.ts';

/** How the backups of a job are made. */
export interface DumpJob {
  readonly node: string;
  readonly conf: StorageConf;
  readonly mode: 'snapshot' | 'suspend' | 'stop';
  readonly compress: string;
  readonly notes: string | null;
  readonly isProtected: boolean;
  /** What stays afterwards; null: everything. */
  readonly keep: KeepOptions | null;
}

/** Seconds that a guest has to end in mode stop (Proxmox VE's own: ten minutes). */
const STOP_SECONDS = 600;

/** Backs one guest up. The task's log gets a copy of every line; so does the file beside the backup. */
export async function dumpGuest(lab: Lab, job: DumpJob, vmid: number, task: TaskHandle): Promise<void> {
  const { node, conf } = job;
  const started = new Date();
  const kept: string[] = [];
  const log = (line: string, level = 'INFO') => {
    task.log(`${level}: ${line}`);
    kept.push(`${logTime(new Date())} ${level}: ${line}`);
  };
  let base: string | null = null;
  try {
    if (lab.guests.nodeOf(vmid) === null) throw failure(`unable to find VM '${vmid}'`);
    // The manager would start again what the backup stops.
    if (job.mode === 'stop' && lab.ha.guest(vmid)?.requested === 'started')
      throw failure(
        'Cannot execute a backup with stop mode on a HA managed and enabled Service. Use snapshot mode or disable the Service.',
      );
    base = join(await lab.volumes.folder(node, conf.name, 'backup'), backupBase(vmid, started));
    log(`Starting Backup of VM ${vmid} (lxc)`);
    log(`Backup started at ${logTime(started)}`);
    await dump(lab, job, { vmid, base, started, task, log });
    const seconds = Math.round((Date.now() - started.getTime()) / 1000);
    log(`Finished Backup of VM ${vmid} (${clock(seconds)})`);
    log(`Backup finished at ${logTime(new Date())}`);
  } catch (error) {
    // An aborted task says nothing more.
    if (task.signal.aborted) throw error;
    log(`Backup of VM ${vmid} failed - ${(error as Error).message}`, 'ERROR');
    log(`Failed at ${logTime(new Date())}`);
    throw error;
  } finally {
    if (base !== null) await writeFile(`${base}.log`, `${kept.join('\n')}\n`).catch(() => undefined);
  }
}

interface Dumping {
  readonly vmid: number;
  readonly base: string;
  readonly started: Date;
  readonly task: TaskHandle;
  readonly log: (line: string, level?: string) => void;
}

async function dump(lab: Lab, job: DumpJob, dumping: Dumping): Promise<void> {
  const { node } = job;
  const { vmid, task } = dumping;
  const values = await lab.locks.guest(vmid, () =>
    lab.guests.update(node, vmid, (conf) => {
      requireUnlocked(conf);
      const before = { ...conf.values };
      conf.values.lock = 'backup';
      return before;
    }),
  );
  try {
    await dumpLocked(lab, job, dumping, values);
  } finally {
    // Who aborts a backup finds the guest locked, as on a real node.
    if (!task.signal.aborted)
      await lab.locks.guest(vmid, () =>
        lab.guests.update(node, vmid, (conf) => {
          delete conf.values.lock;
        }),
      );
  }
}

async function dumpLocked(lab: Lab, job: DumpJob, dumping: Dumping, values: GuestValues): Promise<void> {
  const { node } = job;
  const { vmid, task, log } = dumping;
  const volume = lab.storages.parse(volumeOf(values.rootfs ?? ''));
  if (!volume) throw failure(`CT ${vmid} has no usable rootfs`);
  const isRunning = await lab.stats.isRunning(node, vmid);
  log(`status = ${isRunning ? 'running' : 'stopped'}`);
  const about = () => {
    log(`CT Name: ${nameOf(vmid, values)}`);
    log("including mount point rootfs ('/') in backup");
  };
  const begin = (mode: string, isNamed: boolean) => {
    log(`backup mode: ${mode}`);
    log('ionice priority: 7');
    if (!isNamed) about();
  };
  const archive = async (snapshot: string | null) => {
    await writeArchive(lab, job, dumping, values, volume, snapshot);
    await finish(lab, job, dumping, values);
  };
  if (!isRunning || job.mode === 'stop') {
    begin('stop', false);
    if (!isRunning) return archive(null);
    const stopped = Date.now();
    log('stopping virtual guest');
    await untilAborted(task, endGuest(lab, node, vmid, { timeout: STOP_SECONDS, force: false }, task));
    try {
      await archive(null);
    } finally {
      if (!task.signal.aborted) {
        log('restarting vm');
        await restart(lab, node, vmid);
        log(`guest is online again after ${secondsSince(stopped)}`);
      }
    }
    return;
  }
  let isNamed = false;
  if (job.mode === 'snapshot') {
    about();
    isNamed = true;
    if (lab.storages.canSnapshot(volume.storage)) {
      begin('snapshot', true);
      log("create storage snapshot 'vzdump'");
      return withSnapshot(lab, node, vmid, volume, async () => {
        await archive('vzdump');
        log("cleanup temporary 'vzdump' snapshot");
      });
    }
    log('mode failure - some volumes do not support snapshots');
    log("trying 'suspend' mode instead");
    isNamed = false;
  }
  begin('suspend', isNamed);
  const pid = (await lab.stats.now(node, vmid)).pid ?? 0;
  const from = `/proc/${pid}/root/`;
  const to = shownPath(job.conf, 'backup', `${dumping.base.split('/').at(-1)}.tmp`);
  const { used } = await lab.volumes.usage(node, volume);
  log(`starting first sync ${from} to ${to}`);
  log(`first sync finished - transferred ${(used / 1024 ** 2).toFixed(2)}M bytes in 0s`);
  log('suspending guest');
  log(`starting final sync ${from} to ${to}`);
  // The copy of a moment takes the place of the two copies that Proxmox VE makes: the guest is away as short.
  await withSnapshot(
    lab,
    node,
    vmid,
    volume,
    () => archive('vzdump'),
    () => {
      log('final sync finished - transferred 0 bytes in 0s');
      log('resuming guest');
      log('guest is online again after <1 seconds');
    },
  );
}

async function withSnapshot(
  lab: Lab,
  node: string,
  vmid: number,
  volume: VolumeId,
  work: () => Promise<void>,
  then: () => void = () => undefined,
): Promise<void> {
  // One that a killed daemon left behind.
  await lab.volumes.removeSnapshot(node, volume, 'vzdump').catch(() => undefined);
  await lab.runtime.freeze(node, vmid);
  try {
    await lab.volumes.snapshot(node, volume, 'vzdump');
  } finally {
    await lab.runtime.unfreeze(node, vmid);
  }
  then();
  try {
    await work();
  } finally {
    await lab.volumes.removeSnapshot(node, volume, 'vzdump');
  }
}

async function writeArchive(
  lab: Lab,
  job: DumpJob,
  { base, task, log }: Dumping,
  values: GuestValues,
  volume: VolumeId,
  snapshot: string | null,
): Promise<void> {
  const suffix = SUFFIXES[job.compress] ?? '';
  const file = `${base}.tar${suffix}`;
  log(`creating vzdump archive '${shownPath(job.conf, 'backup', file.split('/').at(-1)!)}'`);
  if (suffix === '.lzo') throw failure('command lzop failed: No such file or directory');
  // Two backups of one second would have one name.
  const scratch = `${base}.tmp`;
  await mkdir(scratch).catch(() => {
    throw failure(`unable to create temporary directory '${scratch.split('/').at(-1)}': File exists`);
  });
  const draft = `${file}.dat`;
  const began = Date.now();
  const counter = new Counter();
  try {
    const out = createWriteStream(draft);
    const stages = [counter, ...compressor(job.compress), out] as [Counter, ...Writable[]];
    const written = pipeline(stages as unknown as [Counter, PassThrough, Writable], { signal: task.signal });
    const packed = lab.volumes
      .pack(job.node, volume, snapshot, counter, [
        { path: 'etc/vzdump/pct.conf', text: printConf(newConf(withoutPasts(values))) },
      ])
      .then(() => {
        if (!counter.writableEnded) counter.end();
      });
    packed.catch((error: Error) => counter.destroy(error));
    await Promise.all([written, packed]);
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
    await rm(scratch, { recursive: true, force: true });
  }
  const seconds = Math.max((Date.now() - began) / 1000, 0.001);
  const mib = counter.bytes / 1024 ** 2;
  log(`Total bytes written: ${counter.bytes} (${mib.toFixed(1)}MiB, ${Math.round(mib / seconds)}MiB/s)`);
  log(`archive file size: ${sizeText((await stat(file)).size)}`);
  await markBackup(file, { notes: job.notes, isProtected: job.isProtected ? true : null });
}

async function finish(
  lab: Lab,
  job: DumpJob,
  { vmid, log, base }: Dumping,
  values: GuestValues,
): Promise<void> {
  const file = `${base}.tar${SUFFIXES[job.compress] ?? ''}`;
  if (job.notes !== null) {
    log('adding notes to backup');
    const words: Record<string, string> = {
      ...{ guestname: nameOf(vmid, values), vmid: String(vmid), node: job.node, cluster: lab.name },
    };
    const text = job.notes
      .replaceAll(/\{\{(\w+)\}\}/g, (all, word: string) => words[word] ?? all)
      .replaceAll(/\\([n\\])/g, (_, letter: string) => (letter === 'n' ? '\n' : '\\'));
    await writeFile(besides(file).notes, text);
  }
  if (job.isProtected) log('marking backup as protected');
  if (!removesAny(job.keep)) return;
  log(`prune older backups with retention: ${printKeep(job.keep)}`);
  const count = await pruneBackups(lab, job.node, job.conf, job.keep, vmid, (line) => log(line));
  log(`pruned ${count} backup(s)${count > 0 ? ' not covered by keep-retention policy' : ''}`);
}

/** Starts a guest again that is still locked by its own backup. */
async function restart(lab: Lab, node: string, vmid: number): Promise<void> {
  await lab.locks.guest(vmid, () =>
    lab.guests.update(node, vmid, (conf) => {
      delete conf.values.lock;
    }),
  );
  await startGuest(lab, node, vmid);
}

/** Waits for work, but not longer than the task lives. */
async function untilAborted(task: TaskHandle, work: Promise<void>): Promise<void> {
  const aborted = new Promise<never>((_, reject) => {
    const stop = () => reject(failure('interrupted by signal'));
    if (task.signal.aborted) stop();
    else task.signal.addEventListener('abort', stop, { once: true });
  });
  work.catch(() => undefined);
  await Promise.race([work, aborted]);
}

const SUFFIXES: Readonly<Record<string, string>> = {
  ...{ zstd: '.zst', gzip: '.gz', lzo: '.lzo', '1': '.lzo' },
};

function compressor(kind: string): readonly Transform[] {
  if (kind === 'zstd') return [createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } })];
  return kind === 'gzip' ? [createGzip({ level: 1 })] : [];
}

/** Counts what goes through. */
class Counter extends Transform {
  bytes = 0;

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    done(null, chunk);
  }
}

/** The configuration as a backup has it: without snapshots and lock. */
function withoutPasts(values: GuestValues): GuestValues {
  const { lock, parent, snaptime, ...rest } = values;
  return rest;
}

/** `1MB`, `2.35GB` */
function sizeText(bytes: number): string {
  const mb = Math.floor(bytes / 1024 ** 2);
  return mb >= 1024 ? `${(bytes / 1024 ** 3).toFixed(2)}GB` : `${mb}MB`;
}

function clock(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

function secondsSince(moment: number): string {
  const seconds = Math.round((Date.now() - moment) / 1000);
  return seconds < 1 ? '<1 seconds' : `${seconds} seconds`;
}
