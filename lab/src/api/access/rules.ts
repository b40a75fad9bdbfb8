import type { AccessData, AclRule } from '../../cluster/access.ts';
import { isRulePath, normalPath } from '../../cluster/acl-paths.ts';
import { BUILT_IN_ROLES, PRIVILEGES } from '../../cluster/privileges.ts';
import { badParameter, failure } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import { mayModify } from '../permissions.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { changeAccess, tokenOf } from './change.ts';

const ROLE = '/access/roles/{roleid}';

function listRules(context: RequestContext): unknown {
  const all = context.may('/access', ['Sys.Audit']);
  return context.lab.access
    .read()
    .acl.filter((rule) => all || mayModify(context, rule.path, true))
    .map((rule) => ({ ...rule, propagate: rule.propagate ? 1 : 0 }));
}

async function changeRules(context: RequestContext, params: RouteParams): Promise<null> {
  const { access } = context.lab;
  const holders = ['users', 'groups', 'tokens'] as const;
  if (!holders.some((key) => params.text(key)))
    throw badParameter(
      Object.fromEntries(holders.map((key) => [key, "either 'users', 'groups' or 'tokens' is required."])),
    );
  const given = params.need('path');
  const path = normalPath(given);
  const isDelete = params.flag('delete');
  if (path === null || !(isDelete || isRulePath(path)))
    throw badParameter({ path: `invalid ACL path '${given}'` });
  const propagate = params.flag('propagate', true);
  const own = access.rights(context.caller.id, path);
  return changeAccess(context, 'ACL update failed', (data) => {
    for (const roleid of params.list('roles')) {
      const rights = access.role(data, roleid);
      if (rights === null) throw failure(`role '${roleid}' does not exist`);
      if (!own.has('Permissions.Modify')) requireOwn(own, roleid, rights, isDelete, propagate);
      for (const { type, ugid } of holdersOf(data, params)) {
        data.acl = data.acl.filter(
          (rule) =>
            !(rule.path === path && rule.ugid === ugid && rule.roleid === roleid && rule.type === type),
        );
        if (!isDelete) data.acl.push({ path, type, ugid, roleid, propagate });
      }
    }
    return null;
  });
}

/** Who may change rules by the right on the thing alone hands out no more than it has. @throws 400 */
function requireOwn(
  own: ReadonlyMap<string, boolean>,
  roleid: string,
  rights: readonly string[],
  isDelete: boolean,
  propagate: boolean,
): void {
  const verb = isDelete ? 'remove' : 'add';
  const refuse = (rest: string) => badParameter({ role: `Cannot ${verb} role '${roleid}'${rest}` });
  for (const right of rights) {
    if (!own.has(right)) throw refuse(" - requires 'Permissions.Modify' or superset of privileges.");
    if (propagate && own.get(right) !== true && !isDelete)
      throw refuse(" with propagation - requires 'Permissions.Modify' or propagated superset of privileges.");
  }
  if (roleid === 'NoAccess') throw refuse(" - requires 'Permissions.Modify'");
}

function holdersOf(data: AccessData, params: RouteParams): readonly Pick<AclRule, 'type' | 'ugid'>[] {
  const groups = params.list('groups').map((ugid) => {
    if (data.groups[ugid] === undefined) throw failure(`group '${ugid}' does not exist`);
    return { type: 'group' as const, ugid };
  });
  const users = params.list('users').map((ugid) => {
    if (!data.users[ugid]) throw failure(`user '${ugid}' does not exist`);
    return { type: 'user' as const, ugid };
  });
  const tokens = params.list('tokens').map((ugid) => {
    const [userid = '', name = ''] = ugid.split('!');
    tokenOf(data, userid, name);
    return { type: 'token' as const, ugid };
  });
  return [...groups, ...users, ...tokens];
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

/** @throws 400 for a privilege that Proxmox VE does not have */
function privilegesOf(params: RouteParams): readonly string[] {
  const rights = params.list('privs');
  const unknown = rights.find((right) => !PRIVILEGES.includes(right));
  if (unknown !== undefined)
    throw badParameter({ privs: `invalid format - invalid privilege '${unknown}'\n` });
  return [...new Set(rights)];
}

async function createRole(context: RequestContext, params: RouteParams): Promise<null> {
  const roleid = params.need('roleid');
  const rights = privilegesOf(params);
  if (/^PVE/i.test(roleid))
    throw badParameter({
      roleid: "cannot use role ID starting with the (case-insensitive) 'PVE' namespace",
    });
  return changeAccess(context, 'create role failed', (data) => {
    if (context.lab.access.role(data, roleid) !== null) throw failure(`role '${roleid}' already exists`);
    data.roles[roleid] = rights;
    return null;
  });
}

async function updateRole(context: RequestContext, params: RouteParams): Promise<null> {
  const roleid = params.need('roleid');
  const rights = privilegesOf(params);
  if (BUILT_IN_ROLES[roleid]) throw failure(`auto-generated role '${roleid}' cannot be modified`);
  return changeAccess(context, 'update role failed', (data) => {
    const before = data.roles[roleid];
    if (!before) throw failure(`role '${roleid}' does not exist`);
    data.roles[roleid] = params.flag('append') ? [...new Set([...before, ...rights])] : rights;
    return null;
  });
}

async function removeRole(context: RequestContext, params: RouteParams): Promise<null> {
  const roleid = params.need('roleid');
  if (BUILT_IN_ROLES[roleid]) throw failure(`auto-generated role '${roleid}' cannot be deleted`);
  return changeAccess(context, 'delete role failed', (data) => {
    if (!data.roles[roleid]) throw failure(`role '${roleid}' does not exist`);
    delete data.roles[roleid];
    data.acl = data.acl.filter((rule) => rule.roleid !== roleid);
    return null;
  });
}

const modifyRoles = needs('/access', ['Sys.Modify']);

/** Roles, and who has them where (PVE::API2::Role, PVE::API2::ACL). */
export const RULE_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/access/acl', permission: anyone, handler: listRules },
  {
    method: 'PUT',
    path: '/access/acl',
    permission: { check: ['perm-modify', '{path}'] },
    handler: changeRules,
  },
  { method: 'GET', path: '/access/roles', permission: anyone, handler: listRoles },
  { method: 'POST', path: '/access/roles', permission: modifyRoles, handler: createRole },
  {
    method: 'GET',
    path: ROLE,
    permission: anyone,
    handler: ({ lab }, params) => {
      const rights = lab.access.role(lab.access.read(), params.need('roleid'));
      if (!rights) throw failure(`role '${params.need('roleid')}' does not exist`);
      return Object.fromEntries(rights.map((right) => [right, 1]));
    },
  },
  { method: 'PUT', path: ROLE, permission: modifyRoles, handler: updateRole },
  { method: 'DELETE', path: ROLE, permission: modifyRoles, handler: removeRole },
];
