import type { Release } from './releases.ts';

/** What the cluster was found to be. Plain data, so that plans are functions of it. */
export interface Observed {
  readonly release: Release;
  readonly quorate: boolean;
  readonly nodes: Readonly<Record<string, 'online' | 'offline'>>;
  /** Names of the pools, and of those that psactl made. */
  readonly pools: readonly string[];
  readonly ownPools: readonly string[];
  readonly storages: readonly ObservedStorage[];
  /** Template archives: `<storage>/<file>` of a shared storage, `<storage>@<node>/<file>` of a local one. */
  readonly templates: readonly string[];
  /** Storages (`<storage>` or `<storage>@<node>`) whose templates could be listed. */
  readonly templateStorages: readonly string[];
  /** Every guest of the cluster; those that can concern us with their configuration. */
  readonly guests: readonly ObservedGuest[];
  /** Guests whose creation psactl began and did not see end. */
  readonly begun: readonly number[];
  /** Ids of ours that are taken by guests that the token may not see. */
  readonly hidden: readonly number[];
  /** Guests that psactl made and did not remove, as its journal has it. */
  readonly made: readonly number[];
  readonly ha: ObservedHa;
  /** Ids of replicas that a HAProxy was told to give no requests. */
  readonly drained: readonly number[];
  /** Data part → what is wrong with it, null when nothing is; a part that was not asked is not there. */
  readonly parts: Readonly<Record<string, string | null>>;
  /** The member of the database that takes writes; null: nobody could be asked, or there is none. */
  readonly leader: number | null;
  /** Whether the database has tables; null: nobody could be asked. */
  readonly migrated: boolean | null;
}

/** A guest as the cluster has it. */
export interface ObservedGuest {
  readonly id: number;
  readonly type: 'lxc' | 'qemu';
  readonly node: string;
  readonly name: string;
  readonly status: 'running' | 'stopped' | 'unknown';
  readonly inPool: boolean;
  /** Null: not read, because its node does not answer, it may not be read, or it does not concern us. */
  readonly config: ObservedConfig | null;
  /** Null: not looked at. */
  readonly inside: ObservedInside | null;
}

/** Its configuration. */
export interface ObservedConfig {
  readonly hostname: string;
  readonly cores: number | null;
  readonly memory: number;
  readonly swap: number;
  readonly tags: readonly string[];
  readonly description: string;
  /** Keys and values of `net0`. */
  readonly net0: Readonly<Record<string, string>>;
  readonly onboot: boolean;
  readonly startup: string;
  readonly nameserver: string;
  readonly searchdomain: string;
  readonly nesting: boolean;
  readonly unprivileged: boolean;
  readonly rootStorage: string;
  /** Null: Proxmox does not say. */
  readonly rootGb: number | null;
  readonly lock: string | null;
  /** Proxmox refuses to remove it. */
  readonly protected: boolean;
  /** It was turned into a template: Proxmox refuses to start it. */
  readonly isTemplate: boolean;
  /** Mount points on paths of its node that Proxmox refuses to migrate. */
  readonly binds: readonly string[];
  /** Its disks, also those that are not used: `shared:230/vm-230-disk-0.raw`. */
  readonly volumes: readonly string[];
  /** Its configuration goes back to a snapshot. */
  readonly hasSnapshots: boolean;
}

/** A storage of the cluster that the token may see. */
export interface ObservedStorage {
  readonly name: string;
  readonly type: string;
  readonly isShared: boolean;
  readonly content: readonly string[];
  /** Null: every node has it. */
  readonly nodes: readonly string[] | null;
}

/** What a running container says about itself. */
export interface ObservedInside {
  /** Of `psa-config`; null: nothing was ever installed. */
  readonly digest: string | null;
  readonly changed: readonly string[];
  readonly missing: readonly string[];
  /** Unit → state. */
  readonly units: Readonly<Record<string, string>>;
  /** Releases of a service container. */
  readonly current: string | null;
  readonly installed: readonly string[];
  /** The release whose process answers; null: nobody does, or there is nobody to ask. */
  readonly running: string | null;
  /** What `/ready` of a service answers: null when it is ready or there is nothing to ask, else what is wrong. */
  readonly unready: string | null;
  /** Bytes free where releases stand. */
  readonly free: number | null;
  /** Of the container `ops`: the mark of what psactl has put there, `OPS_UNMARKED`, or null where nobody has. */
  readonly ops?: string | null;
}

/** The HA manager. */
export interface ObservedHa {
  readonly resources: readonly {
    readonly sid: string;
    readonly state: string;
    readonly group: string | null;
    readonly comment: string;
  }[];
  readonly rules: readonly ObservedRule[];
  /** Where HA goes by groups. */
  readonly groups: readonly { readonly name: string; readonly nodes: string; readonly comment: string }[];
}

/** A rule, where HA goes by them. */
export interface ObservedRule {
  readonly name: string;
  readonly type: string;
  readonly resources: readonly string[];
  readonly nodes: string;
  readonly affinity: string;
  readonly strict: boolean;
  readonly disabled: boolean;
  readonly comment: string;
}
