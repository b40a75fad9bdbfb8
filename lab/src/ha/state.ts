/** What is wanted of a guest. `ignored`: the manager leaves it alone. */
export type RequestedState = 'started' | 'stopped' | 'disabled' | 'ignored';

/** Where a managed guest is in its life, in the words of Proxmox VE. */
export type ServiceState =
  | 'stopped'
  | 'request_stop'
  | 'request_start'
  | 'started'
  | 'fence'
  | 'recovery'
  | 'migrate'
  | 'relocate'
  | 'freeze'
  | 'error';

/** A node in the manager's eyes. */
export type NodeState = 'online' | 'maintenance' | 'unknown' | 'fence' | 'gone';

/** What stands in `/etc/pve/ha/resources.cfg` of a guest: what was given, and nothing else. */
export interface Resource {
  /** `enabled` is the old word for `started`. */
  state?: RequestedState | 'enabled';
  /** How often its start is tried again on one node. */
  maxRestart?: number;
  /** To how many other nodes it is moved after that. */
  maxRelocate?: number;
  /** Whether it goes back to a node of higher priority. */
  failback?: boolean;
  comment?: string;
}

/** A resource with its defaults. */
export type SettledResource = Required<Omit<Resource, 'state' | 'comment'>> & { state: RequestedState };

/** Fills in what a resource does not say (PVE::HA::Config, read_and_check_resources_config). */
export function settled(resource: Resource | undefined): SettledResource {
  const { state = 'started', maxRestart = 1, maxRelocate = 1, failback = true } = resource ?? {};
  return { state: state === 'enabled' ? 'started' : state, maxRestart, maxRelocate, failback };
}

/** Nodes that guests prefer (or, strictly, must be on). */
export interface NodeAffinity {
  type: 'node-affinity';
  resources: string[];
  /** Node → priority; the highest that is there wins. */
  nodes: Record<string, number>;
  strict?: boolean;
  disable?: boolean;
  comment?: string;
}

/** Guests that must be together, or apart. */
export interface ResourceAffinity {
  type: 'resource-affinity';
  resources: string[];
  affinity: 'positive' | 'negative';
  disable?: boolean;
  comment?: string;
}

/** A line of `/etc/pve/ha/rules.cfg`. */
export type Rule = NodeAffinity | ResourceAffinity;

/** A guest as the manager keeps it. */
export interface Service {
  state: ServiceState;
  node: string;
  /** Where it is going (`migrate`, `relocate`). */
  target?: string;
  /** Names one order to the node's agent; its result carries the same. */
  uid: string;
  /** It has been seen started; only in state `started`. */
  running?: boolean;
  /** Nodes on which its start failed. */
  failedNodes?: string[];
  /** Asked for, not yet looked at. */
  command?: { kind: 'migrate' | 'relocate'; target: string } | { kind: 'stop'; timeout: number };
  /** Seconds for the stop that is asked for (`request_stop`); 0: at once. */
  timeout?: number;
  /** It left this node for its maintenance and goes back. */
  maintenanceNode?: string;
}

/** What an agent says of an order: 0 done, 1 failed (the manager goes on by policy), more: cannot be helped. */
export interface AgentResult {
  sid: string;
  state: ServiceState;
  exitCode: number;
}

/** The state of a node's agent (LRM), as it writes it down for the manager. */
export interface AgentStatus {
  state: 'wait_for_agent_lock' | 'active' | 'lost_agent_lock';
  mode: 'active' | 'restart' | 'shutdown' | 'maintenance';
  timestamp: number;
  results: Record<string, AgentResult>;
}

/** A wish that waits for the manager. */
export type Command =
  | { kind: 'migrate' | 'relocate'; sid: string; target: string }
  | { kind: 'stop'; sid: string; timeout: number }
  | { kind: 'disarm'; mode: 'freeze' | 'ignore' }
  | { kind: 'arm' };

/** Who holds a lock of the cluster, and since when it was last renewed. */
export interface Lock {
  holder: string;
  renewed: number;
}

/** Everything of HA that stands in the cluster's file system and survives its nodes. */
export interface HaState {
  resources: Record<string, Resource>;
  rules: Record<string, Rule>;
  commands: Command[];
  /** The node whose manager thinks for all; null: there has been none yet. */
  master: string | null;
  timestamp: number;
  nodes: Record<string, NodeState>;
  services: Record<string, Service>;
  agents: Record<string, AgentStatus>;
  locks: Record<string, Lock>;
  /** HA is off: guests stay as they are (`freeze`), or are nobody's (`ignore`). */
  disarm?: { mode: 'freeze' | 'ignore'; state: 'disarming' | 'disarmed' };
  /** Numbers the orders. */
  serial: number;
}

/** A cluster without any managed guest. */
export const emptyHaState = (): HaState => ({
  resources: {},
  rules: {},
  commands: [],
  master: null,
  timestamp: 0,
  nodes: {},
  services: {},
  agents: {},
  locks: {},
  serial: 0,
});

/** Seconds, as Proxmox VE has them. */
export const TIMES = {
  /** Between two rounds of the active manager and of an active agent. */
  round: 10,
  /** Between two rounds of those who wait. */
  waiting: 5,
  /** A node is out of reach this long before it is to be fenced. */
  unreachable: 60,
  /** A lock that nobody renews is free after this. */
  lock: 120,
  /** The watchdog resets a node whose agent could not renew its lock this long. */
  watchdog: 60,
  /** After this the status calls an agent dead. */
  oldTimestamp: 30,
} as const;

/** The name of a node's lock; who has it may run the node's guests. */
export const agentLock = (node: string): string => `ha_agent_${node}_lock`;

/** Takes or renews a lock. */
export function acquireLock(state: HaState, name: string, holder: string, now: number): boolean {
  const lock = state.locks[name];
  if (lock && lock.holder !== holder && now <= lock.renewed + TIMES.lock) return false;
  state.locks[name] = { holder, renewed: now };
  return true;
}

/**
 * The state of a guest as status pages have it: what was asked for shows at once.
 * @param isThere whether the cluster has such a guest
 */
export function verboseState(
  service: Service | undefined,
  resource: Resource | undefined,
  isThere = true,
): string {
  if (!resource) return 'deleting';
  const asked = settled(resource).state;
  if (asked === 'ignored') return 'ignored';
  if (!isThere) return 'not found';
  if (!service) return 'queued';
  switch (service.state) {
    case 'stopped':
      return asked === 'started' ? 'starting' : asked === 'disabled' ? 'disabled' : 'stopped';
    case 'started':
      if (!service.running) return 'starting';
      return asked === 'started' ? 'started' : 'stopping';
    case 'error':
      return asked === 'disabled' ? 'clearing error flag' : 'error';
    default:
      return service.state;
  }
}

/** Guests for which a node's agent must be awake: those there and those on their way there. */
export function activeServices(state: HaState, node: string): number {
  return Object.values(state.services).filter(
    (service) =>
      (service.node === node || service.target === node) &&
      !['stopped', 'freeze', 'error', 'request_start'].includes(service.state),
  ).length;
}
