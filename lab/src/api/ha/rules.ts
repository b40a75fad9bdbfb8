import { digestOf } from '../../cluster/cluster-files.ts';
import { ruleErrors } from '../../ha/select-node.ts';
import type { HaState, NodeAffinity, ResourceAffinity, Rule } from '../../ha/state.ts';
import { failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import type { RouteParams } from '../params.ts';
import { needs, type Route } from '../route.ts';

const mayRead = needs('/', ['Sys.Audit']);
const mayWrite = needs('/', ['Sys.Console']);
const PATH = '/cluster/ha/rules';

/** Rules that say where managed guests belong. */
export const HA_RULE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: PATH,
    permission: mayRead,
    handler: ({ lab }, params) => {
      const { rules } = lab.ha.read();
      const type = params.text('type');
      const resource = params.text('resource');
      return Object.entries(rules)
        .filter(([, rule]) => type === null || rule.type === type)
        .filter(([, rule]) => resource === null || rule.resources.includes(resource))
        .map(([id]) => entryOf(lab, rules, id));
    },
  },
  {
    method: 'POST',
    path: PATH,
    permission: mayWrite,
    handler: ({ lab, node }, params) => {
      const id = params.need('rule');
      lab.ha.edit(node, 'create ha rule failed', (state) => {
        if (state.rules[id]) throw failure(`HA rule '${id}' already defined`);
        requireKnown(lab, state, params);
        state.rules[id] = ruleOf(params);
        requireFeasible(lab, state, id);
      });
    },
  },
  {
    method: 'GET',
    path: `${PATH}/{rule}`,
    permission: mayRead,
    handler: ({ lab }, params) => {
      const { rules } = lab.ha.read();
      const id = params.need('rule');
      if (!rules[id]) throw failure(`no such ha rule '${id}'`);
      return entryOf(lab, rules, id);
    },
  },
  {
    method: 'PUT',
    path: `${PATH}/{rule}`,
    permission: mayWrite,
    handler: ({ lab, node }, params) => {
      const id = params.need('rule');
      lab.ha.edit(node, 'update HA rules failed', (state) => {
        const known = params.text('digest');
        if (known !== null && known !== digestOfRules(state.rules))
          throw failure('detected modified configuration - file changed by other user? Try again.');
        const rule = state.rules[id];
        if (!rule) throw failure(`HA rule '${id}' does not exist`);
        if (rule.type !== params.need('type')) throw failure('types does not match');
        requireKnown(lab, state, params);
        state.rules[id] = changed(rule, params);
        requireFeasible(lab, state, id);
      });
    },
  },
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

function requireKnown(lab: Lab, state: HaState, params: RouteParams): void {
  const unmanaged = params.list('resources').filter((sid) => !state.resources[sid]);
  if (unmanaged.length > 0) throw failure(`cannot use unmanaged resource(s) ${unmanaged.sort().join(', ')}.`);
  const unknown = Object.keys(nodesOf(params)).filter((node) => !lab.membership.has(node));
  if (unknown.length > 0) throw failure(`cannot use non-existant node(s) ${unknown.sort().join(', ')}.`);
}

function requireFeasible(lab: Lab, state: HaState, id: string): void {
  const errors = ruleErrors(state.rules, lab.membership.nodes.length)[id];
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

function required<T>(value: T | null, key: string): T {
  if (value === null) throw failure(`missing value for required option '${key}'`);
  return value;
}

function ruleOf(params: RouteParams): Rule {
  const resources = [...params.list('resources')].sort();
  const comment = params.text('comment');
  const common = {
    resources,
    ...(params.flag('disable') ? { disable: true } : {}),
    ...(comment === null ? {} : { comment }),
  };
  if (params.need('type') === 'node-affinity') {
    required(params.text('nodes'), 'nodes');
    return { type: 'node-affinity', nodes: nodesOf(params), strict: params.flag('strict'), ...common };
  }
  const affinity = required(params.text('affinity'), 'affinity') as ResourceAffinity['affinity'];
  return { type: 'resource-affinity', affinity, ...common };
}

function changed(rule: Rule, params: RouteParams): Rule {
  const next: Rule = structuredClone(rule);
  if (params.has('resources')) next.resources = [...params.list('resources')].sort();
  if (params.has('disable')) next.disable = params.flag('disable');
  const comment = params.text('comment');
  if (comment !== null) next.comment = comment;
  if (next.type === 'node-affinity') {
    if (params.has('nodes')) next.nodes = nodesOf(params);
    if (params.has('strict')) next.strict = params.flag('strict');
  } else if (params.has('affinity')) next.affinity = params.need('affinity') as ResourceAffinity['affinity'];
  for (const key of params.list('delete')) {
    if (key === 'comment') delete next.comment;
    else if (key === 'disable') delete next.disable;
    else if (key === 'strict' && next.type === 'node-affinity') next.strict = false;
    else if (['nodes', 'resources', 'affinity'].includes(key))
      throw failure(`unable to delete required option '${key}'`);
    else throw failure(`no such option '${key}'`);
  }
  return next;
}

const digestOfRules = (rules: HaState['rules']): string => digestOf(JSON.stringify(rules));

function entryOf(lab: Lab, rules: HaState['rules'], id: string) {
  const rule = rules[id]!;
  const errors = ruleErrors(rules, lab.membership.nodes.length)[id];
  return {
    ...{ rule: id, type: rule.type, order: Object.keys(rules).indexOf(id) + 1 },
    resources: rule.resources.join(','),
    ...(rule.type === 'node-affinity' ? nodeFields(rule) : { affinity: rule.affinity }),
    ...(rule.disable ? { disable: 1 } : {}),
    ...(rule.comment === undefined ? {} : { comment: rule.comment }),
    ...(errors ? { errors } : {}),
    digest: digestOfRules(rules),
  };
}

function nodeFields(rule: NodeAffinity) {
  const nodes = Object.keys(rule.nodes)
    .sort()
    .map((node) => (rule.nodes[node] === 0 ? node : `${node}:${rule.nodes[node]}`));
  return { nodes: nodes.join(','), ...(rule.strict ? { strict: 1 } : {}) };
}
