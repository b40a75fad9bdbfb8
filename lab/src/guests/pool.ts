import type { Lab } from '../lab.ts';

/** Puts a guest into a pool. */
export function addToPool(lab: Lab, pool: string, vmid: number): void {
  lab.access.update((data) => {
    const before = data.pools[pool];
    if (before && !before.vms.includes(vmid))
      data.pools[pool] = { ...before, vms: [...before.vms, vmid].sort((a, b) => a - b) };
  });
}
