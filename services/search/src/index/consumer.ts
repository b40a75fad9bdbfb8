import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { SearchDocument } from '@psa/contracts/ports/search';
import type { Tx } from '@psa/service-kit/database';
import { onceEach } from '@psa/service-kit/inbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import { crmDocument, type IndexedComment, ticketDocument } from './documents.ts';

const CONSUMER = 'search.index';

/**
 * Keeps the index in step with the events. Comments are kept in a table of this service, so that every put has
 * the whole text. Putting is idempotent (an older version never replaces a newer one), so it may come twice.
 */
export async function indexEvents(deps: ServiceDeps): Promise<void> {
  const handleBatch = (events: readonly EventEnvelope[]) =>
    onceEach(deps.db, CONSUMER, events, async (tx, fresh) => {
      const documents = new Map<string, SearchDocument>();
      const removed: { tenant_id: string; type: string; id: string; version: number }[] = [];
      for (const event of fresh) {
        if (event.type === 'ticket.commented.v1') await keepComment(tx, event);
        const document = await documentOf(tx, event);
        if (!document) continue;
        const { tenant_id, type, id, version } = document;
        if (event.type.includes('.deleted.')) removed.push({ tenant_id, type, id, version });
        else documents.set(`${type}/${id}`, document);
      }
      if (documents.size > 0) await deps.searchIndex.put([...documents.values()]);
      if (removed.length > 0) await deps.searchIndex.remove(removed);
    });
  await deps.bus.subscribe({
    consumer: CONSUMER,
    topics: ['ticket.#', 'customer.#', 'contact.#'],
    handle: (event) => handleBatch([event]),
    handleBatch,
  });
}

async function documentOf(tx: Tx, event: EventEnvelope): Promise<SearchDocument | null> {
  if (!event.type.startsWith('ticket.')) return crmDocument(event);
  const rows = await tx.sql<IndexedComment[]>`
    select body, internal from search.comments where tenant_id = ${event.tenant_id} and ticket_id = ${event.aggregate.id}
    order by occurred_at, id`;
  return ticketDocument(event, rows);
}

async function keepComment(tx: Tx, event: EventEnvelope): Promise<void> {
  const { ticket, comment_id, visibility, body } = event.data as {
    ticket: { ticket_id: string; customer_id: string };
    comment_id: string;
    visibility: string;
    body: string;
  };
  await tx.sql`
    insert into search.comments (tenant_id, id, ticket_id, customer_id, body, internal, occurred_at)
    values (${event.tenant_id}, ${comment_id}, ${ticket.ticket_id}, ${ticket.customer_id}, ${body}, ${visibility === 'internal'}, ${event.occurred_at})
    on conflict do nothing`;
}
