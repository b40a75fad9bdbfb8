import type * as auth from '@psa/contracts/auth';
import type * as crm from '@psa/contracts/crm';
import type * as search from '@psa/contracts/search';
import type * as tickets from '@psa/contracts/tickets';
import type { Static } from 'typebox';

// Types alone: the schemas themselves, with TypeBox, stay out of the bundle.
export type Ticket = tickets.Ticket;
export type TicketStatus = tickets.TicketStatus;
export type Priority = tickets.Priority;
export type TicketChanges = tickets.UpdateTicketRequest;
export type NewTicket = tickets.CreateTicketRequest;
export type Comment = Static<typeof tickets.Comment>;
export type NewComment = Static<typeof tickets.CreateCommentRequest>;
export type TimeEntry = Static<typeof tickets.TimeEntry>;
export type NewTimeEntry = Static<typeof tickets.CreateTimeEntryRequest>;
export type Attachment = Static<typeof tickets.Attachment>;
export type HistoryEntry = Static<typeof tickets.HistoryEntry>;
export type Watcher = Static<typeof tickets.Watcher>;
export type SlaExplanation = Static<typeof tickets.SlaExplanation>;
export type TicketStats = Static<typeof tickets.TicketStats>;
export type SavedView = Static<typeof tickets.SavedView>;
export type BulkChanges = Static<typeof tickets.BulkUpdateRequest>['changes'];
export type BulkResult = Static<typeof tickets.BulkUpdateResponse>;
export type Technician = Static<typeof tickets.Technician>;
export type Team = Static<typeof tickets.Team>;
export type Calendar = Static<typeof tickets.Calendar>;
export type SlaPolicy = Static<typeof tickets.SlaPolicy>;
export type AssignmentRule = Static<typeof tickets.AssignmentRule>;
export type Customer = crm.Customer;
export type CustomerView = Static<typeof crm.CustomerView>;
export type Contact = crm.Contact;
export type Site = crm.Site;
export type CsvImportReport = Static<typeof crm.CsvImportReport>;
export type User = auth.User;
export type Role = auth.Role;
export type SearchHit = Static<typeof search.SearchHitView>;

/** An object together with the tag its next change must name. */
export interface Tagged<T> {
  data: T;
  etag: string | null;
}
