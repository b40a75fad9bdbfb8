import type { EventEnvelope } from '@psa/contracts/events/envelope';
import { systemContext } from '@psa/service-kit/context';
import type { EventData } from '@psa/service-kit/outbox';
import type { TicketsDeps } from '../deps.ts';
import { findTicket } from '../tickets/repository.ts';
import { decideAndSave } from '../tickets/service.ts';

const BATCH = 100;

/**
 * Gives the open tickets of a technician who was disabled or deleted back to the queue of what nobody works on, each
 * with its history and event. Called after the technician's row says so; safe to repeat.
 */
export async function releaseTicketsOf(deps: TicketsDeps, event: EventEnvelope): Promise<void> {
  const deleted = event.type === 'user.deleted.v1';
  if (!deleted && event.type !== 'user.updated.v1') return;
  const user = event.data as EventData<'user.updated.v1'>;
  if (user.audience !== 'staff' || (!deleted && user.status !== 'disabled')) return;
  const ctx = systemContext(event.tenant_id, event.correlation_id);
  const tenantId = event.tenant_id;
  for (;;) {
    const released = await deps.db.tx(ctx.scope, async (tx) => {
      const rows = await tx.sql<{ id: string; gone: string }[]>`
        select t.id, case when d.deleted_at is null then 'assignee_disabled' else 'assignee_deleted' end as gone
        from tickets t join technicians d on d.tenant_id = t.tenant_id and d.id = t.assigned_to
        where t.tenant_id = ${tenantId} and t.assigned_to = ${user.user_id} and t.deleted_at is null
          and t.status in ('new', 'assigned', 'in_progress', 'waiting_customer')
          and (d.disabled or d.deleted_at is not null)
        order by t.id limit ${BATCH}`;
      for (const { id, gone } of rows) {
        const ticket = await findTicket(tx, ctx, id, true);
        if (ticket?.assigned_to !== user.user_id) continue;
        await decideAndSave(
          deps,
          tx,
          ctx,
          ticket,
          { assigned_to: null },
          { settings: await deps.settings.current(tx, ctx), moveAs: 'system', reason: gone },
        );
      }
      return rows.length;
    });
    if (released < BATCH) return;
  }
}
