import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../lab.ts';

/** Kinds of files on a node's own storage. */
const CONTENT = ['vztmpl', 'backup', 'iso', 'snippets', 'import'] as const;

/**
 * A node's disks are gone, and the machine is set up anew under its name, as after "pvecm delnode", "rm -r
 * /etc/pve/nodes/NAME" and "pvecm add": what stood on storages of its own is lost, the cluster no longer has the
 * configurations that the HA manager has not moved, and what all nodes share is as it was. The node is off.
 * @throws when it has power
 */
export async function loseDisks(lab: Lab, node: string): Promise<void> {
  if (lab.membership.isOn(node)) throw new Error(`${node} has power: take it away first (kill-node).`);
  for (const { vmid } of lab.guests.on(node)) lab.guests.remove(node, vmid);
  for (const { name, shared } of lab.storages.on(node)) {
    if (shared) continue;
    for (const volume of await lab.volumes.list(node, name))
      await lab.volumes.remove(node, { storage: name, name: volume });
    for (const content of CONTENT) {
      const folder = await lab.volumes.folder(node, name, content);
      for (const file of await readdir(folder)) await rm(join(folder, file), { recursive: true });
    }
  }
}
