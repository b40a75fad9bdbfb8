import type { AccessData } from '../../cluster/access.ts';
import { failure } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';
import { changeAccess } from './change.ts';

const ONE = '/access/groups/{groupid}';
const SEE = ['User.Modify', 'Sys.Audit', 'Group.Allocate'];
const allocate = needs('/access/groups', ['Group.Allocate']);

const membersOf = (data: AccessData, group: string): readonly string[] =>
  Object.entries(data.users)
    .filter(([, user]) => user.groups.includes(group))
    .map(([userid]) => userid)
    .sort();

/** @throws `group 'x' does not exist` */
function groupOf(data: AccessData, group: string) {
  const found = data.groups[group];
  if (!found) throw failure(`group '${group}' does not exist`);
  return found;
}

const commentOf = ({ comment }: { readonly comment?: string }) => (comment ? { comment } : {});

function list(context: RequestContext): unknown {
  const data = context.lab.access.read();
  return Object.entries(data.groups)
    .filter(([groupid]) => context.may(`/access/groups/${groupid}`, SEE, true))
    .map(([groupid, group]) => ({
      groupid,
      ...commentOf(group),
      users: membersOf(data, groupid).join(','),
    }));
}

async function create(context: RequestContext, params: RouteParams): Promise<null> {
  const group = params.need('groupid');
  return changeAccess(context, 'create group failed', (data) => {
    if (data.groups[group]) throw failure(`group '${group}' already exists`);
    data.groups[group] = commentOf({ comment: params.text('comment') ?? '' });
    return null;
  });
}

/** Groups of users (PVE::API2::Group). */
export const GROUP_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/access/groups', permission: anyone, handler: list },
  { method: 'POST', path: '/access/groups', permission: allocate, handler: create },
  {
    method: 'GET',
    path: ONE,
    permission: needs('/access/groups', ['Sys.Audit', 'Group.Allocate'], true),
    handler: ({ lab }, params) => {
      const data = lab.access.read();
      const group = params.need('groupid');
      return { ...commentOf(groupOf(data, group)), members: membersOf(data, group) };
    },
  },
  {
    method: 'PUT',
    path: ONE,
    permission: allocate,
    handler: (context, params) =>
      changeAccess(context, 'update group failed', (data) => {
        const before = groupOf(data, params.need('groupid'));
        const comment = params.text('comment');
        data.groups[params.need('groupid')] = comment === null ? before : { comment };
      }),
  },
  {
    method: 'DELETE',
    path: ONE,
    permission: allocate,
    handler: (context, params) =>
      changeAccess(context, 'delete group failed', (data) => {
        const group = params.need('groupid');
        groupOf(data, group);
        delete data.groups[group];
        for (const [userid, user] of Object.entries(data.users))
          if (user.groups.includes(group))
            data.users[userid] = { ...user, groups: user.groups.filter((one) => one !== group) };
        data.acl = data.acl.filter((rule) => !(rule.type === 'group' && rule.ugid === group));
      }),
  },
];
