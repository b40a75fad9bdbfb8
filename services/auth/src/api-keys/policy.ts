import type { AccessClaims } from '@psa/contracts/tokens';
import { can } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import { forbidden } from '@psa/service-kit/errors';
import { decodeJwt } from 'jose';

/** Who may see, make and end API keys. */

/** Keys of one user at most: enough for a script each, few enough to look through. */
export const MAX_KEYS = 20;

/** Everybody sees the own keys; those of others need a permission of their own. */
export function mustSeeKeysOf(ctx: RequestContext, owner: string): void {
  if (owner !== ctx.actor.id && !can(ctx, 'api_key:view')) {
    throw forbidden('The keys of others need the permission api_key:view.');
  }
}

/** The key's owner, and administrators who may end those of others. */
export const mayRevoke = (ctx: RequestContext, owner: string): boolean =>
  owner === ctx.actor.id || can(ctx, 'api_key:revoke');

/** A key manages no keys: one that leaked must not make more of itself, nor end those of its owner. */
export function mustBePerson(ctx: RequestContext): void {
  // The guard has verified the token.
  if (ctx.token !== null && (decodeJwt(ctx.token) as Partial<AccessClaims>).api_key) {
    throw forbidden('API keys are managed by people: sign in with your password.');
  }
}
