import type { HaState, NodeAffinity, ResourceAffinity, Rule } from './state.ts';

/** Takes a guest out of all rules, and with it those that have no other (PVE::HA::Config, delete_service_from_config). */
export function forgetInRules(state: Pick<HaState, 'rules'>, sid: string): void {
  for (const [id, rule] of Object.entries(state.rules)) {
    rule.resources = rule.resources.filter((one) => one !== sid);
    if (rule.resources.length === 0) delete state.rules[id];
  }
}

/** Rule → field → what is wrong. */
export type RuleErrors = Record<string, Record<string, string[]>>;

type Rules = Readonly<Record<string, Rule>>;
type Named<T> = readonly (readonly [id: string, rule: T])[];

/** What rules mean for the choice of a node, once those that cannot hold are left out. */
export interface CompiledRules {
  /** Guest → node → priority. A rule that is not strict gives the other nodes -1. */
  readonly nodes: ReadonlyMap<string, Readonly<Record<string, number>>>;
  /** Guest → those that it must be with. */
  readonly together: ReadonlyMap<string, ReadonlySet<string>>;
  /** Guest → those that it must not be with. */
  readonly apart: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Why rules cannot hold in every state of the cluster (PVE::HA::Rules and its two plugins). Disabled ones are not
 * looked at. The messages of a field stand in the order of the checks.
 * @param nodes those that the manager knows; none as long as there has been no manager
 */
export function ruleErrors(rules: Rules, nodes: readonly string[]): RuleErrors {
  const errors: RuleErrors = {};
  const add = (id: string, text: string) => {
    const fields = (errors[id] ??= {});
    (fields.resources ??= []).push(text);
  };
  const pinned = ofType(rules, 'node-affinity');
  const joined = ofType(rules, 'resource-affinity');
  const positive = joined.filter(([, rule]) => rule.affinity === 'positive');
  const negative = joined.filter(([, rule]) => rule.affinity === 'negative');

  for (const [id, rule] of pinned)
    for (const sid of [...rule.resources].sort())
      if (pinned.some(([other, its]) => other !== id && its.resources.includes(sid)))
        add(id, `resource '${sid}' is already used in another node affinity rule`);
  for (const [id, rule] of joined)
    if (rule.resources.length < 2) add(id, 'rule is ineffective as there are less than two resources');
  for (const [id, rule] of negative)
    if (rule.resources.length > nodes.length) add(id, 'rule defines more resources than available nodes');
  for (const group of disjoint(positive))
    for (const [id, rule] of negative) {
      if (common(group.resources, rule.resources).length < 2) continue;
      add(id, 'rule shares two or more resources with a positive resource affinity rule');
      for (const other of group.ids)
        add(other, 'rule shares two or more resources with a negative resource affinity rule');
    }
  singlePriority(joined, pinned, add);
  oneNodeRule(positive, pinned, add);
  enoughNodes(negative, pinned, add);
  return errors;
}

type Add = (id: string, text: string) => void;

/** Which priority wins depends on the nodes that are there, so guests that belong together or apart have but one. */
function singlePriority(joined: Named<ResourceAffinity>, pinned: Named<NodeAffinity>, add: Add): void {
  for (const [id, rule] of joined) {
    const pairs = pinned.filter(([, its]) => common(rule.resources, its.resources).length > 0);
    if (!pairs.some(([, its]) => new Set(Object.values(its.nodes)).size > 1)) continue;
    add(id, 'resources are in node affinity rules with multiple priorities');
    for (const [other] of pairs)
      add(
        other,
        'resources are in a resource affinity rule and cannot be in a node affinity rule with multiple priorities',
      );
  }
}

/** There is no way to merge the nodes of two rules for guests that must be together. */
function oneNodeRule(positive: Named<ResourceAffinity>, pinned: Named<NodeAffinity>, add: Add): void {
  for (const group of disjoint(positive)) {
    const pairs = pinned.filter(([, its]) => common(group.resources, its.resources).length > 0);
    if (pairs.length < 2) continue;
    for (const id of group.ids) add(id, 'resources are in multiple node affinity rules');
    for (const [id] of pairs)
      add(
        id,
        'at least one resource is in a positive resource affinity rule and there are other resources in at least ' +
          'one other node affinity rule already',
      );
  }
}

/** Guests that must be apart need as many nodes as there are of them; strict or not makes no difference. */
function enoughNodes(negative: Named<ResourceAffinity>, pinned: Named<NodeAffinity>, add: Add): void {
  for (const [id, rule] of negative) {
    const pairs = pinned.filter(([, its]) => common(rule.resources, its.resources).length > 0);
    const allowed = new Set(pairs.flatMap(([, its]) => Object.keys(its.nodes)));
    const located = new Set(pairs.flatMap(([, its]) => common(rule.resources, its.resources)));
    if (allowed.size >= located.size) continue;
    add(id, 'two or more resources are restricted to less nodes than available to the resources');
    for (const [other] of pairs)
      add(
        other,
        'at least one resource is in a negative resource affinity rule and this rule would restrict these to less ' +
          'nodes than available to the resources',
      );
  }
}

/** The rules in force, and what follows from them: who is kept apart from one's partner, and where partners belong. */
export function compileRules(rules: Rules, nodes: readonly string[]): CompiledRules {
  const errors = ruleErrors(rules, nodes);
  const good = Object.fromEntries(Object.entries(rules).filter(([id]) => !errors[id]));
  const joined = ofType(good, 'resource-affinity');
  const groups = disjoint(joined.filter(([, rule]) => rule.affinity === 'positive'));
  const together = new Map<string, Set<string>>();
  const apart = new Map<string, Set<string>>();
  for (const { resources } of groups)
    for (const a of resources) for (const b of resources) if (a !== b) relate(together, a, b);
  const direct = joined
    .filter(([, rule]) => rule.affinity === 'negative')
    .flatMap(([, rule]) => pairsOf(rule.resources));
  for (const [a, b] of direct) {
    relate(apart, a, b);
    for (const partner of together.get(a) ?? [])
      if (partner !== b) {
        relate(apart, partner, b);
        relate(apart, b, partner);
      }
  }
  const places = new Map<string, Record<string, number>>();
  for (const [, rule] of ofType(good, 'node-affinity')) {
    const rest = rule.strict ? {} : Object.fromEntries(nodes.map((node) => [node, -1]));
    const partners = rule.resources.flatMap((sid) => [...(together.get(sid) ?? [])]);
    for (const sid of [...rule.resources, ...partners]) places.set(sid, { ...rest, ...rule.nodes });
  }
  return { nodes: places, together, apart };
}

function pairsOf(resources: readonly string[]): [string, string][] {
  return resources.flatMap((a) => resources.filter((b) => b !== a).map((b): [string, string] => [a, b]));
}

function relate(map: Map<string, Set<string>>, a: string, b: string): void {
  const known = map.get(a) ?? new Set<string>();
  map.set(a, known.add(b));
}

function ofType<T extends Rule['type']>(rules: Rules, type: T): Named<Extract<Rule, { type: T }>> {
  return Object.entries(rules)
    .filter((one): one is [string, Extract<Rule, { type: T }>] => one[1].type === type && !one[1].disable)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

const common = (a: readonly string[], b: readonly string[]): string[] => a.filter((one) => b.includes(one));

/** Rules that share a guest count as one. They are taken by their first guest, and looked at once each, as Proxmox does. */
function disjoint(rules: Named<ResourceAffinity>): { ids: string[]; resources: string[] }[] {
  const first = (rule: ResourceAffinity) => [...rule.resources].sort()[0] ?? '';
  const sorted = [...rules].sort(([, a], [, b]) => (first(a) < first(b) ? -1 : first(a) > first(b) ? 1 : 0));
  const groups: { ids: string[]; resources: string[] }[] = [];
  for (const [id, rule] of sorted) {
    const group = groups.find((one) => common(one.resources, rule.resources).length > 0);
    if (!group) groups.push({ ids: [id], resources: [...rule.resources] });
    else {
      group.ids.push(id);
      group.resources = [...new Set([...group.resources, ...rule.resources])];
    }
  }
  return groups;
}
