import { addressList, ICMP_TYPES, portsError, protocolError } from '@psa/proxmox/schema/firewall-formats';
import {
  CLUSTER_FIREWALL,
  type FirewallConf,
  type FirewallRule,
  readFirewall,
} from '../../cluster/firewall.ts';
import { badParameter, failure } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import type { RequestContext, Route } from '../route.ts';
import { macroConflict, macroNamed } from './macros.ts';
import {
  CLUSTER,
  CONTAINER,
  change,
  confOf,
  HOST,
  requireUnmodified,
  type Scope,
  withDigest,
} from './scope.ts';

/** What may stand in a rule, in the order of its line. */
const FIELDS = [
  ...['enable', 'type', 'action', 'macro', 'iface', 'source', 'dest', 'proto', 'dport', 'sport', 'log'],
  ...['icmp-type', 'comment'],
] as const;
/** What a reference to a group keeps. */
const OF_GROUPS: ReadonlySet<string> = new Set(['enable', 'type', 'action', 'iface', 'comment']);
const DIRECTIONS: Readonly<Record<string, readonly string[]>> = {
  ct: ['in', 'out', 'group'],
  group: ['in', 'out', 'forward'],
  cluster: ['in', 'out', 'forward', 'group'],
  host: ['in', 'out', 'forward', 'group'],
};
const GROUP_NAME = /^[A-Za-z][A-Za-z0-9\-_]+$/;
const WITH_PORTS = /^(?:udp|17|udplite|136|tcp|6|dccp|33|sctp|132)$/;
const IS_ICMP = /^(?:icmp|icmpv6|ipv6-icmp)$/;

/** Where a list of rules stands: in a file of its own, or in a group of the cluster's. */
interface List {
  readonly scope: Scope;
  readonly path: string;
  readonly env: string;
  readonly read: (conf: FirewallConf, params: RouteParams) => readonly FirewallRule[];
  readonly write: (conf: FirewallConf, params: RouteParams, rules: readonly FirewallRule[]) => void;
}

const own = (scope: Scope): List => ({
  ...{ scope, path: `${scope.prefix}/rules`, env: scope.env },
  read: (conf) => conf.rules,
  write: (conf, _, rules) => {
    conf.rules = rules;
  },
});

export const groupOf = (conf: FirewallConf, params: RouteParams): readonly FirewallRule[] => {
  const rules = conf.groups[params.need('group')];
  if (!rules) throw failure(`no such security group '${params.need('group')}'`);
  return rules;
};

const LISTS: readonly List[] = [
  own(CLUSTER),
  own(HOST),
  own(CONTAINER),
  {
    ...{ scope: CLUSTER, path: `${CLUSTER.prefix}/groups/{group}`, env: 'group' },
    read: groupOf,
    write: (conf, params, rules) => {
      conf.groups[params.need('group')] = rules;
    },
  },
];

interface Around {
  readonly env: string;
  /** The file in which the rule stands, and the cluster's. */
  readonly conf: FirewallConf;
  readonly cluster: FirewallConf;
}

/** The version of the addresses in a rule. @throws the first thing that is wrong (PVE::Firewall, verify_rule) */
function verify(rule: FirewallRule, { env, conf, cluster }: Around): 4 | 6 | null {
  const bad = (field: string, message: string) => badParameter({ [field]: message.trimEnd() });
  const { type, action, proto = '', dport, sport } = rule;
  if (!type) throw bad('type', 'missing property');
  if (!action) throw bad('action', 'missing property');
  if (!DIRECTIONS[env]!.includes(type))
    throw bad('type', `invalid rule type '${type}' for rule_env '${env}'`);
  if (type === 'group') {
    if (!GROUP_NAME.test(action)) throw bad('action', 'invalid characters in security group name');
  } else {
    if (type === 'forward' && action === 'REJECT')
      throw bad('action', 'cannot define REJECT rules on forward chain');
    if (!/^(?:ACCEPT|DROP|REJECT)$/.test(action)) throw bad('action', `unknown action '${action}'`);
  }
  if (rule.iface) {
    if (env === 'group') throw bad('type', 'parameter -i not allowed for this rule type');
    if (env === 'ct' && !/^net\d+$/.test(rule.iface))
      throw bad('iface', "value does not match the regex pattern 'net\\d+'");
  }
  if (rule.macro) {
    const name = macroNamed(rule.macro);
    if (name === null) throw bad('macro', `unknown macro '${rule.macro}'`);
    rule.macro = name;
  }
  let version: 4 | 6 | null = null;
  const isIcmp = IS_ICMP.test(proto);
  if (proto) {
    const wrong = protocolError(proto);
    if (wrong !== null) throw bad('proto', wrong);
    if (isIcmp) version = proto === 'icmp' ? 4 : 6;
  }
  const requirePorts = (field: 'dport' | 'sport', ports: string, mayBeIcmp: boolean) => {
    const wrong = portsError(ports, mayBeIcmp);
    if (wrong !== null) throw bad(field, wrong);
    if (!proto) throw bad('proto', `missing property - '${field}' requires this property`);
    if (!WITH_PORTS.test(proto) && !mayBeIcmp) throw bad(field, `protocol '${proto}' does not support ports`);
  };
  if (dport) requirePorts('dport', dport, isIcmp);
  const icmp = rule['icmp-type'];
  if (icmp) {
    if (!isIcmp) throw bad('proto', "missing property - 'icmp-type' requires this property");
    if (dport) throw bad('icmp-type', "'icmp-type' cannot be specified together with 'dport'");
    if (!ICMP_TYPES[proto === 'icmp' ? 4 : 6].has(icmp))
      throw bad('icmp-type', `invalid icmp-type '${icmp}' for proto '${proto}'`);
  }
  if (sport) requirePorts('sport', sport, false);
  for (const field of ['source', 'dest'] as const) {
    const text = rule[field];
    if (!text) continue;
    const found = addressList(text);
    if (typeof found === 'string') throw bad(field, found);
    const named = found.version ?? versionOf(field, text);
    if (named !== null && version !== null && named !== version)
      throw bad(field, 'detected mixed ipv4/ipv6 addresses in rule');
    version = named ?? version;
  }
  if (rule.macro) {
    const conflict = macroConflict(rule.macro, rule, version);
    if (conflict) throw bad(...conflict);
  }
  return version;

  /** What a name stands for: an alias has a version, a set has none. */
  function versionOf(field: string, text: string): 4 | 6 | null {
    if (text.startsWith('+')) {
      const [, name] = /^\+(?:guest\/|dc\/|sdn\/)?([A-Za-z][A-Za-z0-9\-_]+)$/.exec(text) ?? [];
      if (name === undefined) throw bad(field, `invalid ipset name '${text}'`);
      if (!cluster.ipset[name] && !conf.ipset[name]) throw bad(field, `no such ipset '${name}'`);
      return null;
    }
    const [, scope = '', given = ''] = /^(guest\/|dc\/)?(.*)$/.exec(text) ?? [];
    const name = given.toLowerCase();
    if (!cluster.aliases[name] && !conf.aliases[name]) throw bad(field, `no such alias '${text}'`);
    const alias =
      (scope === 'dc/' ? undefined : conf.aliases[name]) ??
      (scope === 'guest/' ? undefined : cluster.aliases[name]);
    return alias === undefined ? null : alias.cidr.includes(':') ? 6 : 4;
  }
}

const around = (list: List, context: RequestContext, conf: FirewallConf): Around => ({
  ...{ env: list.env, conf },
  cluster: list.scope === CLUSTER ? conf : readFirewall(context.lab.files, CLUSTER_FIREWALL),
});

/** A rule as it reads back from the file. */
function shown(rule: FirewallRule, where: Around): Record<string, unknown> {
  let version: 4 | 6 | null = null;
  let errors: unknown;
  try {
    version = verify({ ...rule }, where);
  } catch (error) {
    // What it names may be gone since.
    errors = (error as { errors?: unknown }).errors;
  }
  return {
    ...rule,
    enable: rule.enable === '0' ? 0 : 1,
    ...(version === null ? {} : { ipversion: version }),
    ...(errors === undefined ? {} : { errors }),
  };
}

/** What a request says of a rule; an empty value, or `-`, takes a field away. */
function merge(rule: FirewallRule, params: RouteParams): FirewallRule {
  const merged = { ...rule };
  for (const field of FIELDS) {
    const value = params.text(field);
    if (value === null) continue;
    if (value === '' || value === '-') delete merged[field];
    else merged[field] = value;
  }
  return merged;
}

/** What the file keeps of a rule. */
function kept(rule: FirewallRule): FirewallRule {
  const fields = FIELDS.filter((field) => rule[field] && (rule.type !== 'group' || OF_GROUPS.has(field)));
  return Object.fromEntries(
    fields
      .filter((field) => field !== 'comment' || rule.comment!.trim() !== '')
      .map((field) => [field, field === 'enable' && rule[field] !== '0' ? '1' : rule[field]!]),
  );
}

function requirePosition(rules: readonly unknown[], params: RouteParams): number {
  const pos = params.int('pos');
  if (pos >= rules.length) throw failure(`no rule at position ${pos}`);
  return pos;
}

function without(rule: FirewallRule, names: readonly string[]): FirewallRule {
  const left = { ...rule };
  for (const name of names) {
    if (![...FIELDS, 'pos', 'digest'].includes(name as never))
      throw badParameter({ delete: `no such property ('${name}')` });
    if (name === 'type' || name === 'action')
      throw badParameter({ delete: `unable to delete required property '${name}'` });
    delete left[name];
  }
  return left;
}

/** All rules but the one, and it before the one that stands at `to`. */
function moved(rules: readonly FirewallRule[], from: number, to: number): readonly FirewallRule[] {
  const rule = rules[from]!;
  const placed = rules.flatMap((one, index) => (index === from ? [] : index === to ? [rule, one] : [one]));
  return to >= rules.length ? [...placed, rule] : placed;
}

function routesOf(list: List): readonly Route[] {
  const { scope, path } = list;
  const local = scope.env === 'ct' ? { isLocal: true } : {};
  const all = (context: RequestContext, conf: FirewallConf, params: RouteParams) =>
    list.read(conf, params).map((rule) => shown(rule, around(list, context, conf)));
  const read = (context: RequestContext, params: RouteParams) =>
    withDigest(all(context, confOf(scope, context, params), params)).map((rule, pos) => ({ ...rule, pos }));
  /** The rules and the place of the one that is meant. @throws when they are not those that the caller has seen */
  const find = (context: RequestContext, conf: FirewallConf, params: RouteParams) => {
    const rules = list.read(conf, params);
    requireUnmodified(params, all(context, conf, params));
    return { rules, pos: requirePosition(rules, params) };
  };
  return [
    { method: 'GET', path, permission: scope.audit, ...local, handler: read },
    {
      ...{ method: 'POST', path, permission: scope.modify, ...local },
      handler: (context, params) =>
        change(scope, context, params, (conf) => {
          const before = list.read(conf, params);
          const rule = merge({}, params);
          verify(rule, around(list, context, conf));
          if (!params.has('enable')) rule.enable = '0';
          list.write(conf, params, [kept(rule), ...before]);
        }),
    },
    {
      ...{ method: 'GET', path: `${path}/{pos}`, permission: scope.audit, ...local },
      handler: (context, params) => {
        const rules = read(context, params);
        return rules[requirePosition(rules, params)];
      },
    },
    {
      ...{ method: 'PUT', path: `${path}/{pos}`, permission: scope.modify, ...local },
      handler: (context, params) =>
        change(scope, context, params, (conf) => {
          const { rules, pos } = find(context, conf, params);
          const to = params.number('moveto');
          if (to !== null && to !== pos) return list.write(conf, params, moved(rules, pos, to));
          const rule = without(merge(rules[pos]!, params), params.list('delete'));
          verify(rule, around(list, context, conf));
          list.write(conf, params, rules.with(pos, kept(rule)));
        }),
    },
    {
      ...{ method: 'DELETE', path: `${path}/{pos}`, permission: scope.modify, ...local },
      handler: (context, params) =>
        change(scope, context, params, (conf) => {
          const { rules, pos } = find(context, conf, params);
          list.write(conf, params, rules.toSpliced(pos, 1));
        }),
    },
  ];
}

/** Rules of the cluster, of nodes, of containers and of groups (PVE::API2::Firewall::Rules). */
export const FIREWALL_RULE_ROUTES: readonly Route[] = LISTS.flatMap(routesOf);
