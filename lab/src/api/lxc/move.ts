import { requireUnlocked } from '../../cluster/guests.ts';
import type { VolumeId } from '../../ports.ts';
import type { TaskHandle } from '../../tasks/task-manager.ts';
import { failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import { bootGuest } from './boot.ts';
import { volumesOf } from './disks.ts';
import { endGuest } from './end-guest.ts';

/** How a container is moved. */
export interface MoveOptions {
  readonly target: string;
  readonly online: boolean;
  readonly restart: boolean;
  /** Seconds for the shutdown of `restart`. */
  readonly timeout: number;
  /** Whether it is started on the target; the HA manager starts it itself. */
  readonly start: boolean;
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
    await lab.locks.guest(vmid, () => move(lab, node, vmid, options, task, log));
  } catch (error) {
    log.say(`ERROR: migration aborted (duration ${log.duration}): ${(error as Error).message}`);
    throw failure('migration aborted');
  }
  log.say(`migration finished successfully (duration ${log.duration})`);
}

async function move(
  lab: Lab,
  node: string,
  vmid: number,
  options: MoveOptions,
  task: TaskHandle,
  log: MoveLog,
): Promise<void> {
  const { target } = options;
  const { conf } = lab.guests.load(node, vmid);
  const address = lab.membership.node(target).address;
  if (!lab.membership.sees(node, target)) {
    log.say(sshLine(target, address, '/bin/true'));
    log.say(`ssh: connect to host ${address} port 22: No route to host`);
    throw failure("Can't connect to destination address using public key");
  }
  lab.membership.requireQuorum(node);
  const wasRunning = await lab.stats.isRunning(node, vmid);
  requireUnlocked(conf);
  if (wasRunning && !options.restart) throw failure('lxc live migration is currently not implemented');
  const locals = localVolumes(lab, target, volumesOf(lab, conf));
  conf.values.lock = 'migrate';
  lab.guests.save(node, vmid, conf);
  const copied: VolumeId[] = [];
  try {
    if (wasRunning) {
      log.say(`shutdown CT ${vmid}`);
      await endGuest(lab, node, vmid, { timeout: options.timeout, force: false }, task).catch((error) => {
        task.log(`W: ${(error as Error).message}`);
        throw failure('container did not stop');
      });
      requireLink(lab, node, target, task);
    }
    log.say(`starting migration of CT ${vmid} to node '${target}' (${address})`);
    for (const { volume, isLocal } of locals) {
      const name = lab.storages.print(volume);
      if (!isLocal) {
        log.say(`volume '${name}' is on shared storage '${volume.storage}'`);
        continue;
      }
      log.say(`found local volume '${name}' (in current VM config)`);
      // A copy that a lost move left behind is of no use to anyone.
      if (await lab.volumes.exists(target, volume)) await lab.volumes.remove(target, volume);
      copied.push(volume);
      await lab.volumes.copy({ node, volume }, { node: target, volume });
      requireLink(lab, node, target, task);
      log.say(`volume '${name}' is '${name}' on the target`);
    }
  } catch (error) {
    for (const volume of copied)
      await lab.volumes
        .remove(target, volume)
        .catch(() => log.say(`unable to remove ${lab.storages.print(volume)}`));
    // The HA manager has given it to another node when this one is dead.
    if (lab.guests.nodeOf(vmid) !== node) throw error;
    unlock(lab, node, vmid);
    // As on a real cluster, what was running stays down only when it could not be brought up again.
    if (wasRunning && !(await lab.stats.isRunning(node, vmid))) await startHere(lab, node, vmid, log);
    throw error;
  }
  log.say('start final cleanup');
  lab.guests.move(vmid, node, target);
  unlock(lab, target, vmid);
  for (const volume of copied) await lab.volumes.remove(node, volume);
  if (wasRunning && options.start) {
    log.say('start container on target node');
    log.say(sshLine(target, address, `pct start ${vmid}`));
    const { values } = lab.guests.load(target, vmid).conf;
    await bootGuest(lab, target, vmid, values);
  }
}

/** The command that a real node runs on another one. */
const sshLine = (target: string, address: string, command: string): string =>
  `# /usr/bin/ssh -e none -o 'BatchMode=yes' -o 'HostKeyAlias=${target}' ` +
  `-o 'UserKnownHostsFile=/etc/pve/nodes/${target}/ssh_known_hosts' -o 'GlobalKnownHostsFile=none' ` +
  `root@${address} ${command}`;

/** @throws when the task was aborted, or one of the nodes went away under it */
function requireLink(lab: Lab, node: string, target: string, task: TaskHandle): void {
  task.signal.throwIfAborted();
  if (!lab.membership.sees(node, target)) throw failure(`lost the connection to node '${target}'`);
}

/** The volumes of a container, and which of them have to go along. @throws when the target lacks a storage */
function localVolumes(
  lab: Lab,
  target: string,
  volumes: readonly VolumeId[],
): readonly { readonly volume: VolumeId; readonly isLocal: boolean }[] {
  return volumes.map((volume) => ({
    volume,
    isLocal: !lab.storages.onNode(target, volume.storage).shared,
  }));
}

function unlock(lab: Lab, node: string, vmid: number): void {
  lab.guests.update(node, vmid, (conf) => {
    delete conf.values.lock;
  });
}

async function startHere(lab: Lab, node: string, vmid: number, log: MoveLog): Promise<void> {
  try {
    const { values } = lab.guests.load(node, vmid).conf;
    await bootGuest(lab, node, vmid, values);
  } catch (error) {
    log.say(`unable to start CT ${vmid} again: ${(error as Error).message}`);
  }
}
