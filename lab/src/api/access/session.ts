import { PRIVILEGES } from '../../cluster/privileges.ts';
import type { Authenticator } from '../auth.ts';
import { ApiError } from '../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, type RequestContext, type Route } from '../route.ts';

/** Rights of a user or token on all paths that rules name, or on one. */
function permissions(context: RequestContext, params: RouteParams): unknown {
  const { lab, caller } = context;
  const who = params.text('userid') ?? caller.id;
  if (who !== caller.id && who.split('!')[0] !== caller.id) context.check('/access', ['Sys.Audit']);
  const data = lab.access.read();
  const wanted = params.text('path');
  const paths =
    wanted === null
      ? new Set([
          ...['/', '/access', '/nodes', '/pool', '/sdn', '/storage', '/vms'],
          ...data.acl.map((rule) => rule.path),
          ...Object.keys(data.pools).map((pool) => `/pool/${pool}`),
        ])
      : new Set([wanted]);
  const found: Record<string, Record<string, number>> = {};
  for (const path of [...paths].sort()) {
    const rights = lab.access.rights(who, path, data);
    if (rights.size > 0)
      found[path] = Object.fromEntries([...rights].map(([right, goesOn]) => [right, goesOn ? 1 : 0]));
  }
  return found;
}

/** Logging in, and what one may do then. */
export function sessionRoutes(auth: Authenticator): readonly Route[] {
  const login = ({ lab }: RequestContext, params: RouteParams): unknown => {
    const realm = params.text('realm');
    const given = params.need('username');
    const userid = realm === null || given.includes('@') ? given : `${given}@${realm}`;
    const password = params.need('password');
    // A ticket that still holds is as good as the password.
    if (auth.userOfTicket(password) !== userid && !lab.access.isPassword(userid, password))
      throw new ApiError(401, 'authentication failure');
    const { ticket, csrf } = auth.newTicket(userid);
    const caps = (path: string, start: string) =>
      Object.fromEntries(
        PRIVILEGES.filter(
          (right) => right.startsWith(start) && lab.access.rights(userid, path).has(right),
        ).map((right) => [right, 1]),
      );
    return {
      ...{ username: userid, ticket, CSRFPreventionToken: csrf, clustername: lab.name },
      cap: {
        ...{ access: {}, mapping: {}, sdn: caps('/sdn', 'SDN.') },
        ...{ dc: caps('/', 'Sys.'), nodes: caps('/nodes', 'Sys.') },
        ...{ storage: caps('/storage', 'Datastore.'), vms: caps('/vms', 'VM.') },
      },
    };
  };
  return [
    { method: 'GET', path: '/access/ticket', permission: anyone, handler: () => null },
    { method: 'POST', path: '/access/ticket', permission: 'public', handler: login },
    { method: 'GET', path: '/access/permissions', permission: anyone, handler: permissions },
    {
      method: 'GET',
      path: '/access/domains',
      permission: 'public',
      handler: () => [
        { realm: 'pam', type: 'pam', comment: 'Linux PAM standard authentication' },
        { realm: 'pve', type: 'pve', comment: 'Proxmox VE authentication server' },
      ],
    },
    {
      method: 'GET',
      path: '/access',
      permission: anyone,
      handler: () =>
        ['acl', 'domains', 'permissions', 'roles', 'ticket', 'users'].map((subdir) => ({ subdir })),
    },
  ];
}
