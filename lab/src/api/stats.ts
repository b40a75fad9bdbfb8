import type { Guests } from '../cluster/guests.ts';
import type { Membership } from '../cluster/membership.ts';
import type { ContainerRuntime, RunState } from '../ports.ts';

/** What a stopped container uses. */
export const NOT_RUNNING: RunState = {
  ...{ state: 'stopped', pid: null, uptime: 0, memory: 0, swap: 0, cpuSeconds: 0, netIn: 0, netOut: 0 },
};

interface Sample {
  readonly at: number;
  readonly state: RunState;
  readonly cpu: number;
}

/** How long a figure of a running container holds. */
const FRESH_MS = 1_000;

/** What containers use; asked of the machine, at most once a second. */
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

  /** A container's use with its share of the CPU since the last look (1: all of one core). */
  async sample(node: string, vmid: number, maxAgeMs = FRESH_MS): Promise<RunState & { cpu: number }> {
    const key = `${node}/${vmid}`;
    const before = this.#samples.get(key);
    const at = Date.now();
    if (before && at - before.at < maxAgeMs) return { ...before.state, cpu: before.cpu };
    const state = await this.now(node, vmid);
    const passed = before ? (at - before.at) / 1000 : state.uptime;
    const used = before ? state.cpuSeconds - before.state.cpuSeconds : state.cpuSeconds;
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
