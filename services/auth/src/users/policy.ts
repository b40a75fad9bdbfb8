import type { RequestContext } from '@psa/service-kit/context';
import { conflict } from '@psa/service-kit/errors';
import { mustHold } from '../roles/policy.ts';

/**
 * Who may change whom. Rows: row-level security shows a portal user its own company. Nobody changes somebody who can do
 * more than they: a new e-mail address would hand over the account. Everybody may change themselves.
 * @throws AppError 403
 */
export function mustMayChange(ctx: RequestContext, userId: string, held: readonly string[]): void {
  if (userId !== ctx.actor.id) mustHold(ctx, held);
}

/** A tenant keeps an administrator who can sign in. @throws AppError 409 */
export function mustNotBeLast(userId: string, activeAdministrators: readonly string[]): void {
  if (activeAdministrators.length === 1 && activeAdministrators[0] === userId) {
    throw conflict(
      'last_administrator',
      'This is the last active administrator. Make somebody else one first.',
    );
  }
}
