import type { Watcher } from '@psa/contracts/tickets';
import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { invalid } from '@psa/service-kit/errors';
import type { Static } from 'typebox';
import { checkMayWatchFor, possibleWatchers } from '../policies/watcher.ts';
import type { TicketRow } from '../tickets/row.ts';

/** The asker, or whom staff names: a technician, or a portal user of the ticket's customer. */
export async function watcherOf(
  tx: Tx,
  ctx: RequestContext,
  ticket: TicketRow,
  wanted: string | undefined,
): Promise<Static<typeof Watcher>> {
  if (wanted === undefined || wanted === ctx.actor.id) {
    return { user_id: ctx.actor.id!, name: ctx.actor.name ?? ctx.actor.email ?? '' };
  }
  checkMayWatchFor(ctx, wanted);
  const [row] = await tx.sql<{ name: string }[]>`
    select name from (${possibleWatchers(tx, ctx, ticket)}) as p where id = ${wanted}`;
  if (!row)
    throw invalid({ field: 'user_id', message: 'there is nobody of that id who may see this ticket' });
  return { user_id: wanted, name: row.name };
}
