import type { TokenRecord } from '../../cluster/access.ts';
import { badParameter } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import type { Permission } from '../permission.ts';
import type { RequestContext, Route } from '../route.ts';
import { changeAccess, tokenOf, userOf } from './change.ts';

const ONE = '/access/users/{userid}/token/{tokenid}';

/** Oneself (a token is not its user), or who may change users. */
const permission: Permission = {
  check: ['or', ['userid-param', 'self'], ['userid-group', ['User.Modify']]],
};

/** A token as Proxmox VE reads it from its file. */
export const shownToken = ({ privsep, expire, comment }: TokenRecord) => ({
  ...{ privsep: privsep ? 1 : 0, expire },
  ...(comment ? { comment } : {}),
});

/** What a request says of a token, as it came: texts, where the file would give numbers. */
const given = (params: RouteParams) =>
  Object.fromEntries(
    ['privsep', 'expire', 'comment'].flatMap((key) => (params.text(key) ? [[key, params.text(key)]] : [])),
  );

async function create(context: RequestContext, params: RouteParams): Promise<unknown> {
  const { access } = context.lab;
  const [userid, name] = [params.need('userid'), params.need('tokenid')];
  if (userOf(access.read(), userid).tokens[name]) throw badParameter({ tokenid: 'Token already exists.' });
  const { secret, hash } = access.newSecret();
  await changeAccess(context, 'generating token failed', (data) => {
    userOf(data, userid).tokens[name] = {
      ...{ privsep: params.flag('privsep', true), expire: params.number('expire') ?? 0, hash },
      ...(params.text('comment') ? { comment: params.need('comment') } : {}),
    };
  });
  return { 'full-tokenid': `${userid}!${name}`, info: { privsep: 1, ...given(params) }, value: secret };
}

async function update(context: RequestContext, params: RouteParams): Promise<unknown> {
  const { access } = context.lab;
  const [userid, name] = [params.need('userid'), params.need('tokenid')];
  tokenOf(access.read(), userid, name);
  const fresh = params.flag('regenerate') ? access.newSecret() : null;
  const changed = await changeAccess(context, 'updating token info failed', (data) => {
    const before = tokenOf(data, userid, name);
    const { comment: old, ...rest } = before;
    const gone = params.list('delete');
    const unknown = gone.find((key) => key !== 'comment');
    if (unknown !== undefined) throw badParameter({ delete: `unknown option '${unknown}'` });
    const comment = gone.includes('comment') ? undefined : (params.text('comment') ?? old);
    const token: TokenRecord = {
      ...rest,
      ...(comment ? { comment } : {}),
      privsep: params.flag('privsep', before.privsep),
      expire: params.number('expire') ?? before.expire,
      ...(fresh ? { hash: fresh.hash } : {}),
    };
    userOf(data, userid).tokens[name] = token;
    return token;
  });
  const { comment, ...rest } = { ...shownToken(changed), ...given(params) } as Record<string, unknown>;
  return {
    ...rest,
    ...(changed.comment === undefined ? {} : { comment }),
    ...(fresh ? { value: fresh.secret, 'full-tokenid': `${userid}!${name}` } : {}),
  };
}

async function remove(context: RequestContext, params: RouteParams): Promise<null> {
  const [userid, name] = [params.need('userid'), params.need('tokenid')];
  tokenOf(context.lab.access.read(), userid, name);
  return changeAccess(context, 'deleting token failed', (data) => {
    delete userOf(data, userid).tokens[name];
    data.acl = data.acl.filter((rule) => rule.ugid !== `${userid}!${name}`);
    return null;
  });
}

/** API tokens (PVE::API2::User). */
export const TOKEN_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/access/users/{userid}/token',
    permission,
    handler: ({ lab }, params) =>
      Object.entries(userOf(lab.access.read(), params.need('userid')).tokens).map(([tokenid, token]) => ({
        tokenid,
        ...shownToken(token),
      })),
  },
  {
    method: 'GET',
    path: ONE,
    permission,
    handler: ({ lab }, params) =>
      shownToken(tokenOf(lab.access.read(), params.need('userid'), params.need('tokenid'))),
  },
  { method: 'POST', path: ONE, permission, handler: create },
  { method: 'PUT', path: ONE, permission, handler: update },
  { method: 'DELETE', path: ONE, permission, handler: remove },
];
