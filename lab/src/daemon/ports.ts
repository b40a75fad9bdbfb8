import type { Server } from 'node:net';
import { join } from 'node:path';
import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';
import { NamespaceNetwork } from '../network/namespace-network.ts';
import { NullNetwork } from '../network/null-network.ts';
import { namespaceOf } from '../network/topology.ts';
import type { ContainerRuntime, DirectAccess, LabNetwork, VolumeStore } from '../ports.ts';
import { serveFakePortal } from '../runtime/fake/fake-portal.ts';
import { FakeRuntime } from '../runtime/fake/fake-runtime.ts';
import { LxcRuntime } from '../runtime/lxc-runtime.ts';
import type { LabSettings } from '../settings.ts';
import { BtrfsStore } from '../storage/btrfs-store.ts';
import { DirStore } from '../storage/dir-store.ts';
import type { StoreOptions } from '../storage/layout.ts';

/** What the lab stands on, opened. */
export interface OpenPorts {
  readonly runtime: ContainerRuntime;
  readonly volumes: VolumeStore;
  readonly network: LabNetwork;
  /** How programs in a node's running containers are reached without the daemon. */
  direct(node: string): DirectAccess;
  /** Opens the portal, where no wires lead to it. */
  portal?(): Promise<Server>;
  /** Removes everything; no container may run. */
  remove(): Promise<void>;
}

const GIB = 1024 ** 3;
/** Storages that the settings give no size. */
const SIZES: Readonly<Record<string, number>> = { local: 12, nas: 16 };

/** The disks of the inventory's storages. */
function disks(dir: string, settings: LabSettings, site: Site): StoreOptions {
  return {
    folder: dir,
    nodes: site.nodes.map((node) => node.name),
    storages: site.storages.map(({ name, shared, nodes }) => ({
      ...{ name, shared },
      sizeBytes: (SIZES[name] ?? (shared ? settings.sharedDiskGb : settings.nodeDiskGb)) * GIB,
      ...(nodes === undefined ? {} : { nodes }),
    })),
  };
}

/** Opens disks, wires and runtime of a lab. */
export async function openPorts(
  dir: string,
  settings: LabSettings,
  inventory: Inventory,
  site: Site,
): Promise<OpenPorts> {
  if (settings.runtime === 'fake') return openFakePorts(dir, settings, inventory, site);
  const volumes = new BtrfsStore(disks(dir, settings, site));
  const network = new NamespaceNetwork({ lab: settings.name, folder: join(dir, 'network') });
  await volumes.open();
  await network.up(inventory, site);
  const runtime = new LxcRuntime({
    ...{ lab: settings.name, folder: join(dir, 'lxc'), network },
    namespaceOf: (node) => namespaceOf(settings.name, node),
  });
  return {
    ...{ runtime, volumes, network },
    direct: (node) => runtime.direct(node),
    async remove() {
      for (const { name } of site.nodes) await runtime.killNode(name);
      runtime.clear();
      await network.down();
      await volumes.close({ remove: true });
    },
  };
}

/** The same without root: folders, wires in memory, containers without processes of their own. */
async function openFakePorts(
  dir: string,
  settings: LabSettings,
  inventory: Inventory,
  site: Site,
): Promise<OpenPorts> {
  const volumes = new DirStore(disks(dir, settings, site));
  const network = new NullNetwork();
  await volumes.open();
  await network.up(inventory, site);
  const runtime = new FakeRuntime({ folder: join(dir, 'fake'), network });
  return {
    ...{ runtime, volumes, network },
    direct: (node) => runtime.direct(node),
    portal: () =>
      serveFakePortal({
        ...{ port: settings.portalPort, runtime },
        certificateFile: inventory.tls.certificate_file,
      }),
    async remove() {
      for (const { name } of site.nodes) await runtime.killNode(name);
      await volumes.close({ remove: true });
    },
  };
}
