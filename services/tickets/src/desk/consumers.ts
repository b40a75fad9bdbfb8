import { systemContext } from '@psa/service-kit/context';
import { once } from '@psa/service-kit/inbox';
import type { EventData } from '@psa/service-kit/outbox';
import { consumer } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';
import { findTicket } from '../tickets/repository.ts';
import { refreshClocks, type TicketDesk } from '../tickets/service.ts';
import { createDefaults } from './defaults.ts';

const BATCH = 200;

/** Sets up new tenants, and moves the deadlines of open tickets when a calendar or policy changes. */
export function deskConsumers(desk: TicketDesk): Worker[] {
  const { bus, db } = desk.deps;
  return [
    consumer(() =>
      bus.subscribe({
        consumer: 'tickets.tenants',
        topics: ['tenant.created.v1'],
        handle: async (event) => {
          const ctx = systemContext(event.tenant_id, event.correlation_id);
          await once(db, 'tickets.tenants', event, (tx) => createDefaults(tx, ctx, desk.deps));
        },
      }),
    ),
    consumer(() =>
      bus.subscribe({
        consumer: 'tickets.sla',
        topics: ['desk.changed.v1'],
        handle: async (event) => {
          const { object, id } = event.data as EventData<'desk.changed.v1'>;
          if (object === 'calendar' || object === 'sla_policy') {
            await refreshOpenTickets(desk, event.tenant_id, object, id, event.correlation_id);
          }
        },
      }),
    ),
  ];
}

/**
 * Computes the clocks of open tickets under a policy or calendar anew. Safe to repeat: what is right already
 * is not written, so it needs no inbox and may be cut into transactions of a few tickets.
 */
export async function refreshOpenTickets(
  desk: TicketDesk,
  tenantId: string,
  object: 'calendar' | 'sla_policy',
  id: string,
  correlationId: string,
): Promise<number> {
  const ctx = systemContext(tenantId, correlationId);
  let changed = 0;
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const ids = await desk.deps.db.tx(ctx.scope, async (tx) => {
      const { sql } = tx;
      const policies =
        object === 'sla_policy'
          ? sql`t.sla_policy_id = ${id}`
          : sql`t.sla_policy_id in (select p.id from sla_policies p where p.tenant_id = ${tenantId} and p.calendar_id = ${id})`;
      const rows = await sql<{ id: string }[]>`
        select t.id from tickets t
        where t.tenant_id = ${tenantId} and t.deleted_at is null and t.id > ${after} and ${policies}
          and t.status in ('new', 'assigned', 'in_progress', 'waiting_customer')
        order by t.id limit ${BATCH}`;
      const settings = await desk.desks.current(tx, ctx);
      for (const row of rows) {
        const ticket = await findTicket(tx, ctx, row.id, true);
        if (ticket && (await refreshClocks(desk, tx, ctx, ticket, settings)).changed) changed++;
      }
      return rows.map((row) => row.id);
    });
    if (ids.length < BATCH) return changed;
    after = ids.at(-1)!;
  }
}
