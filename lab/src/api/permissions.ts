import type { AccessData } from '../cluster/access.ts';
import { normalPath } from '../cluster/acl-paths.ts';
import { denied, failure } from '../errors.ts';
import type { RouteParams } from './params.ts';
import type { Check, Permission } from './permission.ts';
import type { RequestContext } from './route.ts';

type Options = readonly (string | number)[];
const optionOf = (options: Options, name: string): string | number | undefined => {
  const at = options.indexOf(name);
  return at < 0 ? undefined : options[at + 1];
};

/** Decides on a request (PVE::RPCEnvironment, check_api2_permissions). @throws 403; 500 for a user that is not there */
export function requirePermission(
  context: RequestContext,
  permission: Permission,
  params: RouteParams,
): void {
  if (context.caller.id === 'root@pam') return;
  if (permission === null) throw denied('user != root@pam');
  if ('user' in permission) return;
  run(context, permission.check, params, false);
}

const partsOf = ([, ...parts]: readonly ['and' | 'or', Check, Check, Check?]): readonly Check[] =>
  parts.filter((one) => one !== undefined);

/** @returns whether it is allowed @throws when it is not, unless `quiet` */
function run(context: RequestContext, check: Check, params: RouteParams, quiet: boolean): boolean {
  switch (check[0]) {
    case 'and':
      for (const one of partsOf(check)) run(context, one, params, false);
      return true;
    case 'or':
      if (partsOf(check).some((one) => run(context, one, params, true))) return true;
      return refuse(quiet);
    case 'perm':
      return perm(context, check, params, quiet);
    case 'userid-group':
      return useridGroup(context, check[1], check.slice(2) as Options, params, quiet);
    case 'userid-param':
      return useridParam(context, check[1], params, quiet);
    case 'perm-modify': {
      const path = normalPath(filled(check[1], params));
      // A path that is none is the handler's affair.
      return path !== null && mayModify(context, path, quiet);
    }
    default:
      return check satisfies never;
  }
}

function perm(
  context: RequestContext,
  [, template, privileges, ...options]: readonly ['perm', string, readonly string[], ...Options],
  params: RouteParams,
  quiet: boolean,
): boolean {
  const needed = optionOf(options, 'require_param');
  if (needed !== undefined && !params.has(String(needed))) return refuse(quiet);
  const path = normalPath(filled(template, params));
  // What can be no path gives no rights to anyone.
  if (path === null) {
    if (quiet) return false;
    throw denied(`, ${privileges.join('|')}`);
  }
  const any = Number(optionOf(options, 'any') ?? 0) === 1;
  if (quiet) return context.may(path, privileges, any);
  context.check(path, privileges, any);
  return true;
}

/** Rights on groups: on all of them, or on those that the user is in or comes into. */
function useridGroup(
  context: RequestContext,
  privileges: readonly string[],
  options: Options,
  params: RouteParams,
  quiet: boolean,
): boolean {
  const data = context.lab.access.read();
  const userid = params.text('userid') ?? '';
  const mode = optionOf(options, 'groups_param');
  if (mode !== 'create' && !userExists(data, userid, quiet)) return false;
  if (context.may('/access/groups', privileges, true)) return true;
  const mayGroup = (group: string) => context.may(`/access/groups/${group}`, privileges, true);
  if (mode !== undefined) {
    const groups = params.list('groups');
    if (groups.length === 0) throw denied(`/access/groups, ${privileges.join('|')}`);
    for (const group of groups)
      if (data.groups[group] === undefined || !mayGroup(group))
        throw denied(`/access/groups/${group}, ${privileges.join('|')}`);
  }
  if (mode !== 'create' && !data.users[userid]?.groups.some(mayGroup)) return refuse(quiet);
  return true;
}

function useridParam(
  context: RequestContext,
  what: 'self' | 'Realm.AllocateUser',
  params: RouteParams,
  quiet: boolean,
): boolean {
  const userid = requireUserName(params.text('userid') ?? '');
  if (what === 'self') {
    if (!userExists(context.lab.access.read(), userid, quiet)) return false;
    // A token is not its user.
    return context.caller.id === userid || refuse(quiet);
  }
  const path = `/access/realm/${userid.slice(userid.lastIndexOf('@') + 1)}`;
  if (quiet) return context.may(path, [what]);
  context.check(path, [what]);
  return true;
}

function userExists(data: AccessData, userid: string, quiet: boolean): boolean {
  if (data.users[userid] !== undefined) return true;
  if (quiet) return false;
  throw failure(`no such user ('${requireUserName(userid)}')`);
}

/** @throws what Proxmox VE says of a name that is none */
export function requireUserName(text: string): string {
  if (text.length < 3) throw failure(`user name '${text}' is too short`);
  if (text.length > 64) throw failure(`user name '${text}' is too long (${text.length} > 64)`);
  if (!/^[^\s:/]+@[A-Za-z][A-Za-z0-9._-]+$/.test(text))
    throw failure(`value '${text}' does not look like a valid user name`);
  return text;
}

/** Whether the caller may hand out rights on a path: guests, storages and pools by their own right, too. */
export function mayModify(context: RequestContext, path: string, quiet: boolean): boolean {
  const [, kind] = /^\/(storage|vms|pool)\/.+$/.exec(path) ?? [];
  const own = kind === undefined ? undefined : OWN_RIGHTS[kind];
  const rights = ['Permissions.Modify', ...(own === undefined ? [] : [own])];
  if (quiet) return context.may(path, rights, true);
  context.check(path, rights, true);
  return true;
}

const OWN_RIGHTS: Readonly<Record<string, string>> = {
  ...{ storage: 'Datastore.Allocate', vms: 'VM.Allocate', pool: 'Pool.Allocate' },
};

const filled = (template: string, params: RouteParams): string =>
  template.replaceAll(/\{([^}]+)\}/g, (_, key: string) => params.text(key) ?? '');

function refuse(quiet: boolean): false {
  if (quiet) return false;
  throw denied();
}
