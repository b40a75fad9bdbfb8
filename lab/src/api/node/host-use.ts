import type { Lab } from '../../lab.ts';

/** What a node uses, in the figures of the API. */
export interface HostUse {
  readonly cpu: number;
  readonly mem: number;
  readonly disk: number;
  readonly maxdisk: number;
}

/** What Proxmox VE itself takes of a node. */
const OWN_MEMORY = 1024 ** 3;

/** A node's use: the sum over its containers, and the storage that holds its own files. */
export async function hostUse(lab: Lab, node: string): Promise<HostUse> {
  const { cores } = lab.membership.node(node);
  let cpu = 0;
  let mem = OWN_MEMORY;
  for (const vmid of await lab.stats.runningOn(node)) {
    const use = await lab.stats.sample(node, vmid);
    cpu += use.cpu;
    mem += use.memory;
  }
  const storage = lab.storages.on(node).find((one) => !one.shared);
  const space = storage ? await lab.volumes.space(node, storage.name).catch(() => null) : null;
  return {
    cpu: Math.min(1, cpu / cores),
    mem,
    disk: space?.used ?? 0,
    maxdisk: space?.total ?? 0,
  };
}
