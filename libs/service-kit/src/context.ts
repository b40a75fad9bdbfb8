import type { EventActor } from '@psa/contracts/events/envelope';
import type { AccessClaims } from '@psa/contracts/tokens';

/** Who acts. */
export interface Actor {
  readonly kind: 'staff' | 'customer' | 'system';
  readonly id: string | null;
  readonly name: string | null;
  readonly email: string | null;
  readonly role: string;
  readonly permissions: ReadonlySet<string>;
}

/** Whose rows are visible: becomes the transaction's settings. `customer_id` set: a portal user. */
export interface Scope {
  readonly tenant_id: string;
  readonly customer_id: string | null;
  readonly user_id?: string | null;
}

/** What every operation knows of the request that asked for it. */
export interface RequestContext {
  readonly actor: Actor;
  readonly scope: Scope;
  /** Correlation id of everything that follows from this request. */
  readonly request_id: string;
  readonly address: string;
  /** The caller's access token, for asking a peer in the caller's name; null for the platform itself. */
  readonly token: string | null;
}

/** The context of a request from verified claims. */
export function contextFromClaims(
  claims: AccessClaims,
  token: string,
  requestId: string,
  address: string,
): RequestContext {
  return {
    actor: {
      kind: claims.audience,
      id: claims.sub,
      name: claims.name,
      email: claims.email,
      role: claims.role,
      permissions: new Set(claims.permissions),
    },
    scope: {
      tenant_id: claims.tid,
      // A portal user without a customer must see nothing rather than everything.
      customer_id: claims.audience === 'customer' ? (claims.customer_id ?? NOBODY) : null,
      user_id: claims.sub,
    },
    request_id: requestId,
    address,
    token,
  };
}

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** The platform itself at work inside a tenant: timers, consumers, set-up. */
export function systemContext(tenantId: string, correlationId: string): RequestContext {
  return {
    actor: {
      kind: 'system',
      id: null,
      name: 'PSA-Platform',
      email: null,
      role: 'system',
      permissions: new Set(['*']),
    },
    scope: { tenant_id: tenantId, customer_id: null, user_id: null },
    request_id: correlationId,
    address: '',
    token: null,
  };
}

/** True for a user of a customer's portal, who sees that customer's rows alone. */
export const isPortal = (ctx: Pick<RequestContext, 'scope'>): boolean => ctx.scope.customer_id !== null;

/** The actor as events and history carry it. */
export const eventActor = (actor: Actor): EventActor => ({
  kind: actor.kind,
  id: actor.id,
  name: actor.name,
});
