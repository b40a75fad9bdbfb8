import { type AgentMemory, agentFinished, agentPause, agentRound, newAgent, type Order } from './agent.ts';
import { type ManagerAction, managerRound } from './manager.ts';
import { acquireLock, type HaState, TIMES } from './state.ts';

/** A node as HA sees it now. */
export interface HaNode {
  /** Whether it has power. */
  readonly up: boolean;
  /** Another with each boot: power may be away for less time than lies between two looks. */
  readonly boot: number;
  /** The nodes that it reaches, itself among them. */
  readonly reaches: readonly string[];
}

/** The machine as HA sees it now. */
export interface HaWorld {
  /** Every node of the cluster. */
  readonly nodes: Readonly<Record<string, HaNode>>;
  /** Node that has a guest's configuration. */
  nodeOf(sid: string): string | null;
}

/** What HA wants done. */
export type HaAction = Order | ManagerAction | { readonly kind: 'reset'; readonly node: string };

/** What the daemons of a node know themselves. */
interface Daemons {
  readonly boot: number;
  readonly agent: AgentMemory;
  agentNext: number;
  role: 'waiting' | 'master';
  managerNext: number;
  managerWatchdog: number | null;
  lastOnline: Record<string, number>;
}

const MANAGER_LOCK = 'ha_manager_lock';
/** Managers and agents of a freshly started node think first so many seconds later, so that not all do at once. */
const STAGGER = 1.3;

/**
 * The HA manager of a whole cluster: on every node that has power a manager (CRM) and an agent (LRM), which know
 * each other only through the cluster's state. It has no clock and does nothing: time is given, actions are answered.
 */
export class HaCluster {
  /** What stands in the cluster's file system. */
  readonly state: HaState;
  readonly #daemons = new Map<string, Daemons>();

  constructor(state: HaState) {
    this.state = state;
  }

  /** Runs every daemon whose time has come. @param now seconds, in the cluster's time */
  step(world: HaWorld, now: number): readonly HaAction[] {
    const actions: HaAction[] = [];
    const nodes = Object.keys(world.nodes).sort();
    for (const [index, node] of nodes.entries()) {
      const { up, boot } = world.nodes[node]!;
      if (!up || this.#daemons.get(node)?.boot !== boot) this.#daemons.delete(node);
      if (!up) continue;
      const daemons = this.#daemonsOf(node, boot, now + index * STAGGER);
      if (this.#watchdogBites(daemons, now)) {
        this.#daemons.delete(node);
        actions.push({ kind: 'reset', node });
        continue;
      }
      const quorate = isQuorate(world, node);
      if (now >= daemons.managerNext) {
        actions.push(...this.#manage(world, node, daemons, quorate, now));
        daemons.managerNext = now + (daemons.role === 'master' ? TIMES.round : TIMES.waiting);
      }
      if (now >= daemons.agentNext) {
        actions.push(...agentRound(this.state, daemons.agent, { node, now, quorate }));
        daemons.agentNext = now + agentPause(daemons.agent);
      }
    }
    return actions;
  }

  /** Tells the agent that an order is done. */
  finished(world: HaWorld, now: number, order: Order, exitCode: number): void {
    const daemons = this.#daemons.get(order.node);
    if (!daemons || !world.nodes[order.node]?.up) return;
    agentFinished(
      this.state,
      daemons.agent,
      { node: order.node, now, quorate: isQuorate(world, order.node) },
      { sid: order.sid, uid: order.uid, exitCode },
    );
  }

  /** When the daemons of a node think next (for the recorded timelines, whose daemons were long at work). */
  setPhase(node: string, phase: { readonly manager: number; readonly agent: number }): void {
    const daemons = this.#daemonsOf(node, 0, 0);
    daemons.managerNext = phase.manager;
    daemons.agentNext = phase.agent;
  }

  #daemonsOf(node: string, boot: number, first: number): Daemons {
    const known = this.#daemons.get(node);
    if (known) return known;
    const fresh: Daemons = {
      boot,
      agent: newAgent(),
      agentNext: first,
      role: 'waiting',
      managerNext: first,
      managerWatchdog: null,
      lastOnline: {},
    };
    this.#daemons.set(node, fresh);
    return fresh;
  }

  #watchdogBites(daemons: Daemons, now: number): boolean {
    return [daemons.agent.watchdog, daemons.managerWatchdog].some(
      (fed) => fed !== null && now - fed > TIMES.watchdog,
    );
  }

  #manage(world: HaWorld, node: string, daemons: Daemons, quorate: boolean, now: number): ManagerAction[] {
    const { state } = this;
    const work = Object.keys(state.resources).length + Object.keys(state.services).length > 0;
    if (!quorate || !(work || daemons.role === 'master') || !acquireLock(state, MANAGER_LOCK, node, now)) {
      // A master without quorum keeps its watchdog: it is reset unless quorum returns in time.
      daemons.role = 'waiting';
      return [];
    }
    if (daemons.role !== 'master') {
      daemons.role = 'master';
      daemons.lastOnline = {};
      state.master = node;
    }
    daemons.managerWatchdog = now;
    const members = Object.fromEntries(
      Object.keys(world.nodes).map((other) => [other, reaches(world, node, other)]),
    );
    return managerRound(state, { node, now, members, nodeOf: world.nodeOf }, daemons.lastOnline);
  }
}

/** Whether a node is in a part of the cluster with more than half of the nodes. */
export function isQuorate(world: Pick<HaWorld, 'nodes'>, node: string): boolean {
  const names = Object.keys(world.nodes);
  const there = names.filter((other) => reaches(world, node, other)).length;
  return there * 2 > names.length;
}

function reaches(world: Pick<HaWorld, 'nodes'>, from: string, to: string): boolean {
  const a = world.nodes[from];
  const b = world.nodes[to];
  return (
    a !== undefined && b !== undefined && a.up && b.up && a.reaches.includes(to) && b.reaches.includes(from)
  );
}
