import type { BulkUpdateRequest, UpdateTicketRequest } from '@psa/contracts/tickets';
import type { RequestContext } from '@psa/service-kit/context';
import { toAppError } from '@psa/service-kit/errors';
import { versionConflict } from '@psa/service-kit/write';
import type { Static } from 'typebox';
import type { TicketsDeps } from '../deps.ts';
import { withLookups } from '../people/lookup.ts';
import { loadTicket } from './repository.ts';
import { changeTicket } from './service.ts';

/**
 * One change for many tickets. Each is decided by itself in a transaction of its own, so one that cannot be
 * changed holds up none of the others; failures of our own side are reported like any other.
 */
export async function bulkUpdate(
  deps: TicketsDeps,
  ctx: RequestContext,
  body: Static<typeof BulkUpdateRequest>,
) {
  const { add_tags, ...changes } = body.changes;
  const updated: string[] = [];
  const failed: { id: string; code: string; message: string }[] = [];
  for (const id of body.ids) {
    try {
      await withLookups(deps, ctx, () =>
        deps.db.tx(ctx.scope, async (tx) => {
          const wanted: UpdateTicketRequest = { ...changes };
          if (add_tags) wanted.tags = [...(await loadTicket(tx, ctx, id, true)).tags, ...add_tags];
          return changeTicket(deps, tx, ctx, id, wanted, (version) => {
            const expected = body.versions?.[id];
            if (expected !== undefined && expected !== version) throw versionConflict(version);
          });
        }),
      );
      updated.push(id);
    } catch (error) {
      const { code, message } = toAppError(error);
      failed.push({ id, code, message });
    }
  }
  return { updated, failed };
}
