import { type AccessData, hashOf, type TokenRecord, type UserRecord } from '../../cluster/access.ts';
import { BUILT_IN_ROLES, PRIVILEGES } from '../../cluster/privileges.ts';
import { badParameter, denied, failure } from '../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type Permission, type RequestContext, type Route } from '../route.ts';

const TOKEN = '/access/users/{userid}/token/{tokenid}';

/** Oneself, or who may change users. */
const selfOrAdmin: Permission = (context, params) => {
  const userid = params.text('userid') ?? '';
  if (context.caller.userid === userid) return;
  if (!context.may('/access/groups', ['User.Modify'])) throw denied(`/access/groups, User.Modify`);
};

async function change<T>({ lab, entry }: RequestContext, work: (data: AccessData) => T): Promise<T> {
  if (!lab.membership.isQuorate(entry)) throw failure("cfs-lock 'file-user_cfg' error: no quorum!");
  return lab.locks.cluster('file-user_cfg', () => lab.access.update(work));
}

function userOf(data: AccessData, userid: string): UserRecord {
  const user = data.users[userid];
  if (!user) throw failure(`no such user ('${userid}')`);
  return user;
}

const shownToken = ({ privsep, expire, comment }: TokenRecord) => ({
  ...{ privsep: privsep ? 1 : 0, expire },
  ...(comment === undefined ? {} : { comment }),
});

const shownUser = (userid: string, user: UserRecord) => ({
  ...{ userid, enable: user.enable ? 1 : 0, expire: user.expire, 'realm-type': userid.split('@')[1] },
  ...(user.comment === undefined ? {} : { comment: user.comment }),
});

function listUsers(context: RequestContext): unknown {
  const { users } = context.lab.access.read();
  const all = context.may('/access/groups', ['User.Modify'], true) || context.may('/', ['Sys.Audit']);
  return Object.entries(users)
    .filter(([userid]) => all || userid === context.caller.userid)
    .map(([userid, user]) => shownUser(userid, user));
}

async function addUser(context: RequestContext, params: RouteParams): Promise<null> {
  const userid = params.need('userid');
  return change(context, (data) => {
    if (data.users[userid]) throw failure(`create user failed: user '${userid}' already exists`);
    const password = params.text('password');
    const comment = params.text('comment');
    data.users[userid] = {
      ...{ enable: params.flag('enable', true), expire: params.number('expire') ?? 0 },
      ...{ groups: [...params.list('groups')], tokens: {} },
      ...(password === null ? {} : { hash: hashOf(password) }),
      ...(comment === null ? {} : { comment }),
    };
    return null;
  });
}

async function removeUser(context: RequestContext, params: RouteParams): Promise<null> {
  const userid = params.need('userid');
  return change(context, (data) => {
    userOf(data, userid);
    delete data.users[userid];
    data.acl = data.acl.filter((rule) => rule.ugid !== userid && !rule.ugid.startsWith(`${userid}!`));
    return null;
  });
}

async function addToken(context: RequestContext, params: RouteParams): Promise<unknown> {
  const { lab } = context;
  const userid = params.need('userid');
  const name = params.need('tokenid');
  const user = userOf(lab.access.read(), userid);
  if (user.tokens[name]) throw badParameter({ tokenid: 'Token already exists.' });
  const privsep = params.flag('privsep', true);
  const secret = await change(context, () => null).then(() => lab.access.addToken(userid, name, { privsep }));
  return { 'full-tokenid': `${userid}!${name}`, info: { privsep: privsep ? '1' : '0' }, value: secret };
}

async function removeToken(context: RequestContext, params: RouteParams): Promise<null> {
  const [userid, name] = [params.need('userid'), params.need('tokenid')];
  return change(context, (data) => {
    const user = userOf(data, userid);
    if (!user.tokens[name]) throw failure(`no such token '${name}' for user '${userid}'`);
    delete user.tokens[name];
    data.acl = data.acl.filter((rule) => rule.ugid !== `${userid}!${name}`);
    return null;
  });
}

async function changeAcl(context: RequestContext, params: RouteParams): Promise<null> {
  const { lab } = context;
  const path = params.need('path').replace(/(.)\/+$/, '$1');
  const propagate = params.flag('propagate', true);
  return change(context, (data) => {
    const holders = [
      ...params.list('users').map((ugid) => ({ type: 'user' as const, ugid })),
      ...params.list('tokens').map((ugid) => ({ type: 'token' as const, ugid })),
      ...params.list('groups').map((ugid) => ({ type: 'group' as const, ugid })),
    ];
    for (const roleid of params.list('roles')) {
      if (lab.access.role(data, roleid) === null) throw failure(`role '${roleid}' does not exist`);
      for (const { type, ugid } of holders) {
        const [userid = '', token] = ugid.split('!');
        if (type !== 'group' && !data.users[userid]) throw failure(`user '${userid}' does not exist`);
        if (token !== undefined && !data.users[userid]?.tokens[token])
          throw failure(`no such token '${token}' for user '${userid}'`);
        data.acl = data.acl.filter(
          (rule) => !(rule.path === path && rule.ugid === ugid && rule.roleid === roleid),
        );
        if (!params.flag('delete')) data.acl.push({ path, type, ugid, roleid, propagate });
      }
    }
    return null;
  });
}

function listAcl(context: RequestContext): unknown {
  const all = context.may('/access', ['Sys.Audit']) || context.may('/', ['Sys.Audit']);
  return context.lab.access
    .read()
    .acl.filter((rule) => all || context.may(rule.path, ['Permissions.Modify']))
    .map((rule) => ({ ...rule, propagate: rule.propagate ? 1 : 0 }));
}

async function setRole(context: RequestContext, params: RouteParams): Promise<null> {
  const roleid = params.need('roleid');
  const rights = params.list('privs');
  const unknown = rights.find((right) => !(PRIVILEGES as readonly string[]).includes(right));
  if (unknown !== undefined)
    throw badParameter({ privs: `invalid format - invalid privilege '${unknown}'\n` });
  if (BUILT_IN_ROLES[roleid]) throw failure(`auto-generated role '${roleid}' cannot be modified`);
  return change(context, (data) => {
    data.roles[roleid] = params.flag('append')
      ? [...new Set([...(data.roles[roleid] ?? []), ...rights])]
      : rights;
    return null;
  });
}

async function removeRole(context: RequestContext, params: RouteParams): Promise<null> {
  const roleid = params.need('roleid');
  return change(context, (data) => {
    if (!data.roles[roleid]) throw failure(`role '${roleid}' does not exist`);
    delete data.roles[roleid];
    data.acl = data.acl.filter((rule) => rule.roleid !== roleid);
    return null;
  });
}

function listRoles({ lab }: RequestContext): unknown {
  const show = (roleid: string, rights: readonly string[], special: boolean) => ({
    ...{ roleid, privs: [...rights].sort().join(','), special: special ? 1 : 0 },
  });
  return [
    ...Object.entries(BUILT_IN_ROLES).map(([roleid, rights]) => show(roleid, rights, true)),
    ...Object.entries(lab.access.read().roles).map(([roleid, rights]) => show(roleid, rights, false)),
  ];
}

const modifyUsers = needs('/access/groups', ['User.Modify']);
const modifyRoles = needs('/access', ['Sys.Modify']);

/** Users, their tokens, roles and rules. */
export const USER_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/access/users', permission: anyone, handler: listUsers },
  { method: 'POST', path: '/access/users', permission: modifyUsers, handler: addUser },
  {
    method: 'GET',
    path: '/access/users/{userid}',
    permission: selfOrAdmin,
    handler: ({ lab }, params) => {
      const user = userOf(lab.access.read(), params.need('userid'));
      const tokens = Object.fromEntries(
        Object.entries(user.tokens).map(([name, token]) => [name, shownToken(token)]),
      );
      const { userid: _, 'realm-type': __, ...shown } = shownUser(params.need('userid'), user);
      return { ...shown, groups: user.groups, tokens };
    },
  },
  { method: 'DELETE', path: '/access/users/{userid}', permission: modifyUsers, handler: removeUser },
  {
    method: 'GET',
    path: '/access/users/{userid}/token',
    permission: selfOrAdmin,
    handler: ({ lab }, params) =>
      Object.entries(userOf(lab.access.read(), params.need('userid')).tokens).map(([tokenid, token]) => ({
        tokenid,
        ...shownToken(token),
      })),
  },
  {
    method: 'GET',
    path: TOKEN,
    permission: selfOrAdmin,
    handler: ({ lab }, params) => {
      const token = userOf(lab.access.read(), params.need('userid')).tokens[params.need('tokenid')];
      if (!token)
        throw failure(`no such token '${params.need('tokenid')}' for user '${params.need('userid')}'`);
      return shownToken(token);
    },
  },
  { method: 'POST', path: TOKEN, permission: selfOrAdmin, handler: addToken },
  { method: 'DELETE', path: TOKEN, permission: selfOrAdmin, handler: removeToken },
  { method: 'GET', path: '/access/acl', permission: anyone, handler: listAcl },
  {
    method: 'PUT',
    path: '/access/acl',
    permission: (context, params) => context.check(params.need('path'), ['Permissions.Modify']),
    handler: changeAcl,
  },
  { method: 'GET', path: '/access/roles', permission: anyone, handler: listRoles },
  { method: 'POST', path: '/access/roles', permission: modifyRoles, handler: setRole },
  {
    method: 'GET',
    path: '/access/roles/{roleid}',
    permission: anyone,
    handler: ({ lab }, params) => {
      const rights = lab.access.role(lab.access.read(), params.need('roleid'));
      if (!rights) throw failure(`role '${params.need('roleid')}' does not exist`);
      return Object.fromEntries(rights.map((right) => [right, 1]));
    },
  },
  { method: 'PUT', path: '/access/roles/{roleid}', permission: modifyRoles, handler: setRole },
  { method: 'DELETE', path: '/access/roles/{roleid}', permission: modifyRoles, handler: removeRole },
];
