import { type CompiledRules, compileRules } from './rules.ts';
import { type HaState, settled } from './state.ts';

/** How a node is chosen. */
export interface Choice {
  readonly sid: string;
  readonly current: string;
  /** Nodes that can run guests now. */
  readonly online: readonly string[];
  /**
   * `none`: where it is, if that is as good as any; `best-score`: where the fewest guests are; `try-next`: the same,
   * on nodes where its start has not failed yet.
   */
  readonly prefer: 'none' | 'best-score' | 'try-next';
  readonly failedNodes?: readonly string[];
}

/** The rules that are in force in a state. */
export const rulesOf = (state: Readonly<HaState>): CompiledRules =>
  compileRules(state.rules, Object.keys(state.nodes));

/** The node that a guest belongs on (PVE::HA::Manager, select_service_node). Null: there is none at present. */
export function selectNode(state: HaState, choice: Choice): string | null {
  const { sid, current, prefer, online } = choice;
  const rules = rulesOf(state);
  const places = rules.nodes.get(sid);
  const allowed = online.filter((node) => places === undefined || places[node] !== undefined);
  const best = Math.max(...allowed.map((node) => places?.[node] ?? 0));
  let nodes: readonly string[] = allowed.filter((node) => (places?.[node] ?? 0) === best);
  if (nodes.length === 0) return null;
  const { together, apart } = neighbours(state, rules, sid, online);
  const mayStay = allowed.includes(current) && (together.has(current) || !apart.has(current));
  if (prefer === 'none' && !settled(state.resources[sid]).failback && mayStay) return current;
  if (prefer === 'try-next') nodes = nodes.filter((node) => !(choice.failedNodes ?? []).includes(node));
  nodes = keepTogether(
    nodes.filter((node) => !apart.has(node)),
    together,
  );
  const back = state.services[sid]?.maintenanceNode;
  if (back !== undefined && nodes.includes(back)) return back;
  if (prefer === 'none' && nodes.includes(current)) return current;
  const load = usage(state, online);
  return [...nodes].sort((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0) || (a < b ? -1 : 1)).at(0) ?? null;
}

/** Nodes with guests that this one must be with (and how many), or must not be with. */
function neighbours(state: HaState, rules: CompiledRules, sid: string, online: readonly string[]) {
  const together = new Map<string, number>();
  for (const other of rules.together.get(sid) ?? []) {
    // Only where it is going counts: one that has moved must not come back.
    const node = usedNodes(state, other, online).at(-1);
    if (node !== undefined) together.set(node, (together.get(node) ?? 0) + 1);
  }
  const apart = new Set(
    [...(rules.apart.get(sid) ?? [])].flatMap((other) => usedNodes(state, other, online)),
  );
  return { together, apart };
}

function keepTogether(nodes: readonly string[], together: ReadonlyMap<string, number>): readonly string[] {
  const [major] = nodes
    .filter((node) => together.has(node))
    .sort((a, b) => together.get(b)! - together.get(a)! || (a < b ? -1 : 1));
  return major === undefined ? nodes : [major];
}

/** Nodes that a guest takes up: where it is, and after that where it is going. */
function usedNodes(state: HaState, sid: string, online: readonly string[]): string[] {
  const service = state.services[sid];
  if (!service) return [];
  const there = (...nodes: (string | undefined)[]) =>
    nodes.filter((node): node is string => node !== undefined && online.includes(node));
  switch (service.state) {
    case 'started':
    case 'request_stop':
    case 'error':
    case 'freeze':
    case 'fence':
    case 'recovery':
      return there(service.node);
    case 'migrate':
    case 'relocate':
      return there(service.node, service.target);
    case 'stopped':
    case 'request_start':
      return [];
    default:
      return service.state satisfies never;
  }
}

function usage(state: HaState, online: readonly string[]): ReadonlyMap<string, number> {
  const load = new Map<string, number>();
  for (const sid of Object.keys(state.services))
    for (const node of usedNodes(state, sid, online)) load.set(node, (load.get(node) ?? 0) + 1);
  return load;
}

/** What a move of a guest means for others (PVE::HA::Config, get_resource_motion_info). */
export interface Motion {
  /** Those that go along. */
  readonly comigrated: readonly string[];
  /** Those on the node that it must be apart from: it is not moved. */
  readonly blocking: (node: string) => readonly string[];
}

/**
 * What moving a guest would take along, and what is in its way.
 * @param nodeOf tells where guests are as long as no manager has thought about them
 */
export function motionOf(
  state: Readonly<HaState>,
  sid: string,
  nodeOf: (sid: string) => string | null = () => null,
): Motion {
  const rules = rulesOf(state);
  const placeOf = (other: string): { node: string; target?: string } | null => {
    const home = state.master === null && state.resources[other] ? nodeOf(other) : null;
    return state.services[other] ?? (home === null ? null : { node: home });
  };
  const known = (others: ReadonlySet<string> | undefined) =>
    [...(others ?? [])].filter((other) => placeOf(other) !== null).sort();
  return {
    comigrated: known(rules.together.get(sid)),
    blocking: (node) =>
      known(rules.apart.get(sid)).filter((other) => {
        const { node: home, target } = placeOf(other)!;
        return home === node && (target === undefined || target === node);
      }),
  };
}
