import { can } from '@psa/service-kit/app';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import { forbidden } from '@psa/service-kit/errors';

/**
 * Working time: staff read it (row-level security keeps it from portal users), everybody books and corrects their own,
 * and whoever has `time:manage` that of colleagues too.
 */
export function checkMayBookFor(ctx: RequestContext, userId: string): void {
  if (isPortal(ctx) || ctx.actor.id === null) throw forbidden();
  if (userId !== ctx.actor.id && !can(ctx, 'time:manage')) {
    throw forbidden("This needs the permission time:manage: it is a colleague's working time.");
  }
}
