import type { GuestConf } from '../cluster/guest-conf.ts';
import { numbered } from '../cluster/guest-conf.ts';
import { badParameter, failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import {
  addUnused,
  dropUsed,
  freeOwn,
  isInSnapshot,
  isInUse,
  kindOf,
  makeMount,
  mountOf,
  storageOf,
  volidOf,
} from './disks.ts';
import { limitsOf } from './run-spec.ts';
import { isTemplate } from './values.ts';

/** What a request changes of a configuration. */
export interface Change {
  /** Values in the form in which they are kept. */
  readonly values: Readonly<Record<string, string>>;
  readonly gone: readonly string[];
  readonly reverted: readonly string[];
}

/** Changes at once, also in a container that runs, without anything being done to it. */
const AT_ONCE: ReadonlySet<string> = new Set([
  ...['description', 'onboot', 'startup', 'protection', 'hostname', 'hookscript', 'cores', 'tags', 'lock'],
]);
const REQUIRED: ReadonlySet<string> = new Set(['memory', 'rootfs', 'ostype']);
const isMount = (key: string) => /^mp\d+$/.test(key);
const isUnused = (key: string) => /^unused\d+$/.test(key);

/**
 * Writes a change into the pending part (PVE::LXC::Config, update_pct_config).
 * @returns the keys that it concerns
 * @throws what Proxmox VE says before it touches anything
 */
export function stage(lab: Lab, vmid: number, conf: GuestConf, change: Change): ReadonlySet<string> {
  const concerned = new Set<string>();
  const undelete = (key: string) => {
    conf.pendingDelete = conf.pendingDelete.filter((one) => one !== key);
  };
  for (const key of change.reverted) {
    delete conf.pending[key];
    undelete(key);
  }
  for (const key of change.gone) {
    // What is not set is not missed.
    if (conf.values[key] === undefined && conf.pending[key] === undefined) continue;
    concerned.add(key);
    if (REQUIRED.has(key)) throw failure(`unable to delete required option '${key}'`);
    if (isMount(key) || isUnused(key)) requireUnprotected(conf, `can't remove CT ${vmid} drive '${key}'`);
    if (key === 'unprivileged') throw failure(`unable to delete read-only option: '${key}'`);
    conf.pendingDelete = [...new Set([...conf.pendingDelete, key])].sort();
  }
  for (const key of Object.keys(change.values).sort()) {
    concerned.add(key);
    const value = change.values[key]!;
    if (isMount(key) || key === 'rootfs') {
      requireUnprotected(conf, `can't update CT ${vmid} drive '${key}'`);
      requireRootdir(lab, key, value);
    } else if (key === 'unprivileged') throw failure(`unable to modify read-only option: '${key}'`);
    else if (/^net\d+$/.test(key)) requireMtu(key, value);
    conf.pending[key] = value;
    undelete(key);
  }
  tidy(conf);
  return concerned;
}

function requireUnprotected(conf: GuestConf, what: string): void {
  if (conf.values.protection === '1') throw failure(`${what} - protection mode enabled`);
}

function requireRootdir(lab: Lab, key: string, value: string): void {
  const { volume } = mountOf(key, value);
  if (kindOf(volume) !== 'volume') return;
  const storage = storageOf(volume);
  if (!lab.storages.get(storage).content.includes('rootdir'))
    throw failure(`storage '${storage}' does not allow content type 'rootdir' (Container)`);
}

/** The bridges of the lab have the size of an Ethernet frame. */
const BRIDGE_MTU = 1500;

function requireMtu(key: string, value: string): void {
  const mtu = /(?:^|,)mtu=(\d+)/.exec(value)?.[1];
  if (mtu !== undefined && Number(mtu) > BRIDGE_MTU)
    throw failure(`${key}: MTU size '${mtu}' is bigger than bridge MTU '${BRIDGE_MTU}'`);
}

/** Pending changes that change nothing, and deletions of what is not there, are over. */
function tidy(conf: GuestConf): void {
  for (const [key, value] of Object.entries(conf.pending))
    if (conf.values[key] === value) delete conf.pending[key];
  conf.pendingDelete = conf.pendingDelete.filter((key) => conf.values[key] !== undefined);
}

/** What could not be done, by option; the configuration is then not to be saved. */
type Problems = Record<string, string>;

async function attempt(problems: Problems, key: string, what: string, work: () => Promise<void>) {
  try {
    await work();
  } catch (error) {
    problems[key] = `${what}${(error as Error).message}\n`;
  }
}

function requireNone(problems: Problems): void {
  if (Object.keys(problems).length > 0) throw badParameter(problems);
}

/** Makes pending changes those of a container that does not run (vmconfig_apply_pending). `only`: not all of them. */
export async function applyPending(
  lab: Lab,
  node: string,
  vmid: number,
  conf: GuestConf,
  only: ReadonlySet<string> | null = null,
): Promise<void> {
  const problems: Problems = {};
  const chosen = (key: string) => only === null || only.has(key);
  for (const key of conf.pendingDelete.filter(chosen))
    await attempt(problems, key, `unable to apply pending change ${key} : `, async () => {
      await letGo(lab, node, vmid, conf, key);
      forget(conf, key);
    });
  tidy(conf);
  for (const key of Object.keys(conf.pending).filter(chosen).sort())
    await attempt(problems, key, `unable to apply pending change ${key} : `, async () => {
      if (isMount(key)) await mount(lab, node, vmid, conf, key);
      settle(conf, key);
    });
  dropUsed(conf.values);
  requireNone(problems);
}

/** Changes a container that runs, as far as that is possible (vmconfig_hotplug_pending); the rest stays pending. */
export async function hotplug(
  lab: Lab,
  node: string,
  vmid: number,
  conf: GuestConf,
  only: ReadonlySet<string>,
): Promise<void> {
  const problems: Problems = {};
  const plug = (key: string, work: () => Promise<void>) =>
    attempt(problems, key, `unable to hotplug ${key}: `, work);
  const limits = () => lab.runtime.setLimits(node, vmid, limitsOf(conf.values));
  for (const key of conf.pendingDelete.filter((one) => only.has(one)))
    await plug(key, async () => {
      if (isUnused(key)) await letGo(lab, node, vmid, conf, key);
      else if (!AT_ONCE.has(key) && !LIMITS.has(key) && !/^net\d$/.test(key)) return;
      forget(conf, key);
      if (LIMITS.has(key)) await limits();
    });
  for (const key of Object.keys(conf.pending)
    .filter((one) => only.has(one))
    .sort())
    await plug(key, async () => {
      const isNew = conf.values[key] === undefined;
      if (isMount(key) && isNew) await mount(lab, node, vmid, conf, key);
      // A new card is made on its bridge; one that only changes its bridge fails when all is written.
      else if (/^net\d+$/.test(key)) {
        if (isOtherCard(conf.values[key], conf.pending[key]!)) plugCard(lab, node, vmid, conf, key);
      } else if (!AT_ONCE.has(key) && !LIMITS.has(key)) return;
      settle(conf, key);
      if (LIMITS.has(key) || key === 'cores') await limits();
    });
  dropUsed(conf.values);
  requireNone(problems);
}

/** A card that takes another's place goes first, and that is saved, also where the new one cannot be made. */
function plugCard(lab: Lab, node: string, vmid: number, conf: GuestConf, key: string): void {
  if (conf.values[key] !== undefined) {
    delete conf.values[key];
    lab.guests.save(node, vmid, conf);
  }
  requireBridge(lab, node, conf.pending[key]!);
}

const LIMITS: ReadonlySet<string> = new Set(['memory', 'swap', 'cpulimit', 'cpuunits']);

function settle(conf: GuestConf, key: string): void {
  conf.values[key] = conf.pending[key]!;
  delete conf.pending[key];
}

function forget(conf: GuestConf, key: string): void {
  delete conf.values[key];
  conf.pendingDelete = conf.pendingDelete.filter((one) => one !== key);
}

/** The disk of a mount point that goes stays as unused; one that is unused is freed unless a snapshot needs it. */
async function letGo(lab: Lab, node: string, vmid: number, conf: GuestConf, key: string): Promise<void> {
  const volid = volidOf(conf.values[key]);
  if (volid === null) return;
  if (isMount(key)) addUnused(conf.values, volid);
  else if (isUnused(key) && !isNeeded(conf, volid)) await freeOwn(lab, node, vmid, volid);
}

const isNeeded = (conf: GuestConf, volid: string): boolean =>
  isInUse(conf.values, volid) || isInUse(conf.pending, volid) || isInSnapshot(conf, volid);

async function mount(lab: Lab, node: string, vmid: number, conf: GuestConf, key: string): Promise<void> {
  const before = volidOf(conf.values[key]);
  const isUnprivileged = conf.values.unprivileged === '1';
  conf.pending[key] = await makeMount(lab, node, vmid, conf.pending[key]!, isUnprivileged);
  // The old disk is kept; every write drops it again if it is a disk still.
  if (before !== null && before !== volidOf(conf.pending[key])) addUnused(conf.values, before);
}

/**
 * What makes every change and every start fail, though the configuration is saved (PVE::LXC, update_lxc_config).
 * @throws 500
 */
export function requireRunnable(lab: Lab, node: string, conf: GuestConf): void {
  const { values } = conf;
  if (isTemplate(values)) return;
  for (const [key, line] of [
    ['arch', 729],
    ['ostype', 735],
  ] as const)
    if (values[key] === undefined)
      throw failure(`missing '${key}' - internal error at /usr/share/perl5/PVE/LXC.pm line ${line}.`);
  if (values.rootfs === undefined) throw failure("missing 'rootfs' configuration");
  for (const key of numbered(values, 'net')) requireBridge(lab, node, values[key]!);
}

const cardSetting = (card: string, name: string) => new RegExp(`(?:^|,)${name}=([^,]+)`).exec(card)?.[1];

/** @throws `bridge 'vmbr9' does not exist` */
function requireBridge(lab: Lab, node: string, card: string): void {
  const tag = cardSetting(card, 'tag');
  lab.network.attachment(node, cardSetting(card, 'bridge') ?? '', tag === undefined ? null : Number(tag));
}

const isOtherCard = (before: string | undefined, after: string): boolean =>
  before === undefined ||
  ['name', 'hwaddr'].some((name) => cardSetting(before, name) !== cardSetting(after, name));
