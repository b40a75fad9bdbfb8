import type { RequestContext } from '@psa/service-kit/context';
import { conflict, forbidden } from '@psa/service-kit/errors';
import { ADMIN_ROLE, beyond } from './domain.ts';

/**
 * Who may give what. Nobody gives a permission that they do not hold, by a role, a user or a key; what a customer's
 * people can be given at all is in `domain.ts`.
 */

/** @throws AppError 403 naming the permissions that the actor lacks and so cannot give */
export function mustHold(ctx: RequestContext, permissions: readonly string[]): void {
  const lacking = beyond(ctx.actor.permissions, permissions);
  if (lacking.length > 0) {
    throw forbidden(`You cannot give permissions that you do not hold yourself: ${lacking.join(', ')}.`);
  }
}

/** Somebody can always set things right. @throws AppError 409 */
export function mustStayAdministrators(role: string, permissions: readonly string[]): void {
  if (role === ADMIN_ROLE && !permissions.includes('*')) {
    throw conflict(
      'administrators_keep_all',
      'The administrator role keeps every permission, so that somebody can always set things right.',
      [{ field: 'permissions', code: 'required', message: 'must contain "*"' }],
    );
  }
}
