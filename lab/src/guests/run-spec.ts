import { parseFeatures, parseMount, parseNet } from '@psa/proxmox/conf';
import { type GuestValues, numbered } from '../cluster/guest-conf.ts';
import { failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import type { Limits, RunSpec } from '../ports.ts';
import { nameOf, volumeOf } from './values.ts';

/** Memory and CPU of a container. Swap counts beside memory, as Proxmox VE has it. */
export function limitsOf(values: GuestValues): Limits {
  return {
    memoryMb: Number(values.memory ?? 512),
    swapMb: Number(values.swap ?? 512),
    cores: values.cores === undefined ? null : Number(values.cores),
  };
}

/** What the runtime needs to start a container. */
export async function runSpecOf(lab: Lab, node: string, vmid: number, values: GuestValues): Promise<RunSpec> {
  const volume = lab.storages.parse(volumeOf(values.rootfs ?? ''));
  if (!volume) throw failure(`CT ${vmid} has no usable rootfs`);
  const cards = numbered(values, 'net').map((key) => {
    const net = parseNet(values[key]!);
    return {
      name: net.name,
      hwaddr: net.hwaddr ?? '',
      bridge: net.bridge ?? '',
      vlan: net.tag ?? null,
      address: net.ip === undefined || !net.ip.includes('/') ? null : net.ip,
      gateway: net.gw ?? null,
      ...(net.linkDown ? { isUnplugged: true } : {}),
    };
  });
  const gateway = cards.find((card) => card.gateway !== null)?.gateway;
  return {
    ...{ id: vmid, node, hostname: nameOf(vmid, values), cards, limits: limitsOf(values) },
    searchDomain: values.searchdomain ?? null,
    // A real node passes its own name servers on; in the lab the router of each VLAN answers.
    nameservers:
      values.nameserver?.split(/[,\s]+/) ?? (gateway === undefined || gateway === null ? [] : [gateway]),
    rootfs: await lab.volumes.path(node, volume),
    mounts: await mountsOf(lab, node, values),
    unprivileged: values.unprivileged === '1',
    nesting: parseFeatures(values.features ?? '').nesting ?? false,
  };
}

async function mountsOf(
  lab: Lab,
  node: string,
  values: GuestValues,
): Promise<NonNullable<RunSpec['mounts']>> {
  const found: { folder: string; path: string; isReadOnly: boolean }[] = [];
  for (const key of numbered(values, 'mp')) {
    const mount = parseMount(values[key]!);
    const volume = lab.storages.parse(mount.volume);
    if (!volume) throw failure(`the lab mounts volumes only, not '${mount.volume}'`);
    const folder = await lab.volumes.path(node, volume);
    found.push({ folder, path: mount.mp ?? '', isReadOnly: mount.ro ?? false });
  }
  return found;
}
