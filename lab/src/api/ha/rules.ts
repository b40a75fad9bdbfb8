import { digestOf } from '../../cluster/cluster-files.ts';
import { failure } from '../../errors.ts';
import { ruleErrors } from '../../ha/rules.ts';
import type { HaState, NodeAffinity, ResourceAffinity, Rule } from '../../ha/state.ts';
import type { Lab } from '../../lab.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';

const mayRead = needs('/', ['Sys.Audit']);
const mayWrite = needs('/', ['Sys.Console']);
const PATH = '/cluster/ha/rules';

/** Rules that say where managed guests belong (PVE::API2::HA::Rules). */
export const HA_RULE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: PATH,
    permission: mayRead,
    handler: ({ lab }, params) => {
      const state = lab.ha.read();
      const type = params.text('type');
      const resource = params.text('resource');
      return Object.entries(state.rules)
        .filter(([, rule]) => type === null || rule.type === type)
        .filter(([, rule]) => resource === null || rule.resources.includes(resource))
        .map(([id]) => entryOf(state, id));
    },
  },
  { method: 'POST', path: PATH, permission: mayWrite, handler: create },
  {
    method: 'GET',
    path: `${PATH}/{rule}`,
    permission: mayRead,
    handler: ({ lab }, params) => {
      const state = lab.ha.read();
      const id = params.need('rule');
      if (!state.rules[id]) throw failure(`no such ha rule '${id}'`);
      return entryOf(state, id);
    },
  },
  { method: 'PUT', path: `${PATH}/{rule}`, permission: mayWrite, handler: update },
  {
    method: 'DELETE',
    path: `${PATH}/{rule}`,
    permission: mayWrite,
    handler: ({ lab, node }, params) => {
      lab.ha.edit(node, 'delete ha rule failed', (state) => {
        delete state.rules[params.need('rule')];
      });
    },
  },
];

/** Options of each type, and whether they may be missing. */
const OPTIONS: Readonly<Record<Rule['type'], Readonly<Record<string, boolean>>>> = {
  'node-affinity': { resources: false, nodes: false, strict: true, disable: true, comment: true },
  'resource-affinity': { resources: false, affinity: false, disable: true, comment: true },
};

function create({ lab, node }: RequestContext, params: RouteParams): void {
  lab.membership.requireQuorum(node);
  const id = params.need('rule');
  const type = params.need('type') as Rule['type'];
  const options = optionsOf(params, type, ['rule', 'type']);
  for (const [key, isOptional] of Object.entries(OPTIONS[type]))
    if (!isOptional && options[key] === undefined)
      throw failure(`missing value for required option '${key}'`);
  lab.ha.edit(node, 'create ha rule failed', (state) => {
    if (state.rules[id]) throw failure(`HA rule '${id}' already defined`);
    requireKnown(lab, state, options);
    const rule = { type, ...options } as unknown as Rule;
    // Proxmox VE counts from the lowest number, so a new rule comes second.
    const before = Object.entries(state.rules);
    state.rules = Object.fromEntries([...before.slice(0, 2), [id, rule], ...before.slice(2)]);
    requireFeasible(state, id);
  });
}

function update({ lab, node }: RequestContext, params: RouteParams): void {
  const id = params.need('rule');
  lab.ha.edit(node, 'update HA rules failed', (state) => {
    const known = params.text('digest');
    if (known !== null && known !== '' && known !== digestOfRules(state.rules))
      throw failure('detected modified configuration - file changed by other user? Try again.');
    const rule = state.rules[id];
    if (!rule) throw failure(`HA rule '${id}' does not exist`);
    if (params.text('type') !== rule.type) throw failure("unexpected property 'type'");
    const options = optionsOf(params, rule.type, ['rule', 'type', 'digest', 'delete']);
    requireKnown(lab, state, options);
    const next: Record<string, unknown> = structuredClone({ ...rule });
    for (const key of params.list('delete')) {
      const isOptional = OPTIONS[rule.type][key];
      if (isOptional === undefined) throw failure(`no such option '${key}'`);
      if (!isOptional) throw failure(`unable to delete required option '${key}'`);
      if (options[key] !== undefined)
        throw failure(`cannot set and delete property '${key}' at the same time!`);
      delete next[key];
    }
    state.rules[id] = { ...next, ...options } as unknown as Rule;
    requireFeasible(state, id);
  });
}

interface RuleOptions {
  [key: string]: unknown;
  resources?: string[];
  nodes?: Record<string, number>;
}

/** The options that a request gives. A rule is disabled by one, but enabled only by deleting that option. */
function optionsOf(params: RouteParams, type: Rule['type'], others: readonly string[]): RuleOptions {
  const options: RuleOptions = {};
  for (const key of params.keys()) {
    if (others.includes(key) || (key === 'disable' && !params.flag('disable'))) continue;
    if (!Object.hasOwn(OPTIONS[type], key)) throw failure(`unexpected property '${key}'`);
    const text = params.need(key);
    if (/[\n\r]/.test(text)) throw failure('property contains a line feed');
    if (key === 'resources') options.resources = [...new Set(params.list('resources'))].sort();
    else if (key === 'nodes') options.nodes = nodesOf(params);
    else if (key === 'strict' || key === 'disable') options[key] = params.flag(key);
    else options[key] = text;
  }
  return options;
}

function requireKnown(lab: Lab, state: HaState, { resources, nodes }: RuleOptions): void {
  if (resources?.length === 0) throw failure('no resources were specified');
  const unmanaged = (resources ?? []).filter((sid) => !state.resources[sid]);
  if (unmanaged.length > 0) throw failure(`cannot use unmanaged resource(s) ${unmanaged.join(', ')}.`);
  if (nodes === undefined) return;
  if (Object.keys(nodes).length === 0) throw failure('no nodes were specified');
  const unknown = Object.keys(nodes).filter((node) => !lab.membership.has(node));
  if (unknown.length > 0) throw failure(`cannot use non-existent node(s) ${unknown.sort().join(', ')}.`);
}

const errorsOf = (state: Readonly<HaState>) => ruleErrors(state.rules, Object.keys(state.nodes));

function requireFeasible(state: HaState, id: string): void {
  const errors = errorsOf(state)[id];
  if (!errors) return;
  const lines = Object.entries(errors).map(([field, texts]) => `${field}: ${texts.join(', ')}`);
  throw failure([`400 Rule '${id}' is invalid.`, ...lines].join('\n'));
}

/** `pve1:2,pve2` → priorities. */
function nodesOf(params: RouteParams): Record<string, number> {
  return Object.fromEntries(
    params.list('nodes').map((one) => {
      const [node = '', priority = '0'] = one.split(':');
      return [node, Number(priority)];
    }),
  );
}

const digestOfRules = (rules: HaState['rules']): string => digestOf(JSON.stringify(rules));

function entryOf(state: Readonly<HaState>, id: string) {
  const { rules } = state;
  const rule = rules[id]!;
  const errors = errorsOf(state)[id];
  return {
    ...{ rule: id, type: rule.type, order: Object.keys(rules).indexOf(id) + 1 },
    resources: [...rule.resources].sort().join(','),
    ...(rule.type === 'node-affinity' ? nodeFields(rule) : affinityFields(rule)),
    ...(rule.disable ? { disable: 1 } : {}),
    ...(rule.comment ? { comment: rule.comment } : {}),
    ...(errors ? { errors } : {}),
    digest: digestOfRules(rules),
  };
}

const affinityFields = (rule: ResourceAffinity) => ({ affinity: rule.affinity });

function nodeFields(rule: NodeAffinity) {
  const nodes = Object.keys(rule.nodes)
    .sort()
    .map((node) => (rule.nodes[node] === 0 ? node : `${node}:${rule.nodes[node]}`));
  return { nodes: nodes.join(','), ...(rule.strict === undefined ? {} : { strict: rule.strict ? 1 : 0 }) };
}
