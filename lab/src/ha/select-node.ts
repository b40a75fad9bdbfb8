import type { HaState, NodeAffinity, ResourceAffinity, Rule } from './state.ts';

/** How a node is chosen. */
export interface Choice {
  readonly sid: string;
  readonly current: string;
  /** Nodes that can run guests now. */
  readonly online: readonly string[];
  /** The start failed here: look for another. */
  readonly tryNext?: boolean;
  readonly failedNodes?: readonly string[];
}

/**
 * The node that a guest belongs on: by its rules, then where it is, then where the fewest guests are. Null: there is
 * none at present.
 */
export function selectNode(state: HaState, choice: Choice): string | null {
  const { sid, current, tryNext = false } = choice;
  const rules = effectiveRules(state);
  const { allowed, preferred } = byPriority(rules, sid, choice.online);
  // Without failback it stays on any allowed node.
  const failback = state.resources[sid]?.failback !== false;
  let nodes = !failback && !tryNext && allowed.includes(current) ? [current] : preferred;
  const { together, apart } = neighbours(state, rules, sid);
  nodes = keepTogether(nodes, together).filter((node) => !apart.has(node));
  if (!failback && nodes.length === 0)
    nodes = keepTogether(preferred, together).filter((node) => !apart.has(node));
  if (tryNext) nodes = nodes.filter((node) => !(choice.failedNodes ?? []).includes(node));
  const back = state.services[sid]?.maintenanceNode;
  if (back !== undefined && nodes.includes(back) && !tryNext) return back;
  if (!tryNext && nodes.includes(current)) return current;
  const load = usage(state);
  return [...nodes].sort((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0) || (a < b ? -1 : 1)).at(0) ?? null;
}

/** Why rules cannot hold; by rule and its field. Only enabled ones are looked at. */
export function ruleErrors(rules: Readonly<Record<string, Rule>>, nodeCount: number): RuleErrors {
  const errors: RuleErrors = {};
  const add = (id: string, field: string, text: string) => {
    const fields = (errors[id] ??= {});
    (fields[field] ??= []).push(text);
  };
  const enabled = Object.entries(rules).filter(([, rule]) => !rule.disable);
  const nodeRules = enabled.filter((one): one is [string, NodeAffinity] => one[1].type === 'node-affinity');
  const groups = enabled.filter(
    (one): one is [string, ResourceAffinity] => one[1].type === 'resource-affinity',
  );
  for (const [id, rule] of nodeRules)
    for (const sid of rule.resources)
      if (nodeRules.some(([other, its]) => other !== id && its.resources.includes(sid)))
        add(id, 'resources', `resource '${sid}' is already used in another node affinity rule`);
  for (const [id, rule] of groups) {
    if (rule.resources.length < 2)
      add(id, 'resources', 'rule is ineffective as there are less than two resources');
    if (rule.affinity === 'negative' && rule.resources.length > nodeCount)
      add(id, 'resources', 'rule defines more resources than available nodes');
    for (const [other, its] of groups) {
      if (other === id || its.affinity === rule.affinity) continue;
      if (rule.resources.filter((sid) => its.resources.includes(sid)).length >= 2)
        add(
          id,
          'resources',
          `rule shares two or more resources with a ${its.affinity} resource affinity rule`,
        );
    }
  }
  return errors;
}

/** Rule → field → what is wrong. */
export type RuleErrors = Record<string, Record<string, string[]>>;

/** Those in force: a rule that cannot hold is left out. */
function effectiveRules(state: HaState): readonly Rule[] {
  const errors = ruleErrors(state.rules, Object.keys(state.nodes).length);
  return Object.entries(state.rules)
    .filter(([id, rule]) => !rule.disable && !errors[id])
    .map(([, rule]) => rule);
}

function byPriority(rules: readonly Rule[], sid: string, online: readonly string[]) {
  const rule = rules.find(
    (one): one is NodeAffinity => one.type === 'node-affinity' && one.resources.includes(sid),
  );
  if (!rule) return { allowed: online, preferred: [...online] };
  const allowed = online.filter((node) => !rule.strict || node in rule.nodes);
  const priority = (node: string) => rule.nodes[node] ?? -1;
  const best = Math.max(...allowed.map(priority));
  return { allowed, preferred: allowed.filter((node) => priority(node) === best) };
}

/** Nodes with guests that this one must be with (and how many), or must not be with. */
function neighbours(state: HaState, rules: readonly Rule[], sid: string) {
  const together = new Map<string, number>();
  const apart = new Set<string>();
  for (const rule of rules) {
    if (rule.type !== 'resource-affinity' || !rule.resources.includes(sid)) continue;
    for (const other of rule.resources) {
      if (other === sid) continue;
      for (const node of usedNodes(state, other))
        if (rule.affinity === 'negative') apart.add(node);
        else together.set(node, (together.get(node) ?? 0) + 1);
    }
  }
  return { together, apart };
}

function keepTogether(nodes: readonly string[], together: ReadonlyMap<string, number>): string[] {
  const most = Math.max(0, ...nodes.map((node) => together.get(node) ?? 0));
  return most === 0 ? [...nodes] : nodes.filter((node) => together.get(node) === most);
}

/** Nodes that a guest takes up: where it is, and where it is going. */
function usedNodes(state: HaState, sid: string): string[] {
  const service = state.services[sid];
  if (!service) return [];
  switch (service.state) {
    case 'started':
    case 'request_start':
    case 'request_stop':
    case 'error':
    case 'freeze':
    case 'fence':
      return [service.node];
    case 'migrate':
    case 'relocate':
      return service.target === undefined ? [service.node] : [service.node, service.target];
    case 'stopped':
    case 'recovery':
      return [];
    default:
      return service.state satisfies never;
  }
}

function usage(state: HaState): ReadonlyMap<string, number> {
  const load = new Map<string, number>();
  for (const sid of Object.keys(state.services))
    for (const node of usedNodes(state, sid)) load.set(node, (load.get(node) ?? 0) + 1);
  return load;
}
