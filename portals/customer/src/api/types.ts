import type * as crm from '@psa/contracts/crm';
import type * as search from '@psa/contracts/search';
import type * as tickets from '@psa/contracts/tickets';
import type { Static } from 'typebox';

// Types alone: the schemas themselves, with TypeBox, stay out of the bundle.
export type Ticket = tickets.Ticket;
export type TicketStatus = tickets.TicketStatus;
export type Priority = tickets.Priority;
export type NewTicket = tickets.CreateTicketRequest;
export type Comment = Static<typeof tickets.Comment>;
export type Attachment = Static<typeof tickets.Attachment>;
export type HistoryEntry = Static<typeof tickets.HistoryEntry>;
export type Contact = crm.Contact;
export type ContactFields = Static<typeof crm.UpdateContactRequest>;
export type SearchHit = Static<typeof search.SearchHitView>;

/** An object together with the tag its next change must name. */
export interface Tagged<T> {
  data: T;
  etag: string | null;
}

/** Longest title, description and reply, as in the contract. */
export const MAX_TITLE = 200;
export const MAX_TEXT = 50_000;
export const PRIORITIES = ['low', 'medium', 'high', 'critical'] as const satisfies readonly Priority[];
