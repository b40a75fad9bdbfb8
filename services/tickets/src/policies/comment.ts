import { can } from '@psa/service-kit/app';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import { forbidden } from '@psa/service-kit/errors';

/**
 * The conversation. Whoever sees a ticket reads it; row-level security shows portal users what is public. Whoever has
 * `ticket:comment` (the route asks for it) replies; internal notes are for staff who may write them; a comment that
 * says what the status shall be changes the ticket, and needs the right to; so does one that books time.
 */
export function checkMayComment(
  ctx: RequestContext,
  comment: { visibility: Visibility; status?: string; time?: object },
): void {
  if (comment.visibility === 'internal' && !mayWriteInternal(ctx)) {
    throw forbidden('You may not write internal notes.');
  }
  if (comment.status !== undefined && !can(ctx, 'ticket:update')) {
    throw forbidden('This needs the permission ticket:update.');
  }
  if (comment.time !== undefined && !can(ctx, 'time:create')) {
    throw forbidden('This needs the permission time:create.');
  }
}

export type Visibility = 'public' | 'internal';

/** What customers do not see, notes and files alike: never a customer's, whatever its role says. */
export const mayWriteInternal = (ctx: RequestContext): boolean =>
  !isPortal(ctx) && can(ctx, 'ticket:comment:internal');
