import type { Watcher } from '@psa/contracts/tickets';
import { isPortal, type RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { forbidden, invalid } from '@psa/service-kit/errors';
import type { Static } from 'typebox';
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
  if (isPortal(ctx)) throw forbidden('You may watch a ticket yourself only.');
  const [row] = await tx.sql<{ name: string }[]>`
    select name from technicians
    where tenant_id = ${ctx.scope.tenant_id} and id = ${wanted} and deleted_at is null and disabled is not true
    union all
    select name from people where tenant_id = ${ctx.scope.tenant_id} and id = ${wanted} and kind = 'user'
      and customer_id = ${ticket.customer_id} and deleted_at is null`;
  if (!row)
    throw invalid({ field: 'user_id', message: 'there is nobody of that id who may see this ticket' });
  return { user_id: wanted, name: row.name };
}
