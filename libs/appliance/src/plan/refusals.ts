import { storageKind } from '../inventory/storages.ts';
import type { Observed, ObservedConfig, ObservedGuest, ObservedRule } from './observed.ts';

/** Why Proxmox would refuse to remove a container, and what to do; null when it would not. */
export function refusedRemoval(
  id: number,
  { protected: isProtected, lock, isTemplate }: ObservedConfig,
  guests: readonly ObservedGuest[],
): string | null {
  if (isProtected)
    return `it is protected, so it stays as it is. Take that back (pct set ${id} --protection 0), then again.`;
  if (lock !== null && lock !== 'create')
    return `it is locked (${lock}), so it stays as it is. Wait until that has ended; if nothing is at work on it: pct unlock ${id}.`;
  // PVE::Storage, vdisk_free: refused in the task, when HA has let go of it.
  const clones = isTemplate ? guests.filter(({ config }) => config?.volumes.some(isCloneOf(id))) : [];
  if (clones.length > 0)
    return `it is a template that the disks of ${clones.map((one) => `CT ${one.id}`).join(', ')} stand on, so it stays as it is. Remove these first, then again.`;
  return null;
}

/** A disk that stands on a template's: `tank:basevol-100-disk-0/subvol-101-disk-0`. */
const BASED = /^[^:]+:(?:\d+\/)?base(?:vol)?-(\d+)-[^/]*\//;
const isCloneOf = (id: number) => (volume: string) => Number(BASED.exec(volume)?.[1]) === id;

/**
 * Why Proxmox would refuse to move a container to a node, and what to do; null when nothing is known that it would
 * refuse. It finds out about some of these when the container is shut down (PVE::LXC::Migrate, prepare and phase1).
 */
export function refusedMove(
  id: number,
  { binds, volumes, hasSnapshots }: ObservedConfig,
  target: string,
  storages: Observed['storages'],
): string | null {
  if (binds.length > 0) return `Proxmox does not move ${binds.join(', ')}, which is a path of that node.`;
  for (const volume of volumes) {
    // What the token may not see is left to Proxmox.
    const storage = storages.find(({ name }) => name === volume.split(':')[0]);
    if (!storage) continue;
    const disk = `its disk ${volume}`;
    if (storage.nodes && !storage.nodes.includes(target))
      return `${disk} is on a storage that ${target} does not have. Give ${storage.name} that node, or move the disk: pct move-volume ${id}.`;
    if (!storage.content.includes('rootdir'))
      return `${disk} is on a storage that takes no disks of containers now: pvesm set ${storage.name} --content ${[...storage.content, 'rootdir'].join(',')}.`;
    if (storage.isShared) continue;
    const kind = storageKind(storage.type);
    if (kind?.move === null)
      return `${disk} is on a storage of type ${storage.type} that nodes do not share, which Proxmox does not copy.`;
    if (hasSnapshots && kind?.move === 'alone')
      return `it has snapshots, which Proxmox does not copy from a storage of type ${storage.type} (${storage.name}). Remove them: pct listsnapshot ${id}, pct delsnapshot ${id} <name>.`;
    if (BASED.test(volume))
      return `${disk} stands on that of a template, which stays on its node. Give it one of its own: pct move-volume ${id}.`;
  }
  return null;
}

/**
 * Why Proxmox would refuse a rule of ours beside those of others that name the same containers, and what to do; null when
 * nothing is known that it would refuse (PVE::HA::Rules). A disabled rule is not looked at.
 */
export function refusedRule(
  type: string,
  resources: readonly string[],
  others: readonly ObservedRule[],
): string | null {
  for (const { name, disabled, ...other } of others) {
    const both = disabled ? [] : other.resources.filter((sid) => resources.includes(sid));
    const needs = type === 'node-affinity' ? other.type === type && 1 : other.affinity === 'positive' && 2;
    if (needs && both.length >= needs)
      return `the HA rule "${name}", which psactl did not make, ${type === 'node-affinity' ? 'says on which nodes' : 'keeps together'} ${both.join(', ')}, and Proxmox takes no second word on that. Take ${both.join(', ')} out of it (Datacenter > HA > Affinity Rules), or remove it.`;
  }
  return null;
}
