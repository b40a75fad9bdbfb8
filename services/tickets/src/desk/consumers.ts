import { systemContext } from '@psa/service-kit/context';
import { once } from '@psa/service-kit/inbox';
import type { EventData } from '@psa/service-kit/outbox';
import { consumer } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';
import type { TicketsDeps } from '../deps.ts';
import { findTicket } from '../tickets/repository.ts';
import { refreshClocks } from '../tickets/service.ts';
import { createDefaults } from './defaults.ts';

const BATCH = 200;

/** Sets up new tenants, and moves the deadlines of open tickets when a calendar or policy changes. */
export function deskConsumers(deps: TicketsDeps): Worker[] {
  const { bus, db } = deps;
  return [
    consumer(() =>
      bus.subscribe({
        consumer: 'tickets.tenants',
        topics: ['tenant.created.v1'],
        handle: async (event) => {
          const ctx = systemContext(event.tenant_id, event.correlation_id);
          await once(db, 'tickets.tenants', event, (tx) => createDefaults(deps, tx, ctx));
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
            await refreshOpenTickets(deps, event.tenant_id, object, id, event.correlation_id);
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
  deps: TicketsDeps,
  tenantId: string,
  object: 'calendar' | 'sla_policy',
  id: string,
  correlationId: string,
): Promise<number> {
  const ctx = systemContext(tenantId, correlationId);
  let changed = 0;
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const ids = await deps.db.tx(ctx.scope, async (tx) => {
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
      const settings = await deps.settings.current(tx, ctx);
      for (const row of rows) {
        const ticket = await findTicket(tx, ctx, row.id, true);
        if (ticket && (await refreshClocks(deps, tx, ctx, ticket, settings, object === 'sla_policy')).changed)
          changed++;
      }
      return rows.map((row) => row.id);
    });
    if (ids.length < BATCH) return changed;
    after = ids.at(-1)!;
  }
}
