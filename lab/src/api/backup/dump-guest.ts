import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GuestValues, newConf, printConf } from '../../cluster/guest-conf.ts';
import { requireUnlocked } from '../../cluster/guests.ts';
import type { StorageConf } from '../../cluster/storages.ts';
import { failure } from '../../errors.ts';
import { startGuest } from '../../guests/actions.ts';
import { endGuest } from '../../guests/end-guest.ts';
import { nameOf, volumeOf } from '../../guests/values.ts';
import type { Lab } from '../../lab.ts';
import type { MountedVolume, VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { backupBase, besides, logTime, volumeNameOf } from './archive-name.ts';
import { backedUpMounts, coverage, coverageLine } from './coverage.ts';
import { startPacker } from './packer.ts';
import { countOf, type KeepOptions, printKeep } from './prune.ts';
import { pruneBackups } from './prune-routes.ts';
import { listFiles, markBackup, shownPath } from './stored-files.ts';

/** How the backups of a job are made. */
export interface DumpJob {
  readonly node: string;
  readonly conf: StorageConf;
  readonly mode: 'snapshot' | 'suspend' | 'stop';
  readonly compress: string;
  /** KiB per second; 0: as fast as it goes. */
  readonly bwlimit: number;
  readonly ionice: number;
  readonly notes: string | null;
  readonly isProtected: boolean;
  /** What stays afterwards; null: everything. */
  readonly keep: KeepOptions | null;
  /** Whether what does not stay is removed; else there are no more backups than may stay. */
  readonly removes: boolean;
  /** How many protected backups a guest may have there; null: any number. */
  readonly protectedAtMost: number | null;
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
    await requireRoom(lab, job, vmid);
    base = join(await lab.volumes.folder(node, conf.name, 'backup'), backupBase(vmid, started));
    log(`Starting Backup of VM ${vmid} (lxc)`);
    log(`Backup started at ${logTime(started)}`);
    await dump(lab, job, { vmid, base, started, task, log });
    const seconds = Math.round((Date.now() - started.getTime()) / 1000);
    log(`Finished Backup of VM ${vmid} (${clock(seconds)})`);
    log(`Backup finished at ${logTime(new Date())}`);
  } catch (error) {
    log(`Backup of VM ${vmid} failed - ${(error as Error).message}`, 'ERROR');
    log(`Failed at ${logTime(new Date())}`);
    throw error;
  } finally {
    if (base !== null && !task.gone.aborted)
      await writeFile(`${base}.log`, `${kept.join('\n')}\n`).catch(() => undefined);
  }
}

/** A guest has no more backups than the rules let stay, unless what is too much is removed. @throws when it would */
async function requireRoom(lab: Lab, job: DumpJob, vmid: number): Promise<void> {
  const { conf, keep, removes, isProtected, protectedAtMost } = job;
  const limit = keep === null ? 0 : countOf(keep);
  if (!isProtected && (removes || limit === 0)) return;
  const backups = (await listFiles(lab, job.node, conf, 'backup')).filter((file) => file.vmid === vmid);
  const count = backups.filter((file) => file.isProtected === isProtected).length;
  if (isProtected && protectedAtMost !== null && count >= protectedAtMost)
    throw failure(
      `The number of protected backups per guest is limited to ${protectedAtMost} on storage '${conf.name}'`,
    );
  if (!isProtected && count >= limit)
    throw failure(
      `There is a max backup limit of ${limit} enforced by the target storage or the vzdump parameters. Either increase the limit or delete old backups.`,
    );
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
  const { vmid, task, log } = dumping;
  const isRunning = await lab.stats.isRunning(node, vmid);
  log(`status = ${isRunning ? 'running' : 'stopped'}`);
  const values = await lab.locks.guest(vmid, () =>
    lab.guests.update(node, vmid, (conf) => {
      requireUnlocked(conf);
      const before = { ...conf.values };
      conf.values.lock = 'backup';
      return before;
    }),
  );
  try {
    await dumpLocked(lab, job, dumping, values, isRunning);
  } finally {
    // Who kills a backup finds the guest locked, as on a real node.
    if (!task.gone.aborted)
      await lab.locks.guest(vmid, () =>
        lab.guests.update(node, vmid, (conf) => {
          delete conf.values.lock;
        }),
      );
  }
}

async function dumpLocked(
  lab: Lab,
  job: DumpJob,
  dumping: Dumping,
  values: GuestValues,
  isRunning: boolean,
): Promise<void> {
  const { node } = job;
  const { vmid, task, log } = dumping;
  const volume = lab.storages.parse(volumeOf(values.rootfs ?? ''));
  if (!volume) throw failure(`CT ${vmid} has no usable rootfs`);
  const mounts = backedUpMounts(lab, values);
  const volumes = [volume, ...mounts.map((mount) => mount.volume)];
  const about = () => {
    log(`CT Name: ${nameOf(vmid, values)}`);
    for (const disk of coverage(values)) log(coverageLine(disk));
  };
  const begin = (mode: string, isNamed: boolean) => {
    log(`backup mode: ${mode}`);
    if (job.bwlimit > 0) log(`bandwidth limit: ${job.bwlimit} KiB/s`);
    log(`ionice priority: ${job.ionice}`);
    if (!isNamed) about();
  };
  const archive = async (snapshot: string | null) => {
    await writeArchive(lab, job, dumping, values, { volume, mounts }, snapshot);
    await finish(lab, job, dumping, values);
  };
  if (!isRunning || job.mode === 'stop') {
    begin('stop', false);
    if (!isRunning) return archive(null);
    const stopped = Date.now();
    log('stopping virtual guest');
    await untilGone(task, endGuest(lab, node, vmid, { timeout: STOP_SECONDS, force: false }, task));
    try {
      await archive(null);
    } finally {
      if (!task.gone.aborted) {
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
    if (volumes.every(({ storage }) => lab.storages.canSnapshot(storage))) {
      begin('snapshot', true);
      log("create storage snapshot 'vzdump'");
      return withSnapshot(lab, { node, vmid, volumes, task }, async () => {
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
  if (job.conf.type === 'nfs')
    log(
      'temporary directory is on NFS, disabling xattr and acl support, consider configuring a local tmpdir via /etc/vzdump.conf',
    );
  log(`starting first sync ${from} to ${to}`);
  log(`first sync finished - transferred ${(used / 1024 ** 2).toFixed(2)}M bytes in 0s`);
  log('suspending guest');
  log(`starting final sync ${from} to ${to}`);
  // The copy of a moment takes the place of the two copies that Proxmox VE makes: the guest is away as short.
  await withSnapshot(
    lab,
    { node, vmid, volumes, task },
    () => archive('vzdump'),
    () => {
      log('final sync finished - transferred 0 bytes in 0s');
      log('resuming guest');
      log('guest is online again after <1 seconds');
    },
  );
}

/** Whose disks are copied as of one moment, and for which task. */
interface Snapped {
  readonly node: string;
  readonly vmid: number;
  readonly volumes: readonly VolumeId[];
  readonly task: TaskHandle;
}

async function withSnapshot(
  lab: Lab,
  { node, vmid, volumes, task }: Snapped,
  work: () => Promise<void>,
  then: () => void = () => undefined,
): Promise<void> {
  // One that a killed backup left behind.
  for (const volume of volumes)
    await lab.volumes.removeSnapshot(node, volume, 'vzdump').catch(() => undefined);
  await lab.runtime.freeze(node, vmid);
  try {
    for (const volume of volumes) await lab.volumes.snapshot(node, volume, 'vzdump');
  } finally {
    if (!task.gone.aborted) await lab.runtime.unfreeze(node, vmid);
  }
  // Killed while it stood still: it stands still.
  task.gone.throwIfAborted();
  then();
  try {
    await work();
  } finally {
    // Who kills a backup finds its snapshot: the next backup removes it.
    if (!task.gone.aborted)
      for (const volume of volumes) await lab.volumes.removeSnapshot(node, volume, 'vzdump');
  }
}

async function writeArchive(
  lab: Lab,
  job: DumpJob,
  { base, task, log }: Dumping,
  values: GuestValues,
  { volume, mounts }: { readonly volume: VolumeId; readonly mounts: readonly MountedVolume[] },
  snapshot: string | null,
): Promise<void> {
  const suffix = SUFFIXES[job.compress] ?? '';
  const file = `${base}.tar${suffix}`;
  const name = file.split('/').at(-1)!;
  log(
    job.conf.type === 'pbs'
      ? `creating Proxmox Backup Server archive '${volumeNameOf('pbs', name).slice('backup/'.length)}'`
      : `creating vzdump archive '${shownPath(job.conf, 'backup', name)}'`,
  );
  if (suffix === '.lzo') throw failure('command lzop failed: No such file or directory');
  // Two backups of one second would have one name.
  const scratch = `${base}.tmp`;
  await mkdir(scratch).catch(() => {
    throw failure(`unable to create temporary directory '${scratch.split('/').at(-1)}': File exists`);
  });
  // The last ending gives way (PVE::VZDump, tmptar): `….tar.dat`, and `….dat` of what is not compressed.
  const draft = file.replace(/\.[^.]+$/, '.dat');
  const began = Date.now();
  let bytes = 0;
  // Opened before anything can fail: a file that appears after its removal would stay.
  const out = await open(draft, 'w');
  try {
    const { into, done } = startPacker(out, job.compress, job.bwlimit, task.signal);
    const packed = lab.volumes
      .pack(
        ...([job.node, volume, snapshot, into] as const),
        [{ path: 'etc/vzdump/pct.conf', text: printConf(newConf(withoutPasts(values))) }],
        mounts,
      )
      .then((written) => {
        into.end();
        bytes = written;
      });
    packed.catch(() => into.destroy());
    const [written, read] = await Promise.allSettled([done, packed]);
    // Where nobody takes it any more, tar ends too: the cause is the other one's.
    for (const one of [written, read]) if (one.status === 'rejected') throw one.reason;
    // Its programs have come to the end, and nobody is there any more who would give it its name.
    task.gone.throwIfAborted();
    await rename(draft, file);
  } catch (error) {
    if (!task.signal.aborted) throw error;
    throw failure(`command '${archiveCommand(job, base, snapshot !== null)}' failed: interrupted by signal`);
  } finally {
    await out.close();
    if (!task.gone.aborted) {
      await rm(draft, { force: true });
      await rm(scratch, { recursive: true, force: true });
    }
  }
  const seconds = Math.max((Date.now() - began) / 1000, 0.001);
  const mib = bytes / 1024 ** 2;
  log(`Total bytes written: ${bytes} (${mib.toFixed(1)}MiB, ${Math.round(mib / seconds)}MiB/s)`);
  log(`archive file size: ${sizeText((await stat(file)).size)}`);
  await markBackup(file, { notes: job.notes, isProtected: job.isProtected ? true : null });
}

/** What a real node runs to make an archive, as far as its failure shows it. */
function archiveCommand(job: DumpJob, base: string, isSnapshot: boolean): string {
  const draft = shownPath(job.conf, 'backup', base.split('/').at(-1)!);
  const from =
    isSnapshot && job.mode === 'snapshot'
      ? '/mnt/vzsnap0'
      : isSnapshot
        ? `${draft}.tmp`
        : '/var/lib/lxc/.vzdump';
  const stages = [
    'lxc-usernsexec -m u:0:100000:65536 -m g:0:100000:65536 -- tar cpf - --totals --one-file-system -p --sparse ' +
      "--numeric-owner --acls --xattrs '--xattrs-include=user.*' '--xattrs-include=security.capability' " +
      "'--warning=no-file-ignored' '--warning=no-xattr-write' --one-file-system '--warning=no-file-ignored' " +
      `'--directory=${draft}.tmp' ./etc/vzdump/pct.conf '--directory=${from}' --no-anchored '--exclude=lost+found' ` +
      "--anchored '--exclude=./tmp/?*' '--exclude=./var/tmp/?*' '--exclude=./var/run/?*.pid' ./",
    ...(job.bwlimit > 0 ? [`cstream -t ${job.bwlimit * 1024}`] : []),
    ...(job.compress === 'zstd'
      ? ["zstd '--threads=1'"]
      : job.compress === 'gzip'
        ? ['gzip --rsyncable']
        : []),
  ];
  return `set -o pipefail && ${stages.join(' | ')} >${draft}${job.compress === '0' ? '' : '.tar'}.dat`;
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
  if (!job.removes || job.keep === null || job.keep.all) return;
  log(`prune older backups with retention: ${printKeep(job.keep)}`);
  const count = await pruneBackups(
    lab,
    job.node,
    { conf: job.conf, keep: job.keep, vmid, type: 'lxc' },
    (line) => log(line),
  );
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

/** Waits for work, but not longer than the task lives: a guest that does not end does not hear that it is stopped. */
export async function untilGone(task: TaskHandle, work: Promise<void>): Promise<void> {
  const gone = new Promise<never>((_, reject) => {
    const stop = () => reject(failure('killed'));
    if (task.gone.aborted) stop();
    else task.gone.addEventListener('abort', stop, { once: true });
  });
  work.catch(() => undefined);
  await Promise.race([work, gone]);
}

const SUFFIXES: Readonly<Record<string, string>> = {
  ...{ zstd: '.zst', gzip: '.gz', lzo: '.lzo', '1': '.lzo' },
};

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
