import type { ContainerRuntime, RunState } from '../ports.ts';
import type { Guests } from './guests.ts';
import type { Membership } from './membership.ts';

/** What a stopped container uses. */
export const NOT_RUNNING: RunState = {
  ...{ state: 'stopped', pid: null, uptime: 0, memory: 0, swap: 0, cpuSeconds: 0, netIn: 0, netOut: 0 },
};

interface Sample {
  readonly at: number;
  readonly state: RunState;
  readonly cpu: number;
}

/** A share of the CPU is one over at least this time. */
const SHARE_MS = 1_000;

/** What containers use; the machine is asked each time. */
export class GuestStats {
  readonly #runtime: ContainerRuntime;
  readonly #guests: Guests;
  readonly #membership: Membership;
  readonly #samples = new Map<string, Sample>();

  constructor(runtime: ContainerRuntime, guests: Guests, membership: Membership) {
    this.#runtime = runtime;
    this.#guests = guests;
    this.#membership = membership;
  }

  /** A container as the machine sees it now. */
  async now(node: string, vmid: number): Promise<RunState> {
    return this.#membership.isOn(node) ? this.#runtime.state(node, vmid) : NOT_RUNNING;
  }

  async isRunning(node: string, vmid: number): Promise<boolean> {
    return (await this.now(node, vmid)).state !== 'stopped';
  }

  /** A container as it is now, with its share of the CPU (1: all of one core) over the last second or more. */
  async sample(node: string, vmid: number): Promise<RunState & { cpu: number }> {
    const key = `${node}/${vmid}`;
    const state = await this.now(node, vmid);
    const at = Date.now();
    const before = this.#samples.get(key);
    const isSame = before !== undefined && before.state.pid === state.pid;
    // Over too short a time the share would be noise.
    if (isSame && at - before.at < SHARE_MS) return { ...state, cpu: before.cpu };
    const passed = isSame ? (at - before.at) / 1000 : state.uptime;
    const used = isSame ? state.cpuSeconds - before.state.cpuSeconds : state.cpuSeconds;
    const cpu = state.state === 'stopped' || passed <= 0 ? 0 : Math.max(0, used / passed);
    this.#samples.set(key, { at, state, cpu });
    return { ...state, cpu };
  }

  /** All guests of the cluster that run, by node. */
  async runningOn(node: string): Promise<ReadonlySet<number>> {
    if (!this.#membership.isOn(node)) return new Set();
    const known = new Set(this.#guests.on(node).map((guest) => guest.vmid));
    return new Set((await this.#runtime.running(node)).filter((vmid) => known.has(vmid)));
  }
}
