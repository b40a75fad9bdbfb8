import { disarmedRound, takeArming } from './disarm.ts';
import { motionOf, selectNode } from './select-node.ts';
import {
  type AgentResult,
  acquireLock,
  agentLock,
  type Command,
  type HaState,
  type NodeState,
  type Service,
  type ServiceState,
  type SettledResource,
  settled,
  TIMES,
} from './state.ts';

/** What the manager sees in one round. */
export interface ManagerView {
  readonly node: string;
  readonly now: number;
  /** All nodes → whether they are in the manager's part of the cluster. */
  readonly members: Readonly<Record<string, boolean>>;
  /** Node that has a guest's configuration. */
  nodeOf(sid: string): string | null;
}

/** What it has done beyond its own state. */
export type ManagerAction =
  | { readonly kind: 'steal'; readonly sid: string; readonly from: string; readonly to: string }
  | { readonly kind: 'log'; readonly node: string; readonly line: string };

/**
 * One round of the active manager (CRM): looks at the nodes, takes the wishes, and lets each guest go on by as many
 * steps as it can. Changes the state that is given.
 * @param lastOnline when each node was last seen; the manager's own memory, lost when another node takes over
 */
export function managerRound(
  state: HaState,
  view: ManagerView,
  lastOnline: Record<string, number>,
): ManagerAction[] {
  const actions: ManagerAction[] = [];
  const log = (line: string) => actions.push({ kind: 'log', node: view.node, line });
  updateNodes(state, view, lastOnline, log);
  state.timestamp = view.now;
  takeResources(state, view, log);
  takeCommands(state, view, log);
  if (disarmedRound(state, log)) return actions;
  const round = { state, view, lastOnline, log, actions };
  // A step can let another guest take its own. Every guest comes to rest after a few.
  for (let again = true, guard = 0; again && guard < 50; guard++) {
    again = false;
    for (const sid of Object.keys(state.services).sort()) {
      const service = state.services[sid];
      if (!service) continue;
      const before = service.state;
      nextState(round, sid, service);
      if (service.state !== before) again = true;
    }
    if (fence(round)) again = true;
  }
  return actions;
}

interface Round {
  readonly state: HaState;
  readonly view: ManagerView;
  readonly lastOnline: Record<string, number>;
  readonly log: (line: string) => void;
  readonly actions: ManagerAction[];
}

function updateNodes(
  state: HaState,
  view: ManagerView,
  lastOnline: Record<string, number>,
  log: (line: string) => void,
): void {
  for (const [node, member] of Object.entries(view.members)) {
    const old = state.nodes[node] ?? 'unknown';
    let next: NodeState = old;
    if (member) {
      lastOnline[node] = view.now;
      const wanted: NodeState = state.agents[node]?.mode === 'maintenance' ? 'maintenance' : 'online';
      // A node that is to be fenced must first be: it comes back by way of "unknown".
      if (old !== 'fence') next = wanted;
    } else if (old === 'online' || old === 'maintenance') next = 'unknown';
    if (next !== old || !(node in state.nodes)) {
      log(`node '${node}': state changed from '${old}' => '${next}'`);
      state.nodes[node] = next;
    }
  }
  for (const node of Object.keys(state.nodes)) if (!(node in view.members)) delete state.nodes[node];
}

function takeResources(state: HaState, view: ManagerView, log: (line: string) => void): void {
  for (const sid of Object.keys(state.services))
    if (!state.resources[sid] || state.resources[sid].state === 'ignored') {
      const reason = state.resources[sid] ? 'ignored state requested' : 'no config';
      log(`removing stale service '${sid}' (${reason})`);
      delete state.services[sid];
    }
  for (const [sid, given] of Object.entries(state.resources)) {
    const resource = settled(given);
    if (state.services[sid] || resource.state === 'ignored') continue;
    const node = view.nodeOf(sid);
    if (node === null) continue;
    log(`adding new service '${sid}' on node '${node}'`);
    // Whether it runs is not known: it is asked for in either case.
    state.services[sid] = {
      state: resource.state === 'started' ? 'request_start' : 'request_stop',
      node,
      uid: nextUid(state),
    };
  }
}

function takeCommands(state: HaState, view: ManagerView, log: (line: string) => void): void {
  for (const command of state.commands) {
    if (command.kind === 'disarm' || command.kind === 'arm') {
      takeArming(state, command, (sid) => view.nodeOf(sid));
      continue;
    }
    const service = state.services[command.sid];
    if (command.kind === 'stop') {
      if (service) service.command = { kind: 'stop', timeout: command.timeout };
      else log(`crm command error - no such service: stop ${command.sid} ${command.timeout}`);
    } else takeMove(state, command, log);
  }
  state.commands = [];
}

/** Why a wish for a move is not taken up; null: it is. */
function obstacleOf(
  state: HaState,
  service: Service | undefined,
  { kind, sid, target }: Extract<Command, { target: string }>,
): string | null {
  const text = `${kind} ${sid} ${target}`;
  if (!service) return `crm command error - no such service: ${text}`;
  if (state.nodes[target] !== 'online') return `crm command error - node not online: ${text}`;
  if (service.node === target) return `ignore crm command - service already on target node: ${text}`;
  const [other] = motionOf(state, sid).blocking(target);
  return other === undefined
    ? null
    : `crm command '${text}' error - service '${other}' on node '${target}' in negative affinity with service '${sid}'`;
}

/** A move takes those along that belong to the guest, and is not done when one that must be apart is there. */
function takeMove(
  state: HaState,
  command: Extract<Command, { target: string }>,
  log: (line: string) => void,
): void {
  const { kind, sid, target } = command;
  const text = `${kind} ${sid} ${target}`;
  const service = state.services[sid];
  const obstacle = obstacleOf(state, service, command);
  if (!service || obstacle !== null) {
    log(obstacle ?? text);
    return;
  }
  log(`got crm command: ${text}`);
  service.command = { kind, target };
  for (const other of motionOf(state, sid).comigrated) {
    const partner = state.services[other]!;
    if (partner.node === target || partner.target === target) continue;
    log(
      `crm command '${text}' - ${kind} service '${other}' to node '${target}' (service '${other}' in positive affinity with service '${sid}')`,
    );
    partner.command = { kind, target };
  }
}

const nextUid = (state: HaState): string => `o${++state.serial}`;

function change(round: Round, sid: string, to: ServiceState, where: Partial<Service> = {}): undefined {
  const service = round.state.services[sid]!;
  const extra = Object.entries({ node: where.node, target: where.target, timeout: where.timeout })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} = ${value}`)
    .join(', ');
  round.log(
    `service '${sid}': state changed from '${service.state}' to '${to}'${extra ? `  (${extra})` : ''}`,
  );
  const { node, failedNodes, maintenanceNode } = service;
  // What belonged to the old state goes with it.
  for (const key of Object.keys(service) as (keyof Service)[]) delete service[key];
  Object.assign(service, {
    state: to,
    node,
    uid: nextUid(round.state),
    ...(failedNodes ? { failedNodes } : {}),
    ...(maintenanceNode !== undefined ? { maintenanceNode } : {}),
    ...where,
  });
}

function nextState(round: Round, sid: string, service: Service): undefined {
  const { state } = round;
  if (!state.resources[sid]) return;
  const resource = settled(state.resources[sid]);
  switch (service.state) {
    case 'stopped':
      return nextStopped(round, sid, service, resource);
    case 'request_start':
      return nextRequestStart(round, sid, service, resource);
    case 'request_stop':
      return nextRequestStop(round, sid, service);
    case 'started':
      return nextStarted(round, sid, service, resource);
    case 'migrate':
    case 'relocate':
      return nextMoving(round, sid, service, resource);
    case 'recovery':
      return nextRecovery(round, sid, service, resource);
    case 'freeze':
      if (state.agents[service.node]?.mode === 'active' && online(round, service.node))
        change(round, sid, resource.state === 'started' ? 'started' : 'request_stop');
      else if (offlineDelayed(round, service.node)) change(round, sid, 'fence');
      return;
    case 'error':
      if (resource.state === 'disabled') change(round, sid, 'stopped', { failedNodes: undefined });
      return;
    case 'fence':
      return;
    default:
      return service.state satisfies never;
  }
}

function nextStopped(round: Round, sid: string, service: Service, resource: SettledResource): undefined {
  const actual = round.view.nodeOf(sid);
  if (actual !== null) service.node = actual;
  const { command } = service;
  delete service.command;
  if (command?.kind === 'stop') round.log(`ignore service '${sid}' stop request - service already stopped`);
  else if (command) {
    const refusal = moveRefusal(round, service, command.target);
    if (refusal === null)
      return change(round, sid, command.kind, { node: service.node, target: command.target });
    round.log(`ignore service '${sid}' ${command.kind} request - ${refusal}`);
  }
  if (resource.state === 'disabled') return;
  if (offlineDelayed(round, service.node)) return change(round, sid, 'fence');
  if (resource.state === 'started') change(round, sid, 'request_start');
}

function moveRefusal(round: Round, service: Service, target: string): string | null {
  if (!online(round, target)) return `node '${target}' not online`;
  return target === service.node ? `service already on node '${target}'` : null;
}

function nextRequestStart(round: Round, sid: string, service: Service, resource: SettledResource): undefined {
  // It starts where it is; if it belongs elsewhere, it goes there from state "started".
  change(round, sid, resource.state === 'started' ? 'started' : 'request_stop', { node: service.node });
}

function nextRequestStop(round: Round, sid: string, service: Service): undefined {
  const result = resultOf(round, service);
  if (result) return change(round, sid, result.exitCode === 0 ? 'stopped' : 'error');
  if (offlineDelayed(round, service.node)) change(round, sid, 'fence');
}

function nextStarted(round: Round, sid: string, service: Service, resource: SettledResource): undefined {
  const { state, log } = round;
  if (state.agents[service.node]?.mode === 'restart') return change(round, sid, 'freeze');
  if (!online(round, service.node)) {
    if (offlineDelayed(round, service.node)) return change(round, sid, 'fence');
    if (state.nodes[service.node] !== 'maintenance') return;
  }
  if (resource.state !== 'started') return change(round, sid, 'request_stop');
  const { command } = service;
  if (command) {
    delete service.command;
    if (command.kind === 'stop') {
      state.resources[sid]!.state = 'stopped';
      return change(round, sid, 'request_stop', { timeout: command.timeout });
    }
    const refusal = moveRefusal(round, service, command.target);
    if (refusal === null)
      return change(round, sid, command.kind, { node: service.node, target: command.target });
    log(`ignore service '${sid}' ${command.kind} request - ${refusal}`);
    return;
  }
  let tryNext = false;
  const result = resultOf(round, service);
  if (result?.exitCode === 0) {
    delete service.failedNodes;
    service.running = true;
  } else if (result) {
    delete service.running;
    const failed = [...(service.failedNodes ?? []), service.node];
    service.failedNodes = failed;
    // The agent says 3 when the guest is not on its node.
    if (![1, 3].includes(result.exitCode) || failed.length > resource.maxRelocate) {
      log(
        `recovery policy for service ${sid} failed, entering error state. Failed nodes: ${failed.join(', ')}`,
      );
      return change(round, sid, 'error');
    }
    tryNext = true;
    log(`starting service ${sid} on node '${service.node}' failed, relocating service.`);
  }
  const inMaintenance = state.nodes[service.node] === 'maintenance';
  const node = selectNode(state, {
    sid,
    current: service.node,
    online: onlineNodes(round),
    prefer: tryNext ? 'try-next' : 'none',
    failedNodes: service.failedNodes,
  });
  if (node !== null && node !== service.node) {
    log(`relocate service '${sid}' to node '${node}'`);
    return change(round, sid, 'relocate', {
      node: service.node,
      target: node,
      maintenanceNode: inMaintenance ? service.node : undefined,
    });
  }
  if (service.maintenanceNode === service.node && !inMaintenance) delete service.maintenanceNode;
  // A new order, so that the agent starts it again should it have gone down by itself.
  if (result) service.uid = nextUid(state);
}

function nextMoving(round: Round, sid: string, service: Service, resource: SettledResource): undefined {
  const next = resource.state === 'started' ? 'started' : 'request_stop';
  const result = resultOf(round, service);
  if (result) {
    if (result.exitCode === 0) return change(round, sid, next, { node: service.target });
    if (result.exitCode === 3) return change(round, sid, 'error');
    round.log(`service '${sid}' - migration failed (exit code ${result.exitCode})`);
    return change(round, sid, next);
  }
  if (offlineDelayed(round, service.node)) change(round, sid, 'fence');
}

function nextRecovery(round: Round, sid: string, service: Service, resource: SettledResource): undefined {
  const node = selectNode(round.state, {
    ...{ sid, current: service.node, online: onlineNodes(round), prefer: 'best-score' },
  });
  if (node === null) {
    round.log(
      `recovering service '${sid}' from fenced node '${service.node}' failed, no recovery node found`,
    );
    // The way out of it by hand.
    if (resource.state === 'disabled') change(round, sid, 'stopped', { failedNodes: undefined });
    return;
  }
  round.log(`recover service '${sid}' from fenced node '${service.node}' to node '${node}'`);
  if (node !== service.node) round.actions.push({ kind: 'steal', sid, from: service.node, to: node });
  change(round, sid, resource.state === 'started' ? 'started' : 'request_stop', { node });
}

/** Nodes with guests to recover: the manager waits for their lock, for then they run nothing any more. */
function fence(round: Round): boolean {
  const { state, view, log } = round;
  let changed = false;
  const nodes = new Set(
    Object.values(state.services)
      .filter((service) => service.state === 'fence')
      .map((service) => service.node),
  );
  for (const node of nodes) {
    if (state.nodes[node] !== 'fence' && state.nodes[node] !== 'gone') {
      log(`node '${node}': state changed from '${state.nodes[node]}' => 'fence'`);
      state.nodes[node] = 'fence';
    }
    if (!acquireLock(state, agentLock(node), view.node, view.now)) continue;
    log(`fencing: acknowledged - got agent lock for node '${node}'`);
    // The node's own agent may have it when the node is back.
    delete state.locks[agentLock(node)];
    state.nodes[node] = 'unknown';
    for (const [sid, service] of Object.entries(state.services))
      if (service.state === 'fence' && service.node === node) {
        change(round, sid, 'recovery');
        changed = true;
      }
  }
  return changed;
}

function resultOf(round: Round, service: Service): AgentResult | null {
  return round.state.agents[service.node]?.results[service.uid] ?? null;
}

const online = (round: Round, node: string): boolean => round.state.nodes[node] === 'online';

const onlineNodes = (round: Round): string[] =>
  Object.keys(round.state.nodes)
    .filter((node) => online(round, node))
    .sort();

function offlineDelayed({ state, view, lastOnline }: Round, node: string): boolean {
  if (state.nodes[node] === 'online' || state.nodes[node] === 'maintenance') return false;
  const seen = (lastOnline[node] ??= view.now);
  return view.now - seen > TIMES.unreachable;
}
