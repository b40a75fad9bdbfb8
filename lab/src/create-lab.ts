import { join } from 'node:path';
import type { ApiSchema } from '@psa/proxmox/schema/api-schema';
import { Authenticator } from './api/auth.ts';
import { Dispatcher } from './api/dispatcher.ts';
import { labRoutes } from './api/routes.ts';
import { Access } from './cluster/access.ts';
import { ClusterFiles } from './cluster/cluster-files.ts';
import { GuestStats } from './cluster/guest-stats.ts';
import { Guests } from './cluster/guests.ts';
import { Locks } from './cluster/locks.ts';
import { type LabNode, Membership } from './cluster/membership.ts';
import { type StorageConf, Storages } from './cluster/storages.ts';
import { Conformance } from './conformance.ts';
import { guestActions } from './guests/actions.ts';
import { nodesOff, Power, type PoweredService } from './guests/node-power.ts';
import { HaDriver } from './ha/driver.ts';
import type { Lab } from './lab.ts';
import type { ContainerRuntime, LabNetwork, VolumeStore } from './ports.ts';
import { TaskManager } from './tasks/task-manager.ts';

/** What a lab is put together from. */
export interface LabOptions {
  readonly name: string;
  /** State folder. */
  readonly dir: string;
  readonly timeFactor: number;
  readonly nodes: readonly LabNode[];
  readonly storages: readonly StorageConf[];
  readonly runtime: ContainerRuntime;
  readonly volumes: VolumeStore;
  readonly network: LabNetwork;
  /** Null: requests are checked by the routes alone. */
  readonly schema: ApiSchema | null;
  readonly fingerprints?: Readonly<Record<string, string>>;
  /** What goes on and off with a node besides its cards and containers. */
  readonly services?: readonly PoweredService[];
  readonly log?: (line: string) => void;
}

/** A lab whose API can be asked, with or without a server before it. */
export interface AssembledLab {
  readonly lab: Lab;
  readonly dispatcher: Dispatcher;
  readonly ha: HaDriver;
}

/** Puts a lab together. Nothing runs yet: `ha.start()` and the servers are the caller's. */
export async function createLab(options: LabOptions): Promise<AssembledLab> {
  const { name, dir, timeFactor, nodes, runtime, volumes, network, schema } = options;
  const files = new ClusterFiles(join(dir, 'cluster'));
  const membership = new Membership(nodes, network, nodesOff(files));
  await membership.refresh();
  const guests = new Guests(
    files,
    nodes.map((node) => node.name),
  );
  const access = new Access(files);
  const actions = guestActions(() => lab);
  const power = new Power(() => lab, options.services ?? []);
  const ha = new HaDriver({
    ...{ files, membership, actions, timeFactor },
    reset: (node) => power.reset(node),
    ...(options.log === undefined ? {} : { log: options.log }),
  });
  const lab: Lab = {
    ...{ name, dir, timeFactor, files, guests, membership, access, runtime, volumes, network },
    conformance: schema === null ? null : new Conformance(schema),
    locks: new Locks(),
    storages: new Storages(options.storages, files),
    tasks: new TaskManager(join(dir, 'tasks'), timeFactor),
    stats: new GuestStats(runtime, guests, membership),
    fingerprints: options.fingerprints ?? {},
    ...{ power, ha, actions },
  };
  for (const { name: storage, type, shared } of lab.storages.all)
    if ((type === 'dir' || type === 'pbs') && !options.storages.some((one) => one.name === storage))
      await volumes.adopt(storage, shared);
  const auth = new Authenticator(access, files);
  return { lab, ha, dispatcher: new Dispatcher(lab, auth, labRoutes(auth)) };
}
