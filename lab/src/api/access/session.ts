import { stepsOf } from '../../cluster/acl-paths.ts';
import { ApiError } from '../../errors.ts';
import type { Authenticator } from '../auth.ts';
import type { RouteParams } from '../params.ts';
import { anyone, type RequestContext, type Route, world } from '../route.ts';

/** Every path that a rule stands on, and the way to it. */
const rulePaths = ({ lab }: RequestContext): readonly string[] =>
  lab.access.read().acl.flatMap((rule) => stepsOf(rule.path));

/** Rights of a user or token on all paths that rules name, or on one. */
function permissions(context: RequestContext, params: RouteParams): unknown {
  const { lab, caller } = context;
  const who = params.text('userid') ?? caller.id;
  if (who !== caller.id && who.split('!')[0] !== caller.id) context.check('/access', ['Sys.Audit']);
  const data = lab.access.read();
  const rightsOn = (path: string) =>
    Object.fromEntries(
      [...lab.access.rights(who, path, data)].map(([right, goesOn]) => [right, goesOn ? 1 : 0]),
    );
  const wanted = params.text('path');
  if (wanted !== null) return { [wanted]: rightsOn(wanted) };
  const paths = new Set([
    ...['/', '/access', '/access/groups', '/nodes', '/pool', '/sdn', '/storage', '/vms'],
    ...rulePaths(context),
    ...Object.values(data.pools).flatMap(({ vms, storage }) => [
      ...vms.map((vmid) => `/vms/${vmid}`),
      ...storage.map((name) => `/storage/${name}`),
    ]),
  ]);
  return Object.fromEntries(
    [...paths]
      .sort()
      .map((path) => [path, rightsOn(path)] as const)
      .filter(([, rights]) => Object.keys(rights).length > 0),
  );
}

/** Which privileges count in which part of the surface. */
const PARTS: Readonly<Record<string, RegExp>> = {
  vms: /^(VM\.|Permissions\.Modify)/,
  access: /^((User|Group)\.|Permissions\.Modify)/,
  storage: /^(Datastore\.|Permissions\.Modify)/,
  nodes: /^(Sys\.|Permissions\.Modify)/,
  sdn: /^(SDN\.|Permissions\.Modify)/,
  dc: /^(Sys\.Audit|Sys\.Modify|SDN\.)/,
  mapping: /^(Mapping\.|Permissions.Modify)/,
};

/** What a login is told of its rights (PVE::RPCEnvironment, compute_api_permission). */
function capabilities(context: RequestContext, userid: string): Record<string, Record<string, number>> {
  const { access } = context.lab;
  const found: Record<string, Record<string, number>> = Object.fromEntries(
    Object.keys(PARTS).map((part) => [part, {}]),
  );
  const paths = ['/', '/nodes', '/access/groups', '/vms', '/storage', '/sdn', '/mapping'];
  for (const path of new Set([...paths, ...rulePaths(context)])) {
    const top = path.split('/')[1] || 'dc';
    for (const right of access.rights(userid, path).keys()) {
      if (top === 'pool') {
        const isOfAll = right === 'Permissions.Modify';
        if (isOfAll || right.startsWith('VM.')) found.vms![right] = 1;
        if (isOfAll || right.startsWith('Datastore.')) found.storage![right] = 1;
      } else if (PARTS[top]?.test(right)) found[top]![right] = 1;
    }
  }
  return found;
}

/** Logging in, and what one may do then (PVE::API2::AccessControl). */
export function sessionRoutes(auth: Authenticator): readonly Route[] {
  const login = (context: RequestContext, params: RouteParams): unknown => {
    const { lab } = context;
    const realm = params.text('realm');
    const userid = `${params.need('username')}${realm === null ? '' : `@${realm}`}`;
    const password = params.need('password');
    const holder = auth.userOfTicket(password);
    // A ticket that still holds is as good as the password, and root's is for everyone.
    const isKnown =
      lab.access.isUser(userid) &&
      (holder === userid || holder === 'root@pam' || lab.access.isPassword(userid, password));
    if (!isKnown) throw new ApiError(401, 'authentication failure');
    const { ticket, csrf } = auth.newTicket(userid);
    return {
      ...{ username: userid, ticket, CSRFPreventionToken: csrf },
      cap: capabilities(context, userid),
      ...(lab.access.rights(userid, '/').has('Sys.Audit') ? { clustername: lab.name } : {}),
    };
  };
  return [
    { method: 'GET', path: '/access/ticket', permission: world, handler: () => null },
    { method: 'POST', path: '/access/ticket', permission: world, noToken: true, handler: login },
    { method: 'GET', path: '/access/permissions', permission: anyone, handler: permissions },
    {
      method: 'GET',
      path: '/access',
      permission: anyone,
      handler: () =>
        ['users', 'groups', 'roles', 'acl', 'domains', 'openid', 'tfa', 'ticket', 'password'].map(
          (subdir) => ({ subdir }),
        ),
    },
  ];
}
