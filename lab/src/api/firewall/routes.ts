import {
  type FirewallConf,
  type FirewallRule,
  guestFirewall,
  nodeFirewall,
  readFirewall,
} from '../../cluster/firewall.ts';
import { badParameter, failure } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { FIREWALL_ADDRESS_ROUTES } from './addresses.ts';
import { MACROS } from './macros.ts';
import { FIREWALL_RULE_ROUTES, groupOf } from './rules.ts';
import {
  CLUSTER,
  CONTAINER,
  change,
  confOf,
  HOST,
  objectWithDigest,
  requireUnmodified,
  type Scope,
  withDigest,
} from './scope.ts';

/** Options by the scope that has them; those with a number in them, and the others. */
const OPTIONS: Readonly<Record<Scope['env'], { readonly numbers: string; readonly texts: string }>> = {
  cluster: { numbers: 'enable ebtables', texts: 'policy_in policy_out policy_forward log_ratelimit' },
  host: {
    numbers:
      'enable nosmurfs tcpflags ndp log_nf_conntrack nf_conntrack_allow_invalid nf_conntrack_max nftables nf_conntrack_tcp_timeout_established nf_conntrack_tcp_timeout_syn_recv protection_synflood protection_synflood_rate protection_synflood_burst',
    texts:
      'log_level_in log_level_out log_level_forward smurf_log_level tcp_flags_log_level nf_conntrack_helpers',
  },
  ct: {
    numbers: 'enable dhcp ipfilter macfilter ndp radv',
    texts: 'log_level_in log_level_out policy_in policy_out',
  },
};

function shownOptions(scope: Scope, { options }: FirewallConf): Record<string, unknown> {
  const numbers = OPTIONS[scope.env].numbers.split(' ');
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key, numbers.includes(key) ? Number(value) : value]),
  );
}

function optionRoutes(scope: Scope): readonly Route[] {
  const path = `${scope.prefix}/options`;
  const { numbers, texts } = OPTIONS[scope.env];
  const known = `${numbers} ${texts}`.split(' ');
  return [
    {
      ...{ method: 'GET', path, permission: scope.audit },
      handler: (context, params) => objectWithDigest(shownOptions(scope, confOf(scope, context, params))),
    },
    {
      ...{ method: 'PUT', path, permission: scope.modify },
      handler: (context, params) =>
        change(scope, context, params, (conf) => {
          requireUnmodified(params, [shownOptions(scope, conf)]);
          for (const name of params.list('delete')) {
            if (!known.includes(name)) throw badParameter({ delete: `no such option '${name}'` });
            delete conf.options[name];
          }
          for (const name of known) if (params.has(name)) conf.options[name] = params.text(name)!;
          // More than on: until when the change may still be taken back.
          if (scope === CLUSTER && Number(conf.options.enable ?? 0) > 1)
            conf.options.enable = String(Math.floor(Date.now() / 1000));
        }),
    },
  ];
}

/** What rules may name of a file: sets and aliases. */
function refsOf(conf: FirewallConf, type: string | null, scope: string): readonly unknown[] {
  const said = (comment: string | undefined) => (comment ? { comment } : {});
  return [
    ...(type === 'alias' ? [] : Object.keys(conf.ipset)).map((name) => ({
      ...{ type: 'ipset', name, ref: `+${name}`, scope, ...said(conf.comments.ipset[name]) },
    })),
    ...(type === 'ipset' ? [] : Object.entries(conf.aliases)).map(([name, { comment }]) => ({
      ...{ type: 'alias', name, ref: name, scope, ...said(comment) },
    })),
  ];
}

const groupList = ({ groups, comments }: FirewallConf) =>
  Object.keys(groups)
    .sort()
    .map((group) => ({ group, ...(comments.groups[group] ? { comment: comments.groups[group] } : {}) }));

const renamed = (rules: readonly FirewallRule[], from: string, to: string): readonly FirewallRule[] =>
  rules.map((rule) => (rule.type === 'group' && rule.action === from ? { ...rule, action: to } : rule));

function makeGroup({ lab }: RequestContext, params: RouteParams, conf: FirewallConf): void {
  const group = params.need('group');
  const comment = params.text('comment');
  const rename = params.text('rename');
  if (rename === null) {
    if (conf.groups[group]) throw badParameter({ group: `Security group '${group}' already exists` });
    // The file's parser reads names in small letters.
    conf.groups[group.toLowerCase()] = [];
  } else {
    requireUnmodified(params, groupList(conf));
    const rules = conf.groups[rename];
    if (!rules) throw badParameter({ group: `Security group '${rename}' does not exist` });
    if (conf.groups[group] && group !== rename)
      throw badParameter({ group: `Security group '${group}' does already exist` });
    if (group !== rename) {
      conf.groups[group] = rules;
      if (conf.comments.groups[rename]) conf.comments.groups[group] = conf.comments.groups[rename];
      delete conf.groups[rename];
      delete conf.comments.groups[rename];
      conf.rules = renamed(conf.rules, rename, group);
      const others = [
        ...lab.membership.nodes.map(({ name }) => nodeFirewall(name)),
        ...lab.guests.all().map(({ vmid }) => guestFirewall(vmid)),
      ];
      for (const file of others) {
        if (lab.files.read(file) === null) continue;
        const other = readFirewall(lab.files, file);
        lab.files.writeJson(file, { ...other, rules: renamed(other.rules, rename, group) });
      }
    }
  }
  if (comment !== null) conf.comments.groups[group.toLowerCase()] = comment;
}

/** No packet is ever logged. */
const log = (context: RequestContext): unknown => {
  context.total = 1;
  return [{ n: 1, t: 'no content' }];
};

const GROUPS = `${CLUSTER.prefix}/groups`;

/** The firewall's routes but for its folders. What they say is kept; the lab's wires do not follow it. */
export const FIREWALL_ROUTES: readonly Route[] = [
  ...FIREWALL_RULE_ROUTES,
  ...FIREWALL_ADDRESS_ROUTES,
  ...[CLUSTER, HOST, CONTAINER].flatMap(optionRoutes),
  {
    ...{ method: 'GET', path: `${CLUSTER.prefix}/macros`, permission: anyone },
    handler: () => Object.entries(MACROS).map(([macro, [descr]]) => ({ macro, descr })),
  },
  {
    ...{ method: 'GET', path: `${CLUSTER.prefix}/refs`, permission: CLUSTER.audit },
    handler: (context, params) => refsOf(confOf(CLUSTER, context, params), params.text('type'), 'dc'),
  },
  {
    ...{ method: 'GET', path: `${CONTAINER.prefix}/refs`, permission: CONTAINER.audit, isLocal: true },
    handler: (context, params) => [
      ...refsOf(confOf(CLUSTER, context, params), params.text('type'), 'dc'),
      ...refsOf(confOf(CONTAINER, context, params), params.text('type'), 'guest'),
    ],
  },
  {
    ...{ method: 'GET', path: GROUPS, permission: anyone },
    handler: (context, params) => withDigest(groupList(confOf(CLUSTER, context, params))),
  },
  {
    ...{ method: 'POST', path: GROUPS, permission: CLUSTER.modify },
    handler: (context, params) =>
      change(CLUSTER, context, params, (conf) => makeGroup(context, params, conf)),
  },
  {
    ...{ method: 'DELETE', path: `${GROUPS}/{group}`, permission: CLUSTER.modify },
    handler: (context, params) =>
      change(CLUSTER, context, params, (conf) => {
        const group = params.need('group');
        if (groupOf(conf, params).length > 0) throw failure(`Security group '${group}' is not empty`);
        delete conf.groups[group];
        delete conf.comments.groups[group];
      }),
  },
  {
    ...{ method: 'GET', path: `${HOST.prefix}/log`, permission: needs('/nodes/{node}', ['Sys.Syslog']) },
    handler: log,
  },
  {
    ...{ method: 'GET', path: `${CONTAINER.prefix}/log`, permission: needs('/vms/{vmid}', ['VM.Console']) },
    handler: log,
  },
];
