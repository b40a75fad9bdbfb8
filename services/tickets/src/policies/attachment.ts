import { can } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import { forbidden, invalid } from '@psa/service-kit/errors';
import { mayWriteInternal, type Visibility } from './comment.ts';

/**
 * Files. Whoever sees a ticket reads them; row-level security shows portal users what is public. Whoever has
 * `ticket:comment` (the route asks for it) attaches them; internal ones are for those who may write internal notes, and
 * a file is never more public than the comment it belongs to.
 */
export function checkMayAttach(
  ctx: RequestContext,
  visibility: Visibility,
  comment?: { visibility: string },
): void {
  if (visibility === 'internal' && !mayWriteInternal(ctx))
    throw forbidden('You may not attach internal files.');
  if (comment?.visibility === 'internal' && visibility === 'public') {
    throw invalid({
      field: 'visibility',
      code: 'contradicts',
      message: 'must be internal, as the note it belongs to is',
    });
  }
}

/** Who uploaded a file takes it back, and whoever has `ticket:delete` removes any. */
export function checkMayRemoveFile(ctx: RequestContext, uploadedBy: string | null): void {
  const own = uploadedBy !== null && uploadedBy === ctx.actor.id;
  if (!own && !can(ctx, 'ticket:delete')) {
    throw forbidden("This needs the permission ticket:delete: it is another person's file.");
  }
}
