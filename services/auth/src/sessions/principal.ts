import { randomUUID } from 'node:crypto';
import type { Me } from '@psa/contracts/auth';
import type { Cache } from '@psa/contracts/ports/cache';
import { type AccessClaims, revokedSessionKey, revokedUserKey } from '@psa/contracts/tokens';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import type { ServiceDeps } from '@psa/service-kit/service';
import { ACCESS_TTL_SECONDS } from './lifetimes.ts';

/** Who somebody is and what they may do, as the database has it now. */
export interface Principal {
  readonly id: string;
  readonly tenant_id: string;
  readonly tenant_name: string;
  readonly email: string;
  readonly name: string;
  readonly locale: 'de' | 'en';
  /** `disabled` too while the customer is deleted or inactive. */
  readonly status: 'active' | 'invited' | 'disabled' | 'imported';
  readonly tier: 'standard' | 'professional' | 'enterprise';
  readonly audience: 'staff' | 'customer';
  readonly customer_id: string | null;
  readonly role: string;
  readonly permissions: readonly string[];
}

/** Every signed-in person may manage the own account, whatever the role says. */
const ALWAYS = 'self:manage';

/** Reads a user with role and tenant; null when deleted or not visible. */
export async function loadPrincipal(tx: Tx, tenantId: string, userId: string): Promise<Principal | null> {
  const [row] = await tx.sql<Principal[]>`
    select u.id, u.tenant_id, t.name as tenant_name, u.email, u.name, u.locale,
      case when c.blocked then 'disabled' else u.status end as status, u.tier, u.audience,
      u.customer_id, r.name as role, r.permissions
    from users u
    join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
    join tenants t on t.tenant_id = u.tenant_id
    left join customers c on c.tenant_id = u.tenant_id and c.customer_id = u.customer_id
    where u.tenant_id = ${tenantId} and u.id = ${userId} and u.deleted_at is null`;
  return row ? { ...row, permissions: withOwn(row.permissions) } : null;
}

const withOwn = (permissions: readonly string[]) =>
  permissions.includes('*') || permissions.includes(ALWAYS) ? permissions : [...permissions, ALWAYS];

/** Who somebody is, for themselves. */
export function meOf(p: Principal, permissions: readonly string[] = p.permissions): Me {
  return {
    id: p.id,
    tenant_id: p.tenant_id,
    tenant_name: p.tenant_name,
    email: p.email,
    name: p.name,
    role: p.role,
    audience: p.audience,
    customer_id: p.customer_id,
    locale: p.locale,
    permissions: [...permissions],
  };
}

/** When a token counts as issued: see {@link issuedAt}. */
export interface Issue {
  readonly iat: number;
  readonly exp: number;
}

/**
 * Unix seconds for a token of the user. Read **before** the rights that go into it: a change of rights voids every
 * token issued up to its second, so a token that was under way with the old rights is void too, and one issued
 * after it in the same second is dated one second later, so that it is not.
 */
export async function issuedAt(cache: Cache, userId: string, now: Date): Promise<Issue> {
  const seconds = Math.floor(now.getTime() / 1000);
  const revoked = Number((await cache.get(revokedUserKey(userId)).catch(() => null)) ?? 0);
  return { iat: Math.max(seconds, revoked + 1), exp: seconds + ACCESS_TTL_SECONDS };
}

/** The claims of an access token. */
export function claimsOf(
  p: Principal,
  issue: Issue,
  session: {
    sid: string;
    csrf: string | null;
    api_key?: true;
    role?: string;
    permissions?: readonly string[];
  },
): AccessClaims {
  return {
    sub: p.id,
    tid: p.tenant_id,
    email: p.email,
    name: p.name,
    role: session.role ?? p.role,
    permissions: [...(session.permissions ?? p.permissions)],
    audience: p.audience,
    ...(p.customer_id === null ? {} : { customer_id: p.customer_id }),
    tier: p.tier,
    sid: session.sid,
    ...(session.api_key ? { api_key: true as const } : {}),
    ...(session.csrf === null ? {} : { csrf: session.csrf }),
    ...issue,
    jti: randomUUID(),
  };
}

/** The context of somebody who is just signing in or refreshing: no token of theirs has been verified. */
export function contextOfPrincipal(p: Principal, request: { id: string; ip: string }): RequestContext {
  return {
    actor: {
      kind: p.audience,
      id: p.id,
      name: p.name,
      email: p.email,
      role: p.role,
      permissions: new Set(p.permissions),
    },
    scope: { tenant_id: p.tenant_id, customer_id: p.customer_id, user_id: p.id },
    request_id: request.id,
    address: request.ip,
    token: null,
  };
}

/** Marks live a little longer than the tokens they void. */
const MARK_SECONDS = ACCESS_TTL_SECONDS + 120;
type MarkDeps = Pick<ServiceDeps, 'cache' | 'log' | 'clock'>;

const marked = (deps: MarkDeps, work: Promise<unknown>) =>
  void work.catch((error: unknown) =>
    deps.log.error(
      { err: error },
      'a revocation did not reach the cache; tokens end by themselves within 15 min',
    ),
  );

/** After the commit: access tokens of these sessions end now. */
export function revokeSessions(deps: MarkDeps, tx: Tx, sessionIds: readonly string[]): void {
  tx.afterCommit(() => {
    for (const id of sessionIds) marked(deps, deps.cache.set(revokedSessionKey(id), '1', MARK_SECONDS));
  });
}

/** After the commit: every access token issued to these users so far ends; a refresh brings the present rights. */
export function revokeUsers(deps: MarkDeps, tx: Tx, userIds: readonly string[]): void {
  tx.afterCommit(() => {
    const now = String(Math.floor(deps.clock.now().getTime() / 1000));
    for (const id of userIds) marked(deps, deps.cache.set(revokedUserKey(id), now, MARK_SECONDS));
  });
}
