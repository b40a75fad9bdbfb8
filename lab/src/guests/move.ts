import { storageKind } from '@psa/appliance/inventory/storages';
import { parseMount } from '@psa/proxmox/conf';
import type { GuestConf } from '../cluster/guest-conf.ts';
import { requireUnlocked } from '../cluster/guests.ts';
import { failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import type { VolumeId } from '../ports.ts';
import type { TaskHandle } from '../tasks/task-manager.ts';
import { bandwidthLimit, paced, type WishedLimit } from './bandwidth.ts';
import { bootGuest } from './boot.ts';
import { freeVolume, isInSnapshot, kindOf, storageOf, volumesOf } from './disks.ts';
import { endGuest } from './end-guest.ts';
import { diskKeys, volumeOf } from './values.ts';

/** How a container is moved. */
export interface MoveOptions {
  readonly target: string;
  readonly online: boolean;
  /** Shut down here, and started there. */
  readonly restart: boolean;
  /** Seconds for the shutdown of `restart`. */
  readonly timeout: number;
  /** Storage → storage of its volumes on the target; the others keep theirs. */
  readonly storages?: (storage: string) => string;
  /** How fast its volumes go; nobody's wish unless told otherwise. */
  readonly limit?: WishedLimit;
}

/** A log of a move: every line with the time, and the duration at the end. */
class MoveLog {
  readonly #task: TaskHandle;
  readonly #start = Date.now();

  constructor(task: TaskHandle) {
    this.#task = task;
  }

  say(line: string): void {
    this.#task.log(`${timeText(new Date())} ${line}`);
  }

  get duration(): string {
    const seconds = Math.round((Date.now() - this.#start) / 1000);
    const part = (value: number) => String(value).padStart(2, '0');
    return `${part(Math.floor(seconds / 3600))}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}`;
  }
}

/** `2026-11-21 09:55:58`, local time. */
function timeText(date: Date): string {
  const part = (value: number) => String(value).padStart(2, '0');
  return (
    `${date.getFullYear()}-${part(date.getMonth() + 1)}-${part(date.getDate())} ` +
    `${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}`
  );
}

/** Moves a container: shut down here, its configuration and local volumes to the target, started there. */
export async function migrateGuest(
  lab: Lab,
  node: string,
  vmid: number,
  options: MoveOptions,
  task: TaskHandle,
): Promise<void> {
  const log = new MoveLog(task);
  try {
    await lab.locks.guest(vmid, () => move({ lab, node, vmid, task, log, ...options }));
  } catch (error) {
    log.say(`ERROR: migration aborted (duration ${log.duration}): ${(error as Error).message}`);
    throw failure('migration aborted');
  }
  log.say(`migration finished successfully (duration ${log.duration})`);
}

interface Move extends MoveOptions {
  readonly lab: Lab;
  readonly node: string;
  readonly vmid: number;
  readonly task: TaskHandle;
  readonly log: MoveLog;
}

async function move(it: Move): Promise<void> {
  const { lab, node, vmid, target, log } = it;
  const address = lab.membership.node(target).address;
  const wasRunning = await prepare(it);
  const copied: { from: VolumeId; to: VolumeId }[] = [];
  log.say(`starting migration of CT ${vmid} to node '${target}' (${address})`);
  try {
    await transfer(it, copied);
  } catch (error) {
    log.say(`ERROR: ${(error as Error).message}`);
    log.say('aborting phase 1 - cleanup resources');
    for (const { to } of copied)
      await lab.volumes
        .remove(target, to)
        .catch(() =>
          log.say(`ERROR: found stale volume copy '${lab.storages.print(to)}' on node '${target}'`),
        );
    // The HA manager has given it to another node when this one is dead.
    if (lab.guests.nodeOf(vmid) !== node) throw error;
    log.say('start final cleanup');
    unlock(lab, node, vmid);
    if (wasRunning) await startHere(it);
    throw error;
  }
  for (const { from } of copied) await lab.volumes.remove(node, from);
  log.say('start final cleanup');
  unlock(lab, target, vmid);
  if (wasRunning) {
    log.say('start container on target node');
    log.say(sshLine(target, address, `pct start ${vmid}`));
    const { values } = lab.guests.load(target, vmid).conf;
    await bootGuest(lab, target, vmid, values);
  }
}

/** Refuses what cannot be, and shuts down (PVE::LXC::Migrate, prepare). @returns whether it ran */
async function prepare(it: Move): Promise<boolean> {
  const { lab, node, vmid, target, task, log } = it;
  const { conf } = lab.guests.load(node, vmid);
  requireUnlocked(conf);
  const isRunning = await lab.stats.isRunning(node, vmid);
  if (isRunning && it.online) throw failure('lxc live migration is currently not implemented');
  if (isRunning && !it.restart)
    throw failure(
      'running container can only be migrated in restart mode at /usr/share/perl5/PVE/LXC/Migrate.pm line 53.',
    );
  for (const key of diskAndUnusedKeys(conf)) {
    const mount = parseMount(conf.values[key]!);
    const kind = kindOf(mount.volume);
    if (kind === 'volume') requireStorages(it, mount.volume);
    else if (!mount.shared) throw failure(`cannot migrate local ${kind} mount point '${key}'`);
  }
  if (!lab.membership.sees(node, target)) {
    const { address } = lab.membership.node(target);
    log.say(sshLine(target, address, '/bin/true'));
    log.say(`ssh: connect to host ${address} port 22: No route to host`);
    throw failure("Can't connect to destination address using public key");
  }
  lab.membership.requireQuorum(node);
  if (!isRunning) return false;
  log.say(`shutdown CT ${vmid}`);
  await endGuest(lab, node, vmid, { timeout: it.timeout, force: false }, task);
  requireLink(it);
  return true;
}

const diskAndUnusedKeys = ({ values }: GuestConf): readonly string[] => [
  ...diskKeys(values),
  ...Object.keys(values).filter((key) => /^unused\d+$/.test(key)),
];

/** @throws when a storage is missing here or on the target, or takes no disks of containers */
function requireStorages({ lab, node, target, storages }: Move, volid: string): void {
  const storage = storageOf(volid);
  const here = lab.storages.onNode(node, storage);
  if (!here.content.includes('rootdir'))
    throw failure(`content type 'rootdir' is not available on storage '${storage}'`);
  const there = here.shared ? storage : (storages?.(storage) ?? storage);
  if (!lab.storages.onNode(target, there).content.includes('rootdir'))
    throw failure(`${volid}: content type 'rootdir' is not available on storage '${there}'`);
}

/** Copies local volumes and gives the configuration to the target (phase 1). */
async function transfer(it: Move, copied: { from: VolumeId; to: VolumeId }[]): Promise<void> {
  const { lab, node, vmid, target, log } = it;
  const { conf } = lab.guests.load(node, vmid);
  conf.values.lock = 'migrate';
  lab.guests.save(node, vmid, conf);
  const local: VolumeId[] = [];
  for (const volume of volumesOf(lab, conf))
    if (!lab.storages.get(volume.storage).shared) local.push(volume);
    else log.say(`volume '${lab.storages.print(volume)}' is on shared storage '${volume.storage}'`);
  const inSnapshot = local.filter((volume) => isInSnapshot(conf, lab.storages.print(volume)));
  const now = new Set(diskAndUnusedKeys(conf).map((key) => volumeOf(conf.values[key]!)));
  for (const volume of local) {
    const how = now.has(lab.storages.print(volume)) ? 'in current VM config' : 'referenced by snapshot(s)';
    log.say(`found local volume '${lab.storages.print(volume)}' (${how})`);
  }
  const stuck = inSnapshot.filter(
    (volume) => storageKind(lab.storages.get(volume.storage).type)?.move !== 'with-snapshots',
  );
  for (const volume of stuck)
    log.say(`can't migrate local volume '${lab.storages.print(volume)}': non-migratable snapshot exists`);
  if (stuck.length > 0) throw failure("can't migrate CT - check log");
  const names = new Map<string, string>();
  for (const from of local) {
    const to = await placeOf(it, from);
    copied.push({ from, to });
    const [old, fresh] = [lab.storages.print(from), lab.storages.print(to)];
    const limit = bandwidthLimit(lab, 'migration', [from.storage, to.storage], it.limit ?? NOBODY);
    if (limit !== null)
      log.say(`using a bandwidth limit of ${limit * 1024} bytes per second for transferring '${old}'`);
    const began = performance.now();
    await lab.volumes.copy({ node, volume: from }, { node: target, volume: to });
    await paced(lab, it.task, limit, (await lab.volumes.usage(node, from)).used, began);
    requireLink(it);
    names.set(old, fresh);
    log.say(`volume '${old}' is '${fresh}' on the target`);
  }
  lab.guests.update(node, vmid, (changed) => rename(changed, names));
  lab.guests.move(vmid, node, target);
}

const NOBODY: WishedLimit = { kib: null, may: () => false };

/** Where a volume goes: under its name, or under a free one where there is one of that name. */
async function placeOf({ lab, vmid, target, storages }: Move, from: VolumeId): Promise<VolumeId> {
  const to = { ...from, storage: storages?.(from.storage) ?? from.storage };
  return (await lab.volumes.exists(target, to)) ? freeVolume(lab, target, to.storage, vmid) : to;
}

/** Gives volumes their new names in every part of a configuration. */
function rename(conf: GuestConf, names: ReadonlyMap<string, string>): void {
  for (const values of [conf.values, conf.pending, ...Object.values(conf.snapshots)])
    for (const key of Object.keys(values)) {
      const fresh = /^(rootfs|mp\d+|unused\d+)$/.test(key) ? names.get(volumeOf(values[key]!)) : undefined;
      if (fresh !== undefined) values[key] = values[key]!.replace(volumeOf(values[key]!), fresh);
    }
}

/** The command that a real node runs on another one. */
const sshLine = (target: string, address: string, command: string): string =>
  `# /usr/bin/ssh -e none -o 'BatchMode=yes' -o 'HostKeyAlias=${target}' ` +
  `-o 'UserKnownHostsFile=/etc/pve/nodes/${target}/ssh_known_hosts' -o 'GlobalKnownHostsFile=none' ` +
  `root@${address} ${command}`;

/** @throws when the task was aborted, or one of the nodes went away under it */
function requireLink({ lab, node, target, task }: Move): void {
  task.signal.throwIfAborted();
  if (!lab.membership.sees(node, target)) throw failure(`lost the connection to node '${target}'`);
}

function unlock(lab: Lab, node: string, vmid: number): void {
  lab.guests.update(node, vmid, (conf) => {
    delete conf.values.lock;
  });
}

async function startHere({ lab, node, vmid, log }: Move): Promise<void> {
  if (await lab.stats.isRunning(node, vmid)) return;
  log.say('start container on source node');
  try {
    await bootGuest(lab, node, vmid, lab.guests.load(node, vmid).conf.values);
  } catch (error) {
    log.say(`ERROR: ${(error as Error).message}`);
  }
}
