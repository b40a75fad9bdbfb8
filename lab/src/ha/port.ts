import type { Motion } from './select-node.ts';
import type { HaState } from './state.ts';

/** What is wanted of a guest: as `ha-manager set` and `ha-manager crm-command` say it. */
export type HaRequest =
  | { readonly kind: 'start' }
  /** `timeout` 0: at once; else the guest is asked to shut down, in seconds. */
  | { readonly kind: 'stop'; readonly timeout: number }
  /** For a container both mean: shut down here, started there. */
  | { readonly kind: 'migrate' | 'relocate'; readonly target: string };

/** A guest in the eyes of the HA manager. */
export interface HaGuestState {
  /** `ct:101` */
  readonly sid: string;
  /** Where the manager has it: `started request_stop fence error` …; null: it has not looked at it yet. */
  readonly state: string | null;
  /** What was asked for: `started stopped disabled`. */
  readonly requested: string;
}

/**
 * The HA manager as the routes of guests see it. A managed guest is started, stopped and moved by the manager alone:
 * its routes answer with a `hastart`, `hastop` or `hamigrate` task that only writes the wish down.
 */
export interface HaManager {
  /** A managed guest; null: not managed, or ignored. */
  guest(vmid: number): HaGuestState | null;
  /** A node in the manager's eyes (`hastate` of /cluster/resources); null: the manager does not know it. */
  nodeState(node: string): string | null;
  /**
   * Writes a wish down; the task that does it is {@link haTask}.
   * @param node the node that was asked
   * @throws Error `cfs-lock 'domain-ha' error: no quorum!`
   */
  request(node: string, vmid: number, request: HaRequest): void;
  /** Takes a destroyed guest out of resources and rules (`purge`). */
  purge(vmid: number): void;
  /** What moving a managed guest would take along, and what is in its way. */
  motion(sid: string): Motion;
  /** Everything that the manager knows; read only. */
  read(): Readonly<HaState>;
  /** Seconds in the manager's time, which runs faster than the clock by the lab's factor, and never jumps. */
  now(): number;
  /**
   * Changes resources or rules, and saves them.
   * @param what `create resource failed`: stands before the error
   * @throws what `change` throws; `cfs-lock 'domain-ha' error: no quorum!`
   */
  edit<T>(node: string, what: string, change: (state: HaState) => T): T;
}

/** The task that asks the HA manager for something: its type, what it says, and the command that it runs. */
export function haTask(
  vmid: number,
  request: HaRequest,
): { readonly type: string; readonly line: string; readonly command: string } {
  switch (request.kind) {
    case 'start':
      return {
        type: 'hastart',
        line: `Requesting HA start for CT ${vmid}`,
        command: `ha-manager set ct:${vmid} --state started`,
      };
    case 'stop':
      return {
        type: 'hastop',
        line: `Requesting HA stop for CT ${vmid}`,
        command: `ha-manager crm-command stop ct:${vmid} ${request.timeout}`,
      };
    case 'migrate':
    case 'relocate':
      return {
        type: 'hamigrate',
        line: `Requesting HA migration for CT ${vmid} to node ${request.target}`,
        command: `ha-manager migrate ct:${vmid} ${request.target}`,
      };
    default:
      return request satisfies never;
  }
}

/** Why a managed guest is not destroyed without `purge`. */
export const haDestroyRefusal = (vmid: number): string =>
  `unable to remove CT ${vmid} - used in HA resources and purge parameter not set.`;

/**
 * What the HA manager's agents do to guests. The methods run the same tasks as the routes do, as `root@pam`, and past
 * the check for a managed guest; they throw what the task failed with.
 */
export interface HaGuestActions {
  /** The node that has the guest's configuration; null: there is none. */
  nodeOf(vmid: number): string | null;
  running(node: string, vmid: number): Promise<boolean>;
  start(node: string, vmid: number): Promise<void>;
  /** `timeout` in seconds; 0: at once. After the time it is stopped the hard way. */
  stop(node: string, vmid: number, timeout: number): Promise<void>;
  /** Shut down, configuration (and local volumes) to the target; it is started there by the agent of that node. */
  migrate(node: string, vmid: number, target: string): Promise<void>;
  /** The configuration of a guest of a fenced node goes to another node. */
  steal(vmid: number, from: string, to: string): void;
}
