import type { Access } from './cluster/access.ts';
import type { ClusterFiles } from './cluster/cluster-files.ts';
import type { GuestStats } from './cluster/guest-stats.ts';
import type { Guests } from './cluster/guests.ts';
import type { Locks } from './cluster/locks.ts';
import type { Membership } from './cluster/membership.ts';
import type { Storages } from './cluster/storages.ts';
import type { Conformance } from './conformance.ts';
import type { HaGuestActions, HaManager } from './ha/port.ts';
import type { ContainerRuntime, LabNetwork, VolumeStore } from './ports.ts';
import type { TaskManager } from './tasks/task-manager.ts';

/** Power of the nodes, as kill-node, start-node and the fence use it. */
export interface NodePower {
  /** Everything on the node is gone at once, and its API and ssh with it. */
  kill(node: string): Promise<void>;
  /** Switches it on; guests with `onboot` start. */
  start(node: string): Promise<void>;
}

/** All that routes work on: the cluster's state and the ports. */
export interface Lab {
  readonly name: string;
  /** State folder. */
  readonly dir: string;
  /** What Proxmox VE's own slowness is multiplied with. */
  readonly timeFactor: number;
  readonly files: ClusterFiles;
  readonly guests: Guests;
  readonly locks: Locks;
  readonly membership: Membership;
  readonly storages: Storages;
  readonly access: Access;
  readonly tasks: TaskManager;
  readonly stats: GuestStats;
  readonly runtime: ContainerRuntime;
  readonly volumes: VolumeStore;
  readonly network: LabNetwork;
  /** Holds requests against Proxmox VE's schema; null: there is none. */
  readonly conformance: Conformance | null;
  /** SHA-256 of each node's API certificate. */
  readonly fingerprints: Readonly<Record<string, string>>;
  power: NodePower;
  ha: HaManager;
  /** What the HA manager's agents do to guests. */
  readonly actions: HaGuestActions;
}
