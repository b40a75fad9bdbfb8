import { isIPv6, SocketAddress } from 'node:net';
import {
  CLUSTER_FIREWALL,
  type FirewallAlias,
  type FirewallConf,
  type IpSetEntry,
  readFirewall,
} from '../../cluster/firewall.ts';
import { badParameter, failure } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import type { RequestContext, Route } from '../route.ts';
import { CLUSTER, CONTAINER, change, confOf, requireUnmodified, type Scope, withDigest } from './scope.ts';

const local = (scope: Scope) => (scope === CONTAINER ? { isLocal: true } : {});
const commentOf = (params: RouteParams): { comment?: string } => {
  const comment = params.text('comment');
  return comment === null || comment.trim() === '' || comment === '0' ? {} : { comment };
};

/** As the file's parser reads an address back: no prefix where it is the whole address. */
const bare = (cidr: string): string => cidr.replace(cidr.includes(':') ? /\/128$/ : /\/32$/, '');

/** A network without the bits behind its prefix. */
function clean(cidr: string): string {
  const [ip = '', prefix] = cidr.split('/');
  if (prefix === undefined || prefix === '0') return cidr;
  const isV6 = isIPv6(ip);
  const width = isV6 ? 128 : 32;
  const size = BigInt(width - Number(prefix));
  const number = (toNumber(ip, isV6) >> size) << size;
  return `${toText(number, isV6)}/${prefix}`;
}

function toNumber(ip: string, isV6: boolean): bigint {
  if (!isV6) return ip.split('.').reduce((all, quad) => (all << 8n) + BigInt(quad), 0n);
  const [head = '', tail] = ip.split('::');
  const groups = (text: string) => text.split(':').filter((group) => group !== '');
  const [front, back] = [groups(head), groups(tail ?? '')];
  const middle = new Array<string>(8 - front.length - back.length).fill('0');
  return [...front, ...middle, ...back].reduce((all, group) => (all << 16n) + BigInt(`0x${group}`), 0n);
}

function toText(number: bigint, isV6: boolean): string {
  const [width, count, radix] = isV6 ? [16n, 8, 16] : [8n, 4, 10];
  const parts = Array.from({ length: count }, (_, index) =>
    ((number >> (width * BigInt(count - 1 - index))) & ((1n << width) - 1n)).toString(radix),
  );
  const text = parts.join(isV6 ? ':' : '.');
  // In its short form.
  return isV6 ? new SocketAddress({ address: text, family: 'ipv6' }).address : text;
}

const shownAlias = ({ name, cidr, comment }: FirewallAlias) => ({
  ...{ name, cidr, ipversion: cidr.includes(':') ? 6 : 4 },
  ...(comment === undefined ? {} : { comment }),
});
const aliasList = (conf: FirewallConf) =>
  Object.keys(conf.aliases)
    .sort()
    .map((name) => shownAlias(conf.aliases[name]!));

function aliasRoutes(scope: Scope): readonly Route[] {
  const path = `${scope.prefix}/aliases`;
  const one = `${path}/{name}`;
  const given = (params: RouteParams): FirewallAlias => ({
    ...{ name: params.need('name'), cidr: bare(params.need('cidr')) },
    ...commentOf(params),
  });
  const found = (conf: FirewallConf, params: RouteParams): FirewallAlias => {
    const alias = conf.aliases[params.need('name').toLowerCase()];
    if (!alias) throw badParameter({ name: 'no such alias' });
    return alias;
  };
  return [
    {
      ...{ method: 'GET', path, permission: scope.audit, ...local(scope) },
      handler: (context, params) => withDigest(aliasList(confOf(scope, context, params))),
    },
    {
      ...{ method: 'POST', path, permission: scope.modify, ...local(scope) },
      handler: (context, params) =>
        change(scope, context, params, (conf) => {
          const alias = given(params);
          const key = alias.name.toLowerCase();
          if (conf.aliases[key]) throw badParameter({ name: `alias '${alias.name}' already exists` });
          conf.aliases[key] = alias;
        }),
    },
    {
      ...{ method: 'GET', path: one, permission: scope.audit, ...local(scope) },
      handler: (context, params) => shownAlias(found(confOf(scope, context, params), params)),
    },
    {
      ...{ method: 'PUT', path: one, permission: scope.modify, ...local(scope) },
      handler: (context, params) =>
        change(scope, context, params, (conf) => {
          requireUnmodified(params, aliasList(conf));
          found(conf, params);
          const name = params.need('name').toLowerCase();
          const rename = params.text('rename');
          const key = rename === null ? name : rename.toLowerCase();
          if (key !== name && conf.aliases[key])
            throw badParameter({ name: `alias '${rename}' already exists` });
          delete conf.aliases[name];
          conf.aliases[key] = { ...given(params), ...(key === name ? {} : { name: rename! }) };
        }),
    },
    {
      ...{ method: 'DELETE', path: one, permission: scope.modify, ...local(scope) },
      handler: (context, params) =>
        change(scope, context, params, (conf) => {
          requireUnmodified(params, aliasList(conf));
          delete conf.aliases[params.need('name').toLowerCase()];
        }),
    },
  ];
}

const setList = (conf: FirewallConf) =>
  Object.keys(conf.ipset)
    .sort()
    .map((name) => ({
      name,
      ...(conf.comments.ipset[name] ? { comment: conf.comments.ipset[name] } : {}),
    }));

/** @throws `no such IPSet 'x'` */
function setOf(conf: FirewallConf, params: RouteParams): readonly IpSetEntry[] {
  const set = conf.ipset[params.need('name')];
  if (!set) throw failure(`no such IPSet '${params.need('name')}'`);
  return set;
}

const shownEntry = ({ cidr, nomatch, comment }: IpSetEntry) => ({
  cidr,
  ...(nomatch ? { nomatch: 1 } : {}),
  ...(comment === undefined ? {} : { comment }),
});

function makeSet(conf: FirewallConf, params: RouteParams): void {
  const name = params.need('name');
  const comment = params.text('comment');
  const rename = params.text('rename');
  if (rename === null) {
    if (conf.ipset[name]) throw badParameter({ name: `IPSet '${name}' already exists` });
    conf.ipset[name] = [];
  } else {
    requireUnmodified(params, setList(conf));
    const before = conf.ipset[rename];
    if (!before) throw badParameter({ name: `IPSet '${rename}' does not exist` });
    if (conf.ipset[name] && name !== rename)
      throw badParameter({ name: `IPSet '${name}' does already exist` });
    const said = conf.comments.ipset[rename];
    delete conf.ipset[rename];
    delete conf.comments.ipset[rename];
    conf.ipset[name] = before;
    if (said) conf.comments.ipset[name] = said;
  }
  if (comment !== null) conf.comments.ipset[name] = comment;
}

/** The address of a new entry. @throws for a name that stands for nothing */
function newAddress(scope: Scope, context: RequestContext, conf: FirewallConf, cidr: string): string {
  const [, from = '', name] = /^(dc\/|guest\/)?([A-Za-z][A-Za-z0-9\-_]+)$/.exec(cidr) ?? [];
  if (name === undefined) return bare(clean(cidr));
  const key = name.toLowerCase();
  const cluster = scope === CLUSTER ? conf : readFirewall(context.lab.files, CLUSTER_FIREWALL);
  const isGuests = scope !== CLUSTER && from !== 'dc/' && conf.aliases[key];
  if (!isGuests && !(from !== 'guest/' && cluster.aliases[key])) throw failure(`no such alias '${name}'`);
  return cidr;
}

function setRoutes(scope: Scope): readonly Route[] {
  const path = `${scope.prefix}/ipset`;
  const one = `${path}/{name}`;
  const entry = `${one}/{cidr}`;
  const entries = (conf: FirewallConf, params: RouteParams) => setOf(conf, params).map(shownEntry);
  return [
    {
      ...{ method: 'GET', path, permission: scope.audit, ...local(scope) },
      handler: (context, params) => withDigest(setList(confOf(scope, context, params))),
    },
    {
      ...{ method: 'POST', path, permission: scope.modify, ...local(scope) },
      handler: (context, params) => change(scope, context, params, (conf) => makeSet(conf, params)),
    },
    {
      ...{ method: 'GET', path: one, permission: scope.audit, ...local(scope) },
      handler: (context, params) => withDigest(entries(confOf(scope, context, params), params)),
    },
    {
      ...{ method: 'DELETE', path: one, permission: scope.modify, ...local(scope) },
      handler: (context, params) =>
        change(scope, context, params, (conf) => {
          if (setOf(conf, params).length > 0 && !params.flag('force'))
            throw failure(`IPSet '${params.need('name')}' is not empty`);
          delete conf.ipset[params.need('name')];
          delete conf.comments.ipset[params.need('name')];
        }),
    },
    {
      ...{ method: 'POST', path: one, permission: scope.modify, ...local(scope) },
      handler: (context, params) =>
        change(scope, context, params, (conf) => {
          const set = setOf(conf, params);
          const cidr = newAddress(scope, context, conf, params.need('cidr'));
          if (set.some((known) => known.cidr === cidr))
            throw badParameter({ cidr: `address '${cidr}' already exists` });
          if (/\/0+$/.test(cidr))
            throw badParameter({ cidr: 'a zero prefix is not allowed in ipset entries' });
          const added = { cidr, ...(params.flag('nomatch') ? { nomatch: true } : {}), ...commentOf(params) };
          // The file keeps them in the order of their texts.
          conf.ipset[params.need('name')] = [...set, added].sort((a, b) => (a.cidr < b.cidr ? -1 : 1));
        }),
    },
    {
      ...{ method: 'GET', path: entry, permission: scope.audit, ...local(scope) },
      handler: (context, params) => {
        const all = withDigest(entries(confOf(scope, context, params), params));
        const found = all.find(({ cidr }) => cidr === params.need('cidr'));
        if (!found) throw badParameter({ cidr: 'no such IP/Network' });
        return found;
      },
    },
    {
      ...{ method: 'PUT', path: entry, permission: scope.modify, ...local(scope) },
      handler: (context, params) =>
        change(scope, context, params, (conf) => {
          const set = setOf(conf, params);
          requireUnmodified(params, set.map(shownEntry));
          const at = set.findIndex(({ cidr }) => cidr === params.need('cidr'));
          if (at < 0) throw badParameter({ cidr: 'no such IP/Network' });
          const { cidr } = set[at]!;
          conf.ipset[params.need('name')] = set.with(at, {
            ...{ cidr, ...(params.flag('nomatch') ? { nomatch: true } : {}) },
            ...commentOf(params),
          });
        }),
    },
    {
      ...{ method: 'DELETE', path: entry, permission: scope.modify, ...local(scope) },
      handler: (context, params) =>
        change(scope, context, params, (conf) => {
          const set = setOf(conf, params);
          requireUnmodified(params, set.map(shownEntry));
          conf.ipset[params.need('name')] = set.filter(({ cidr }) => cidr !== params.need('cidr'));
        }),
    },
  ];
}

/** Aliases and sets of addresses, of the cluster and of containers (PVE::API2::Firewall::Aliases, IPSet). */
export const FIREWALL_ADDRESS_ROUTES: readonly Route[] = [CLUSTER, CONTAINER].flatMap((scope) => [
  ...aliasRoutes(scope),
  ...setRoutes(scope),
]);
