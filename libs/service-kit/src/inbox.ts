import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { Database, Tx } from './database.ts';

/**
 * Applies one event at most once: the inbox row and the effect commit together. A second delivery finds the
 * row and does nothing. Returns whether the effect was applied now.
 */
export function once(
  db: Database,
  consumer: string,
  event: EventEnvelope,
  apply: (tx: Tx) => Promise<void>,
): Promise<boolean> {
  return db.tx({ tenant_id: event.tenant_id, customer_id: null }, async (tx) => {
    const rows = await tx.sql`
      insert into inbox (tenant_id, consumer, event_id) values (${event.tenant_id}, ${consumer}, ${event.id})
      on conflict do nothing returning 1`;
    if (rows.length === 0) return false;
    await apply(tx);
    return true;
  });
}

/**
 * The same for many events, one transaction per tenant: `apply` gets only those that are new, in order.
 */
export async function onceEach(
  db: Database,
  consumer: string,
  events: readonly EventEnvelope[],
  apply: (tx: Tx, fresh: readonly EventEnvelope[], tenantId: string) => Promise<void>,
): Promise<void> {
  for (const [tenantId, group] of Map.groupBy(events, (event) => event.tenant_id)) {
    await db.tx({ tenant_id: tenantId, customer_id: null }, async (tx) => {
      const rows = await tx.sql<{ event_id: string }[]>`
        insert into inbox (tenant_id, consumer, event_id)
        select ${tenantId}::uuid, ${consumer}, id from unnest(${group.map((event) => event.id)}::uuid[]) as ids(id)
        on conflict do nothing returning event_id`;
      const fresh = new Set(rows.map((row) => row.event_id));
      const unique = group.filter((event) => fresh.delete(event.id));
      if (unique.length > 0) await apply(tx, unique, tenantId);
    });
  }
}

/** Forgets inbox rows older than `days`; the bus redelivers within minutes, so two weeks are ample. */
export async function sweepInbox(db: Database, days = 14): Promise<void> {
  await db.system(
    (tx) => tx.sql`delete from inbox where processed_at < now() - make_interval(days => ${days})`,
  );
}
