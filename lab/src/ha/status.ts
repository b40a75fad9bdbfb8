import { activeServices, type HaState, TIMES, verboseState } from './state.ts';

/** The moment that a status is made for. */
export interface StatusView {
  /** Seconds, in the cluster's time. */
  readonly now: number;
  readonly quorate: boolean;
}

/** Whether what a daemon last wrote is fresh: `active`, or what the status says instead. */
function freshness(now: number, timestamp: number): string {
  return now - timestamp > TIMES.oldTimestamp ? 'old timestamp - dead?' : 'active';
}

/** The manager's status: `active`, `old timestamp - dead?`, or `idle` when it has nothing to manage. */
export function masterStatus(state: HaState, view: StatusView): string {
  const status = freshness(view.now, state.timestamp);
  const idle = view.quorate && status !== 'active' && Object.keys(state.resources).length === 0;
  return idle ? 'idle' : status;
}

/** An agent's status: `idle active wait_for_agent_lock lost_agent_lock old timestamp - dead? maintenance mode`. */
export function agentStatus(state: HaState, node: string, view: StatusView): string | null {
  const agent = state.agents[node];
  if (!agent) return null;
  const fresh = freshness(view.now, agent.timestamp);
  if (state.disarm?.state === 'disarmed') return 'disarm mode';
  if (fresh !== 'active') return agent.mode === 'maintenance' ? 'maintenance mode' : fresh;
  if (agent.mode !== 'active') return `${agent.mode} mode`;
  return agent.state === 'wait_for_agent_lock' && activeServices(state, node) === 0 ? 'idle' : agent.state;
}

/** Whether an agent's watchdog is at work, as far as the status can tell. */
export function agentWatchdog(
  state: HaState,
  node: string,
  view: StatusView,
): 'active' | 'standby' | 'released' {
  if (state.disarm?.state === 'disarmed') return 'released';
  const agent = state.agents[node];
  const awake =
    agent !== undefined &&
    agent.state !== 'wait_for_agent_lock' &&
    freshness(view.now, agent.timestamp) === 'active';
  return awake ? 'active' : 'standby';
}

/** The whole status in short lines. */
export function managerLines(state: HaState, view: StatusView): readonly string[] {
  return [
    view.quorate ? 'Q' : 'no quorum',
    ...(state.master === null ? [] : [`master ${state.master} (${masterStatus(state, view)})`]),
    ...Object.keys(state.nodes)
      .sort()
      .map(
        (node) =>
          `lrm ${node} (${agentStatus(state, node, view) ?? 'unknown'}, watchdog ${agentWatchdog(state, node, view)})`,
      ),
    ...Object.keys(state.services)
      .sort()
      .map((sid) => {
        const service = state.services[sid]!;
        return `${sid}@${service.node}:${verboseState(service, state.resources[sid])}`;
      }),
  ];
}
