import { type AccessData, hashOf, type UserRecord } from '../../cluster/access.ts';
import { readRealms } from '../../cluster/realms.ts';
import { ApiError, badParameter, denied, failure } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import type { Permission } from '../permission.ts';
import { requireUserName } from '../permissions.ts';
import { anyone, type RequestContext, type Route } from '../route.ts';
import { changeAccess, userOf } from './change.ts';
import { shownToken } from './tokens.ts';

const ONE = '/access/users/{userid}';
const READ = ['User.Modify', 'Sys.Audit'];
const TEXTS = ['firstname', 'lastname', 'email', 'comment', 'keys'] as const;

/** A user as Proxmox VE shows it. An empty address is shown when something stands behind it in its file. */
function shownUser(user: UserRecord): Record<string, unknown> {
  const texts = TEXTS.flatMap((key) => (user[key] ? [[key, user[key]] as const] : []));
  const email = user.email ?? (user.comment || user.keys ? '' : undefined);
  return {
    ...{ enable: user.enable ? 1 : 0, expire: user.expire },
    ...(email === undefined ? {} : { email }),
    ...Object.fromEntries(texts),
  };
}

const TYPES: Readonly<Record<string, string>> = { pam: 'pam', pve: 'pve' };

function list(context: RequestContext, params: RouteParams): unknown {
  const { users } = context.lab.access.read();
  const isFull = params.flag('full');
  const maySee = (userid: string, user: UserRecord) =>
    userid === context.caller.id ||
    context.may('/access/groups', READ, true) ||
    user.groups.some((group) => context.may(`/access/groups/${group}`, READ, true));
  return Object.entries(users)
    .filter(([userid, user]) => maySee(userid, user))
    .filter(([, user]) => !params.has('enabled') || user.enable === params.flag('enabled'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([userid, user]) => {
      const type = TYPES[userid.split('@').at(-1) ?? ''];
      const tokens = Object.entries(user.tokens).map(([tokenid, token]) => ({
        tokenid,
        ...shownToken(token),
      }));
      return {
        ...{ userid, ...shownUser(user) },
        ...(type === undefined ? {} : { 'realm-type': type }),
        ...(isFull ? { groups: [...user.groups].sort().join(',') } : {}),
        ...(isFull && tokens.length > 0 ? { tokens } : {}),
      };
    });
}

function read({ lab }: RequestContext, params: RouteParams): unknown {
  const user = userOf(lab.access.read(), params.need('userid'));
  const tokens = Object.entries(user.tokens).map(([name, token]) => [name, shownToken(token)] as const);
  return {
    ...shownUser(user),
    groups: [...user.groups].sort(),
    tokens: tokens.length === 0 ? null : Object.fromEntries(tokens),
  };
}

/** @throws `no such group 'x'` */
function groupsOf(data: AccessData, params: RouteParams): readonly string[] {
  const groups = params.list('groups');
  const missing = groups.find((group) => data.groups[group] === undefined);
  if (missing !== undefined) throw failure(`no such group '${missing}'`);
  return groups;
}

const textsOf = (params: RouteParams) =>
  Object.fromEntries(TEXTS.flatMap((key) => (params.has(key) ? [[key, params.need(key)] as const] : [])));

/** Passwords are kept for users of Proxmox VE's own realm; those of the machine are the lab's affair. */
function passwordOf(userid: string, params: RouteParams): { hash: string } | null {
  const password = params.text('password');
  if (password === null) return null;
  const realm = userid.split('@').at(-1)!;
  if (!TYPES[realm]) throw failure(`auth domain '${realm}' does not exist`);
  return { hash: hashOf(password) };
}

async function create(context: RequestContext, params: RouteParams): Promise<null> {
  const userid = params.need('userid');
  return changeAccess(context, 'create user failed', (data) => {
    if (data.users[userid]) throw failure(`user '${userid}' already exists`);
    const password = passwordOf(userid, params);
    data.users[userid] = {
      ...{ enable: params.flag('enable', true), expire: params.number('expire') ?? 0 },
      ...{ groups: [...groupsOf(data, params)], tokens: {}, ...password, ...textsOf(params) },
    };
    return null;
  });
}

async function update(context: RequestContext, params: RouteParams): Promise<null> {
  const userid = params.need('userid');
  return changeAccess(context, 'update user failed', (data) => {
    const user = userOf(data, userid);
    const groups = params.has('groups') ? groupsOf(data, params) : null;
    data.users[userid] = {
      ...{ ...user, ...textsOf(params), enable: params.flag('enable', user.enable) },
      expire: params.number('expire') ?? user.expire,
      groups:
        groups === null
          ? user.groups
          : [...new Set([...(params.flag('append') ? user.groups : []), ...groups])],
    };
    return null;
  });
}

async function remove(context: RequestContext, params: RouteParams): Promise<null> {
  const userid = params.need('userid');
  return changeAccess(context, 'delete user failed', (data) => {
    delete data.users[userid];
    data.acl = data.acl.filter((rule) => rule.ugid !== userid && !rule.ugid.startsWith(`${userid}!`));
    return null;
  });
}

async function changePassword(context: RequestContext, params: RouteParams): Promise<null> {
  const { lab, caller } = context;
  const userid = requireUserName(params.need('userid'));
  userOf(lab.access.read(), userid);
  const isRoot = caller.id === 'root@pam';
  if (userid === 'root@pam' && !isRoot) throw denied();
  if (!isRoot) {
    const known = params.text('confirmation-password');
    if (known === null)
      throw badParameter({ 'confirmation-password': 'password is required to modify user' });
    if (!lab.access.isPassword(caller.id, known)) throw failure('invalid credentials');
    if (caller.id !== userid && userid.endsWith('@pam')) throw denied();
  }
  const password = passwordOf(userid, params);
  lab.access.update((data) => {
    data.users[userid] = { ...userOf(data, userid), ...password };
  });
  return null;
}

const mayModify: Permission = { check: ['userid-group', ['User.Modify'], 'groups_param', 'update'] };

const maySeeFactors: Permission = { check: ['or', ['userid-param', 'self'], ['userid-group', READ]] };

/** Users, their passwords and second factors, of which nobody has any (PVE::API2::User, change_password of PVE::API2::AccessControl). */
export const USER_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/access/users', permission: anyone, handler: list },
  {
    method: 'POST',
    path: '/access/users',
    permission: {
      check: [
        'and',
        ['userid-param', 'Realm.AllocateUser'],
        ['userid-group', ['User.Modify'], 'groups_param', 'create'],
      ],
    },
    handler: create,
  },
  { method: 'GET', path: ONE, permission: { check: ['userid-group', READ] }, handler: read },
  { method: 'PUT', path: ONE, permission: mayModify, handler: update },
  {
    method: 'DELETE',
    path: ONE,
    permission: {
      check: ['and', ['userid-param', 'Realm.AllocateUser'], ['userid-group', ['User.Modify']]],
    },
    handler: remove,
  },
  { method: 'GET', path: '/access/tfa/{userid}', permission: maySeeFactors, handler: () => [] },
  {
    method: 'GET',
    path: '/access/tfa/{userid}/{id}',
    permission: maySeeFactors,
    handler: (_, params) => {
      throw new ApiError(404, `No such tfa entry '${params.need('id')}'`);
    },
  },
  {
    method: 'GET',
    path: `${ONE}/tfa`,
    permission: maySeeFactors,
    handler: ({ lab }, params) => {
      const realm = params.need('userid').split('@').at(-1) ?? '';
      if (!readRealms(lab.files)[realm]) throw failure(`auth domain '${realm}' does not exist`);
      return params.flag('multiple') ? { user: [] } : {};
    },
  },
  {
    method: 'PUT',
    path: '/access/password',
    noToken: true,
    permission: {
      check: [
        'or',
        ['userid-param', 'self'],
        ['and', ['userid-param', 'Realm.AllocateUser'], ['userid-group', ['User.Modify']]],
      ],
    },
    handler: changePassword,
  },
];
