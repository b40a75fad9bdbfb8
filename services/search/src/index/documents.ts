import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { SearchDocument } from '@psa/contracts/ports/search';

/** One comment of a ticket as the index needs it. */
export interface IndexedComment {
  readonly body: string;
  readonly internal: boolean;
}

interface TicketFacts {
  ticket_id: string;
  ticket_number: number;
  title: string;
  description: string;
  status: string;
  priority: string;
  tags: string[];
  customer_id: string;
  requester_id: string | null;
  assigned_to: string | null;
  version: number;
}

/** The document of a ticket from an event's facts and the comments known so far. */
export function ticketDocument(event: EventEnvelope, comments: readonly IndexedComment[]): SearchDocument {
  const ticket = event.data.ticket as TicketFacts;
  const text = (internal: boolean) =>
    comments.filter((one) => one.internal === internal).map((one) => one.body);
  return {
    tenant_id: event.tenant_id,
    type: 'ticket',
    id: ticket.ticket_id,
    customer_id: ticket.customer_id,
    owner_ids: [ticket.requester_id, ticket.assigned_to].filter((id) => id !== null),
    title: ticket.title,
    body: [ticket.description, ...text(false)].join('\n'),
    internal: text(true).join('\n'),
    keywords: [String(ticket.ticket_number), ...ticket.tags],
    summary: { ticket_number: ticket.ticket_number, status: ticket.status, priority: ticket.priority },
    version: ticket.version,
    updated_at: event.occurred_at,
  };
}

/** The document of a customer or contact; null for other events. */
export function crmDocument(event: EventEnvelope): SearchDocument | null {
  const data = event.data as Record<string, string | number | string[] | null>;
  const text = (...names: string[]) =>
    names.map((name) => data[name]).filter((value) => typeof value === 'string');
  const base = {
    tenant_id: event.tenant_id,
    customer_id: (data.customer_id as string) ?? null,
    owner_ids: [],
    internal: '',
    title: String(data.name),
    version: Number(data.version),
    updated_at: event.occurred_at,
  };
  if (event.type.startsWith('customer.')) {
    return {
      ...base,
      type: 'customer',
      id: String(data.customer_id),
      body: (data.tags as string[]).join(' '),
      keywords: [String(data.customer_number), ...text('email')],
      summary: { customer_number: data.customer_number, status: data.status },
    };
  }
  if (event.type.startsWith('contact.')) {
    return {
      ...base,
      type: 'contact',
      id: String(data.contact_id),
      body: text('position').join(' '),
      keywords: text('email', 'phone'),
      summary: { email: data.email, customer_id: data.customer_id },
    };
  }
  return null;
}
