import {
  type AgentResult,
  type AgentStatus,
  acquireLock,
  activeServices,
  agentLock,
  type HaState,
  type Service,
  settled,
  TIMES,
} from './state.ts';

/** What a node's agent (LRM) is to do to a guest. The answer goes to {@link agentFinished}. */
export interface Order {
  readonly kind: 'order';
  readonly node: string;
  readonly sid: string;
  readonly uid: string;
  readonly want:
    | { readonly kind: 'started' }
    /** Seconds; 0: at once. */
    | { readonly kind: 'stopped'; readonly timeout: number }
    | { readonly kind: 'moved'; readonly target: string };
}

/** An agent's own memory; a node that loses power forgets it. */
export interface AgentMemory {
  state: AgentStatus['state'];
  mode: AgentStatus['mode'];
  orders: Record<string, { uid: string; state: Service['state'] }>;
  results: Record<string, AgentResult>;
  /** Starts of a guest that failed here one after the other. */
  tries: Record<string, number>;
  /** When the watchdog was last fed; null: it sleeps. */
  watchdog: number | null;
}

/** An agent that has just been started. */
export const newAgent = (): AgentMemory => ({
  state: 'wait_for_agent_lock',
  mode: 'active',
  orders: {},
  results: {},
  tries: {},
  watchdog: null,
});

/** Seconds that a guest has to shut down, if nobody says how many. */
const SHUTDOWN_SECONDS = 60;

/** One round of a node's agent: once active it stays so, also without a guest. Changes state and memory; answers what is to be done. */
export function agentRound(
  state: HaState,
  memory: AgentMemory,
  view: { readonly node: string; readonly now: number; readonly quorate: boolean },
): readonly Order[] {
  const { node, now, quorate } = view;
  const toBeFenced = Object.values(state.services).some(
    (service) => service.state === 'fence' && service.node === node,
  );
  const mayLock = quorate && !toBeFenced;
  const wanted = memory.state === 'wait_for_agent_lock' ? activeServices(state, node) > 0 : true;
  if (mayLock && wanted && acquireLock(state, agentLock(node), node, now)) {
    memory.state = 'active';
    memory.watchdog = now;
  } else if (memory.state === 'active') memory.state = 'lost_agent_lock';

  const orders = memory.state === 'active' ? newOrders(state, memory, node) : [];
  publish(state, memory, view);
  return orders;
}

/** Seconds to the agent's next round. */
export const agentPause = (memory: AgentMemory): number =>
  memory.state === 'active' ? TIMES.round : TIMES.waiting;

/** An order is done: 0, or failed: 1 (more: it cannot be helped). */
export function agentFinished(
  state: HaState,
  memory: AgentMemory,
  view: { readonly node: string; readonly now: number; readonly quorate: boolean },
  done: { readonly sid: string; readonly uid: string; readonly exitCode: number },
): void {
  const order = memory.orders[done.sid];
  if (order?.uid !== done.uid) return;
  delete memory.orders[done.sid];
  if (order.state === 'started') {
    const tries = memory.tries[done.sid] ?? 0;
    const again = done.exitCode === 1 && tries < settled(state.resources[done.sid]).maxRestart;
    memory.tries[done.sid] = again ? tries + 1 : 0;
    // Nobody is told: the next round starts it again.
    if (again) return;
  }
  memory.results[done.uid] = { sid: done.sid, state: order.state, exitCode: done.exitCode };
  publish(state, memory, view);
}

function newOrders(state: HaState, memory: AgentMemory, node: string): Order[] {
  const orders: Order[] = [];
  for (const [sid, service] of Object.entries(state.services)) {
    if (service.node !== node || memory.orders[sid]) continue;
    // Nobody waits for the end of a stop, so it is tried again every round.
    if (service.state !== 'stopped' && memory.results[service.uid]) continue;
    const want = wantOf(service);
    if (!want) continue;
    memory.orders[sid] = { uid: service.uid, state: service.state };
    orders.push({ kind: 'order', node, sid, uid: service.uid, want });
  }
  return orders;
}

function wantOf(service: Service): Order['want'] | null {
  switch (service.state) {
    case 'started':
      return { kind: 'started' };
    case 'stopped':
    case 'request_stop':
      return { kind: 'stopped', timeout: service.timeout ?? SHUTDOWN_SECONDS };
    case 'migrate':
    case 'relocate':
      return service.target === undefined ? null : { kind: 'moved', target: service.target };
    case 'request_start':
    case 'fence':
    case 'recovery':
    case 'freeze':
    case 'error':
      return null;
    default:
      return service.state satisfies never;
  }
}

function publish(
  state: HaState,
  memory: AgentMemory,
  view: { readonly node: string; readonly now: number; readonly quorate: boolean },
): void {
  if (!view.quorate) return;
  const valid = new Set(Object.values(state.services).map((service) => service.uid));
  memory.results = Object.fromEntries(Object.entries(memory.results).filter(([uid]) => valid.has(uid)));
  state.agents[view.node] = {
    state: memory.state,
    mode: memory.mode,
    timestamp: view.now,
    results: structuredClone(memory.results),
  };
}
