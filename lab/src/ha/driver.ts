import type { ClusterFiles } from '../cluster/cluster-files.ts';
import type { Membership } from '../cluster/membership.ts';
import { failure } from '../errors.ts';
import type { Order } from './agent.ts';
import { HaCluster, type HaWorld } from './cluster.ts';
import type { HaGuestActions, HaGuestState, HaManager, HaRequest } from './port.ts';
import { forgetInRules } from './rules.ts';
import { type Motion, motionOf } from './select-node.ts';
import { emptyHaState, type HaState, settled } from './state.ts';

/** What the HA manager works with. */
export interface HaParts {
  readonly files: ClusterFiles;
  readonly membership: Membership;
  readonly actions: HaGuestActions;
  /** What Proxmox VE's times are multiplied with. */
  readonly timeFactor: number;
  /** A node's watchdog bites: it loses power, and comes up again. */
  readonly reset: (node: string) => Promise<void>;
  /** Lines for the lab's log. */
  readonly log?: (line: string) => void;
}

const FILE = 'ha/manager.json';
/** What the state file holds. Locks and the agents' words are gone when the daemon is, like the daemons they come from. */
type Saved = Omit<HaState, 'locks' | 'agents' | 'timestamp'>;
/** The manager's rounds are looked for this often, in its own seconds. */
const TICK = 1;
/**
 * The manager's time goes on by no more than this between two looks. A daemon that the machine lets wait for seconds
 * would else find that all watchdogs have expired, for none could be fed meanwhile.
 */
const LONGEST_TICK = 5;

/** Drives the HA manager by the clock: gives it time and the state of the nodes, and carries out what it wants. */
export class HaDriver implements HaManager {
  readonly #parts: HaParts;
  readonly #cluster: HaCluster;
  readonly #orders = new Map<string, Order>();
  #work = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;
  #saved = '';
  #clock: number;
  #lookedAt: number;

  constructor(parts: HaParts) {
    this.#parts = parts;
    this.#cluster = new HaCluster({
      ...emptyHaState(),
      // As on a cluster whose manager has thought before: rules are held against the nodes that it knows.
      nodes: Object.fromEntries(parts.membership.nodes.map(({ name }) => [name, 'online'])),
      ...parts.files.readJson<Partial<Saved>>(FILE, {}),
    });
    this.#saved = this.#text();
    this.#lookedAt = Date.now();
    this.#clock = this.#lookedAt / 1000 / parts.timeFactor;
  }

  start(): void {
    if (this.#timer) return;
    const pause = Math.max(20, TICK * this.#parts.timeFactor * 1000);
    this.#timer = setInterval(() => this.tick(), pause);
  }

  /** Stops thinking, and answers when nothing is being done any more. */
  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    await Promise.all(this.#work);
  }

  /** Lets all daemons think whose time has come. */
  tick(): void {
    const passed = (Date.now() - this.#lookedAt) / 1000 / this.#parts.timeFactor;
    this.#lookedAt = Date.now();
    this.#clock += Math.max(0, Math.min(passed, LONGEST_TICK));
    const world = this.#world();
    for (const action of this.#cluster.step(world, this.now()))
      switch (action.kind) {
        case 'order':
          this.#follow(this.#carryOut(action));
          break;
        case 'steal':
          this.#parts.actions.steal(vmidOf(action.sid), action.from, action.to);
          break;
        case 'reset':
          this.#parts.log?.(`ha: watchdog of ${action.node} expired - reset`);
          this.#follow(this.#parts.reset(action.node));
          break;
        case 'log':
          this.#parts.log?.(`ha: ${action.node}: ${action.line}`);
          break;
        default:
          action satisfies never;
      }
    this.#save();
  }

  now(): number {
    return this.#clock;
  }

  read(): Readonly<HaState> {
    return this.#cluster.state;
  }

  guest(vmid: number): HaGuestState | null {
    const { resources, services } = this.#cluster.state;
    const sid = `ct:${vmid}`;
    const resource = resources[sid];
    if (!resource || resource.state === 'ignored' || this.#cluster.state.disarm?.mode === 'ignore')
      return null;
    return { sid, state: services[sid]?.state ?? null, requested: settled(resource).state };
  }

  motion(sid: string): Motion {
    const motion = motionOf(this.#cluster.state, sid, (other) => this.#parts.actions.nodeOf(vmidOf(other)));
    const isOnline = (node: string) => this.#cluster.state.nodes[node] === 'online';
    return { ...motion, blocking: (node) => (isOnline(node) ? motion.blocking(node) : []) };
  }

  nodeState(node: string): string | null {
    return this.#cluster.state.nodes[node] ?? null;
  }

  request(node: string, vmid: number, request: HaRequest): void {
    const sid = `ct:${vmid}`;
    const { services } = this.#cluster.state;
    if (services[sid]?.state === 'error')
      throw failure(`service '${sid}' in error state, must be disabled and fixed first`);
    this.edit(node, request.kind === 'start' ? 'update resources config failed' : '', (state) => {
      const resource = state.resources[sid];
      if (!resource) throw failure(`no such resource '${sid}'`);
      switch (request.kind) {
        case 'start':
          resource.state = 'started';
          break;
        case 'stop':
          state.commands.push({ kind: 'stop', sid, timeout: request.timeout });
          break;
        case 'migrate':
        case 'relocate':
          state.commands.push({ kind: request.kind, sid, target: request.target });
          break;
        default:
          request satisfies never;
      }
    });
  }

  purge(vmid: number): void {
    const sid = `ct:${vmid}`;
    const { state } = this.#cluster;
    delete state.resources[sid];
    delete state.services[sid];
    forgetInRules(state, sid);
    this.#save();
  }

  edit<T>(node: string, what: string, change: (state: HaState) => T): T {
    try {
      if (!this.#parts.membership.isQuorate(node)) throw failure("cfs-lock 'domain-ha' error: no quorum!");
      // A change that fails half way leaves nothing behind.
      const { state } = this.#cluster;
      const draft = structuredClone({
        resources: state.resources,
        rules: state.rules,
        commands: state.commands,
      });
      const seen = Object.assign(Object.create(state) as HaState, draft);
      const result = change(seen);
      const { resources, rules, commands } = seen;
      Object.assign(state, { resources, rules, commands });
      this.#save();
      return result;
    } catch (error) {
      if (what === '') throw error;
      throw failure(`${what}: ${(error as Error).message}`);
    }
  }

  async #carryOut(order: Order): Promise<void> {
    const { actions } = this.#parts;
    const { node, sid, want } = order;
    const vmid = vmidOf(sid);
    const place = `${sid}@${node}`;
    this.#orders.set(place, order);
    let exitCode = 0;
    try {
      const home = actions.nodeOf(vmid);
      const arrived = want.kind === 'moved' && home === want.target;
      // A guest that is not here cannot be helped here.
      if (home !== node && !arrived) exitCode = 3;
      else if (want.kind === 'started') {
        if (!(await actions.running(node, vmid))) await actions.start(node, vmid);
      } else if (want.kind === 'stopped') {
        if (await actions.running(node, vmid)) await actions.stop(node, vmid, want.timeout);
      } else if (!arrived) await actions.migrate(node, vmid, want.target);
    } catch (error) {
      this.#parts.log?.(`ha: ${node}: ${want.kind} of ${sid} failed: ${(error as Error).message}`);
      exitCode = 1;
    }
    // The node may have died and come back meanwhile, and have been told the same anew.
    if (this.#orders.get(place) !== order) return;
    this.#orders.delete(place);
    this.#cluster.finished(this.#world(), this.now(), order, exitCode);
  }

  #follow(work: Promise<void>): void {
    const followed = work
      .catch((error: unknown) => this.#parts.log?.(`ha: ${(error as Error).message}`))
      .finally(() => this.#work.delete(followed));
    this.#work.add(followed);
  }

  #world(): HaWorld {
    const { membership, actions } = this.#parts;
    return {
      nodes: Object.fromEntries(
        membership.nodes.map(({ name }) => [
          name,
          { up: membership.isOn(name), boot: membership.boot(name), reaches: membership.partition(name) },
        ]),
      ),
      nodeOf: (sid) => actions.nodeOf(vmidOf(sid)),
    };
  }

  #text(): string {
    const { locks, agents, timestamp, ...saved } = this.#cluster.state;
    return JSON.stringify(saved satisfies Saved);
  }

  #save(): void {
    const text = this.#text();
    if (text === this.#saved) return;
    this.#parts.files.writeJson(FILE, JSON.parse(text));
    this.#saved = text;
  }
}

const vmidOf = (sid: string): number => Number(sid.replace(/^ct:/, ''));
