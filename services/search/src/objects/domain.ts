import type { EventEnvelope } from '@psa/contracts/events/envelope';
import type { SearchDocument } from '@psa/contracts/ports/search';
import { OPEN_STATUSES } from '@psa/contracts/tickets';
import type { EventData } from '@psa/service-kit/outbox';

export const OBJECT_TYPES = ['ticket', 'customer', 'contact'] as const;
export type ObjectType = (typeof OBJECT_TYPES)[number];

type TicketFacts = EventData<'ticket.opened.v1'>['ticket'];
type CustomerFacts = EventData<'customer.created.v1'>;
type ContactFacts = EventData<'contact.created.v1'>;

interface Known<Type extends ObjectType, Facts> {
  readonly type: Type;
  readonly id: string;
  readonly facts: Facts;
}
/** An object as events told it. */
export type Described =
  | Known<'ticket', TicketFacts>
  | Known<'customer', CustomerFacts>
  | Known<'contact', ContactFacts>;

/** A comment or the name of an attachment; of a removed one the place is kept and nothing stands in it. */
export interface TicketText {
  readonly ticket_id: string;
  readonly id: string;
  readonly internal: boolean;
  readonly body: string;
  readonly written_at: string;
  /** It came back out of a backup: it takes its place again, whatever stands there. */
  readonly back: boolean;
}

/** What an event means for the index. */
export interface Change {
  readonly object: Described;
  readonly customer_id: string;
  readonly version: number;
  readonly deleted: boolean;
  readonly texts: readonly TicketText[];
  readonly at: string;
}

/** Null for events that say nothing of an object that can be searched. */
export function changeOf(event: EventEnvelope): Change | null {
  const [noun, verb] = event.type.split('.');
  const at = event.occurred_at;
  const deleted = verb === 'deleted';
  if (noun === 'customer') {
    const facts = event.data as CustomerFacts;
    const object = { type: 'customer', id: facts.customer_id, facts } as const;
    return { object, customer_id: facts.customer_id, version: facts.version, deleted, texts: [], at };
  }
  if (noun === 'contact') {
    const facts = event.data as ContactFacts;
    const object = { type: 'contact', id: facts.contact_id, facts } as const;
    return { object, customer_id: facts.customer_id, version: facts.version, deleted, texts: [], at };
  }
  const facts = (event.data as { ticket?: TicketFacts }).ticket;
  if (noun !== 'ticket' || !facts) return null;
  const object = { type: 'ticket', id: facts.ticket_id, facts } as const;
  return {
    object,
    customer_id: facts.customer_id,
    version: facts.version,
    deleted,
    texts: textsOf(event),
    at,
  };
}

function textsOf(event: EventEnvelope): readonly TicketText[] {
  const written_at = event.occurred_at;
  if (event.type === 'ticket.commented.v1') {
    const data = event.data as EventData<'ticket.commented.v1'>;
    const internal = !isPublic(event, data.visibility);
    const { ticket_id } = data.ticket;
    return [{ ticket_id, id: data.comment_id, internal, body: data.body, written_at, back: false }];
  }
  if (event.type === 'ticket.attached.v1' || event.type === 'ticket.detached.v1') {
    const data = event.data as EventData<'ticket.detached.v1'>;
    const internal = !isPublic(event, data.visibility);
    const body = event.type === 'ticket.attached.v1' ? data.file_name : '';
    const { ticket_id } = data.ticket;
    return [{ ticket_id, id: data.attachment_id, internal, body, written_at, back: false }];
  }
  if (event.type === 'ticket.restored.v1') {
    const data = event.data as EventData<'ticket.restored.v1'>;
    const { ticket_id } = data.ticket;
    return data.texts.map(({ id, visibility, body, written_at }) => ({
      ...{ ticket_id, id, body, written_at, back: true },
      internal: !isPublic(event, visibility),
    }));
  }
  return [];
}

/** Both must say so: what one of them keeps from customers stays from them. */
const isPublic = (event: EventEnvelope, visibility: string) => event.public && visibility === 'public';

/** An object as it is stored. */
export interface StoredObject {
  readonly tenant_id: string;
  readonly object: Described;
  readonly customer_id: string | null;
  readonly revision: number;
  readonly updated_at: string;
}

/**
 * Which form {@link documentOf} gives documents. Raised with every change of it, by a migration that has all documents put
 * anew (`reindex_form_<form>`, as in 006): else what is indexed already is found by the form before.
 */
export const DOCUMENT_FORM = 3;

/** Of people and companies: there as long as they are kept. In no status that one filters by. */
const GOES_ON = { status: '', open: true } as const;

/** The document of an object. `texts`: of a ticket, oldest first. */
export function documentOf(
  stored: StoredObject,
  texts: readonly Pick<TicketText, 'internal' | 'body'>[],
): SearchDocument {
  const { object } = stored;
  const base = {
    tenant_id: stored.tenant_id,
    type: object.type,
    id: object.id,
    customer_id: stored.customer_id,
    version: stored.revision,
    updated_at: stored.updated_at,
  };
  const lines = (...parts: (string | null | undefined)[]) => parts.filter(Boolean).join('\n');
  const words = (...parts: (string | null | undefined)[]) =>
    parts.filter((part): part is string => Boolean(part));
  switch (object.type) {
    case 'ticket': {
      const { facts } = object;
      return {
        ...base,
        title: facts.title,
        body: lines(facts.description, ...texts.filter((text) => !text.internal).map((text) => text.body)),
        internal: lines(...texts.filter((text) => text.internal).map((text) => text.body)),
        keywords: words(String(facts.ticket_number), facts.category, ...facts.tags),
        summary: {
          ticket_number: facts.ticket_number,
          status: facts.status,
          priority: facts.priority,
          customer_id: facts.customer_id,
          assigned_to: facts.assigned_to,
        },
        state: { status: facts.status, open: (OPEN_STATUSES as readonly string[]).includes(facts.status) },
      };
    }
    case 'customer': {
      const { facts } = object;
      return {
        ...base,
        title: facts.name,
        body: lines(facts.website),
        internal: lines(facts.notes, ...facts.tags),
        // As it is kept, and as it is shown.
        keywords: words(String(facts.customer_number), `K${facts.customer_number}`, facts.email, facts.phone),
        summary: { customer_number: facts.customer_number, status: facts.status, email: facts.email },
        state: GOES_ON,
      };
    }
    case 'contact': {
      const { facts } = object;
      return {
        ...base,
        title: facts.name,
        body: lines(facts.position),
        internal: lines(facts.notes),
        keywords: words(facts.email, facts.phone),
        summary: { customer_id: facts.customer_id, email: facts.email, phone: facts.phone },
        state: GOES_ON,
      };
    }
  }
}

/** What of a document any index can take: its number and the plain words of its title. */
export const bareDocument = (doc: SearchDocument): SearchDocument => ({
  ...doc,
  title: doc.title.replace(/[^\p{Script=Latin}\p{N} ]/gu, ' ').slice(0, 200),
  body: '',
  internal: '',
  keywords: doc.keywords.filter((keyword) => /^[\w.@+-]{1,100}$/.test(keyword)),
});
