import type { Lab } from '../lab.ts';
import { removeVolumes } from './disks.ts';

/** More disks than a container of the lab ever has. */
const DISKS = 4;

/**
 * Tidies up what a daemon that was killed left of its tasks, before anybody asks. A real cluster would not: there a
 * crash takes one node's tasks, here it takes those of all nodes, and none of it is the fault of a simulated node.
 * Backups stay locked, as an aborted one leaves them everywhere.
 */
export async function tidyGuests(lab: Lab, say: (line: string) => void): Promise<void> {
  for (const { vmid, node } of lab.guests.all()) {
    const { lock, rootfs } = lab.guests.load(node, vmid).conf.values;
    if (lock === 'create' && rootfs === undefined) {
      say(`CT ${vmid} was being made on ${node}: what there is of it is removed`);
      for (const storage of lab.storages.on(node))
        for (let number = 0; number < DISKS; number++)
          await removeVolumes(lab, node, [{ storage: storage.name, name: `vm-${vmid}-disk-${number}` }]);
      lab.guests.remove(node, vmid);
    } else if (lock === 'migrate' || lock === 'create') {
      // A move copies first; a restore over a container keeps the old one until the new one is whole.
      say(`CT ${vmid} on ${node} stays as it was: its ${lock === 'create' ? 'restore' : 'move'} did not end`);
      lab.guests.update(node, vmid, (conf) => {
        delete conf.values.lock;
      });
    }
  }
}
