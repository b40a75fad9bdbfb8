import { describe, expect, it } from 'vitest';
import { compileRules, forgetInRules, ruleErrors } from './rules.ts';
import { motionOf } from './select-node.ts';
import { emptyHaState, type Rule } from './state.ts';

const NODES = ['pve1', 'pve2', 'pve3'];

/** `ct:1,ct:2 on pve1:2,pve2`, `ct:1 only pve1`, `ct:1,ct:2 apart`, `ct:1,ct:2 together`, `off …`. */
function rule(text: string): Rule {
  const disable = text.startsWith('off ');
  const [resources = '', word = '', nodes = ''] = text.replace('off ', '').split(' ');
  const common = { resources: resources.split(','), ...(disable ? { disable } : {}) };
  if (word === 'apart' || word === 'together')
    return { type: 'resource-affinity', affinity: word === 'apart' ? 'negative' : 'positive', ...common };
  const priorities = nodes.split(',').map((one) => {
    const [node = '', priority = '0'] = one.split(':');
    return [node, Number(priority)];
  });
  return {
    type: 'node-affinity',
    nodes: Object.fromEntries(priorities),
    strict: word === 'only',
    ...common,
  };
}

const rules = (texts: Readonly<Record<string, string>>): Record<string, Rule> =>
  Object.fromEntries(Object.entries(texts).map(([id, text]) => [id, rule(text)]));

const MULTIPLE = 'resources are in node affinity rules with multiple priorities';
const IN_AFFINITY =
  'resources are in a resource affinity rule and cannot be in a node affinity rule with multiple priorities';
const FEW =
  'at least one resource is in a negative resource affinity rule and this rule would restrict these to less nodes than available to the resources';

describe('rules that cannot hold (PVE::HA::Rules, check_feasibility)', () => {
  const cases: readonly [string, Record<string, string>, Record<string, string[]>][] = [
    ['none of them', { a: 'ct:1 on pve1:2,pve2:1', b: 'ct:2,ct:3 apart', c: 'ct:3,ct:4 together' }, {}],
    [
      'a guest in two rules of nodes',
      { a: 'ct:1,ct:2 on pve1', b: 'ct:1 on pve2' },
      {
        a: ["resource 'ct:1' is already used in another node affinity rule"],
        b: ["resource 'ct:1' is already used in another node affinity rule"],
      },
    ],
    ['one of them disabled', { a: 'ct:1 on pve1', b: 'off ct:1 on pve2' }, {}],
    [
      'fewer than two guests',
      { a: 'ct:1 apart', b: 'ct:2 together' },
      {
        a: ['rule is ineffective as there are less than two resources'],
        b: ['rule is ineffective as there are less than two resources'],
      },
    ],
    [
      'more guests than nodes',
      { a: 'ct:1,ct:2,ct:3,ct:4 apart' },
      { a: ['rule defines more resources than available nodes'] },
    ],
    [
      'together and apart, over a third',
      { a: 'ct:1,ct:2 together', b: 'ct:2,ct:3 together', c: 'ct:1,ct:3 apart' },
      {
        a: ['rule shares two or more resources with a negative resource affinity rule'],
        b: ['rule shares two or more resources with a negative resource affinity rule'],
        c: ['rule shares two or more resources with a positive resource affinity rule'],
      },
    ],
    [
      'several priorities beside a pair',
      { a: 'ct:1 on pve2:1,pve3:5', b: 'ct:1,ct:2 together', c: 'ct:2 on pve2' },
      {
        a: [IN_AFFINITY, expect.stringContaining('in at least one other node affinity rule')],
        b: [MULTIPLE, 'resources are in multiple node affinity rules'],
        c: [IN_AFFINITY, expect.stringContaining('in at least one other node affinity rule')],
      },
    ],
    [
      'a pair to be apart on one node',
      { a: 'ct:1 only pve1', b: 'ct:2 only pve1', c: 'ct:1,ct:2 apart' },
      {
        a: [FEW],
        b: [FEW],
        c: ['two or more resources are restricted to less nodes than available to the resources'],
      },
    ],
    ['the same where there are two', { a: 'ct:1,ct:2 on pve1,pve2', c: 'ct:1,ct:2 apart' }, {}],
  ];
  it.each(cases)('%s', (_, texts, wanted) => {
    const found = ruleErrors(rules(texts), NODES);
    expect(Object.fromEntries(Object.entries(found).map(([id, fields]) => [id, fields.resources]))).toEqual(
      wanted,
    );
  });
});

describe('rules in force (PVE::HA::Rules, transform and compile)', () => {
  const sets = (map: ReadonlyMap<string, ReadonlySet<string>>) =>
    Object.fromEntries([...map].map(([sid, others]) => [sid, [...others].sort()]));

  it('make one group of those that overlap, whose members share places and strangers', () => {
    const compiled = compileRules(
      rules({ a: 'ct:1,ct:2 together', b: 'ct:2,ct:3 together', c: 'ct:3,ct:9 apart', d: 'ct:1 only pve2' }),
      NODES,
    );
    expect(sets(compiled.together)).toEqual({
      ...{ 'ct:1': ['ct:2', 'ct:3'], 'ct:2': ['ct:1', 'ct:3'], 'ct:3': ['ct:1', 'ct:2'] },
    });
    expect(sets(compiled.apart)).toEqual({
      ...{ 'ct:1': ['ct:9'], 'ct:2': ['ct:9'], 'ct:3': ['ct:9'], 'ct:9': ['ct:1', 'ct:2', 'ct:3'] },
    });
    expect(compiled.nodes.get('ct:3')).toEqual({ pve2: 0 });
  });

  it('leave out what cannot hold; a rule that is not strict lets all nodes', () => {
    const compiled = compileRules(rules({ a: 'ct:1 apart', b: 'ct:1 on pve2:3' }), NODES);
    expect(sets(compiled.apart)).toEqual({});
    expect(compiled.nodes.get('ct:1')).toEqual({ pve1: -1, pve2: 3, pve3: -1 });
  });

  it('tell who goes along and who is in the way; a guest that is taken out is in none', () => {
    const state = emptyHaState();
    state.rules = rules({ a: 'ct:1,ct:2 together', b: 'ct:2,ct:3 apart' });
    state.nodes = Object.fromEntries(NODES.map((node) => [node, 'online']));
    for (const [sid, node] of [
      ['ct:1', 'pve1'],
      ['ct:2', 'pve1'],
      ['ct:3', 'pve2'],
    ] as const) {
      state.resources[sid] = {};
      state.services[sid] = { state: 'started', node, uid: sid };
    }
    const motion = motionOf(state, 'ct:1');
    expect([motion.comigrated, motion.blocking('pve2'), motion.blocking('pve3')]).toEqual([
      ['ct:2'],
      ['ct:3'],
      [],
    ]);
    forgetInRules(state, 'ct:3');
    forgetInRules(state, 'ct:2');
    expect(state.rules).toEqual({ a: rule('ct:1 together') });
    // The rule that has one guest left holds no longer.
    expect(motionOf(state, 'ct:1').comigrated).toEqual([]);
  });
});
