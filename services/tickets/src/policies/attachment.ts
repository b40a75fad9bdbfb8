import { can } from '@psa/service-kit/app';
import type { RequestContext } from '@psa/service-kit/context';
import { forbidden } from '@psa/service-kit/errors';

/** Files: who uploaded one takes it back, and whoever has `ticket:delete` removes any. Row-level security does the rest. */
export function checkMayRemoveFile(ctx: RequestContext, uploadedBy: string | null): void {
  const own = uploadedBy !== null && uploadedBy === ctx.actor.id;
  if (!own && !can(ctx, 'ticket:delete')) {
    throw forbidden("This needs the permission ticket:delete: it is another person's file.");
  }
}
