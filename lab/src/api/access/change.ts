import type { AccessData, TokenRecord, UserRecord } from '../../cluster/access.ts';
import { failure, under } from '../../errors.ts';
import type { RequestContext } from '../route.ts';

/**
 * Changes users, groups, roles, rules or pools under the cluster's lock (PVE::AccessControl, lock_user_config).
 * @param what `create user failed`: stands before every error
 */
export async function changeAccess<T>(
  { lab, entry }: RequestContext,
  what: string,
  work: (data: AccessData) => T,
): Promise<T> {
  try {
    if (!lab.membership.isQuorate(entry)) throw failure("cfs-lock 'file-user_cfg' error: no quorum!");
    return await lab.locks.cluster('file-user_cfg', () => lab.access.update(work));
  } catch (error) {
    throw under(what, error);
  }
}

/** @throws `no such user ('x@pve')` */
export function userOf(data: AccessData, userid: string): UserRecord {
  const user = data.users[userid];
  if (!user) throw failure(`no such user ('${userid}')`);
  return user;
}

/** @throws when there is no such user, or it has no such token */
export function tokenOf(data: AccessData, userid: string, name: string): TokenRecord {
  const token = userOf(data, userid).tokens[name];
  if (!token) throw failure(`no such token '${name}' for user '${userid}'`);
  return token;
}
