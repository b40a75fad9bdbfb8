import type { Lab } from '../lab.ts';
import type { VolumeId } from '../ports.ts';
import { removeVolumes, volumesOf } from './disks.ts';

/** More disks than a container of the lab ever has. */
const DISKS = 4;

/** What a lock says of the work that set it. */
const UNFINISHED: Readonly<Record<string, string>> = {
  ...{ create: 'restore', migrate: 'move', rollback: 'rollback', disk: 'copy' },
  ...{ snapshot: 'snapshot', 'snapshot-delete': 'removal of a snapshot' },
};

/**
 * Tidies up what a daemon that was killed left of its tasks, before anybody asks. A real cluster would not: there a
 * crash takes one node's tasks, here it takes those of all nodes, and none of it is the fault of a simulated node.
 * Backups stay locked, as an aborted one leaves them everywhere.
 */
export async function tidyGuests(lab: Lab, say: (line: string) => void): Promise<void> {
  for (const { vmid, node } of lab.guests.all()) {
    const { conf } = lab.guests.load(node, vmid);
    const { lock, rootfs } = conf.values;
    // For a moment a backup or a snapshot lets its guest stand still.
    if ((await lab.stats.now(node, vmid)).state === 'frozen') await lab.runtime.unfreeze(node, vmid);
    if (lock === 'create' && rootfs === undefined) {
      say(`CT ${vmid} was being made on ${node}: what there is of it is removed`);
      for (const storage of lab.storages.on(node))
        for (let number = 0; number < DISKS; number++)
          await removeVolumes(lab, node, [{ storage: storage.name, name: `vm-${vmid}-disk-${number}` }]);
      lab.guests.remove(node, vmid);
    } else if (lock !== undefined && lock in UNFINISHED) {
      // A move copies first; a restore over a container keeps the old one until the new one is whole.
      say(`CT ${vmid} on ${node} stays as it was: its ${UNFINISHED[lock]} did not end`);
      if (lock === 'create') await removeOthers(lab, node, vmid, volumesOf(lab, conf));
      lab.guests.update(node, vmid, (conf) => {
        delete conf.values.lock;
      });
    }
  }
}

/** Removes disks that a container's configuration does not know. */
async function removeOthers(lab: Lab, node: string, vmid: number, known: readonly VolumeId[]): Promise<void> {
  const isKnown = (one: VolumeId) =>
    known.some((other) => other.storage === one.storage && other.name === one.name);
  for (const storage of lab.storages.on(node))
    for (let number = 0; number < DISKS; number++) {
      const volume = { storage: storage.name, name: `vm-${vmid}-disk-${number}` };
      if (!isKnown(volume)) await removeVolumes(lab, node, [volume]);
    }
}
