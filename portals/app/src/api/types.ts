import type * as schema from './schema.ts';
import type { BodyOf, DataOf } from './typed.ts';

// What the portals call the things that the API answers.
export type Ticket = schema.Ticket;
export type TicketStatus = Ticket['status'];
export type Priority = Ticket['priority'];
export type TicketChanges = BodyOf<'PATCH /tickets/{id}'>;
export type NewTicket = BodyOf<'POST /tickets'>;
export type Comment = DataOf<'POST /tickets/{id}/comments'>;
export type NewComment = BodyOf<'POST /tickets/{id}/comments'>;
export type TimeEntry = DataOf<'POST /tickets/{id}/time-entries'>;
export type TimeEntryChanges = BodyOf<'PATCH /tickets/{id}/time-entries/{entry_id}'>;
export type NewTimeEntry = BodyOf<'POST /tickets/{id}/time-entries'>;
export type Attachment = DataOf<'POST /tickets/{id}/attachments'>;
export type HistoryEntry = Required<DataOf<'GET /tickets/{id}/history'>[number]>;
export type Watcher = DataOf<'GET /tickets/{id}/watchers'>[number];
export type SlaExplanation = DataOf<'GET /tickets/{id}/sla'>;
export type TicketStats = DataOf<'GET /tickets/stats'>;
export type SavedView = DataOf<'POST /saved-views'>;
export type BulkChanges = BodyOf<'POST /tickets/bulk'>['changes'];
export type BulkResult = DataOf<'POST /tickets/bulk'>;
export type Technician = DataOf<'PATCH /technicians/{id}'>;
export type Team = DataOf<'POST /teams'>;
export type Calendar = DataOf<'POST /calendars'>;
export type SlaPolicy = DataOf<'POST /sla-policies'>;
export type Category = DataOf<'POST /categories'>;
export type AssignmentRule = DataOf<'POST /assignment-rules'>;
export type Customer = DataOf<'POST /customers'>;
export type Contact = DataOf<'POST /contacts'>;
export type ContactFields = BodyOf<'PATCH /contacts/{id}'>;
export type Site = DataOf<'POST /sites'>;
/** A customer with what belongs to it. */
export type CustomerView = Customer & { sites?: Site[]; contacts?: Contact[] };
export type CsvImportReport = DataOf<'POST /customers/import-csv'>;
/** What comes and goes as CSV. */
export type CsvKind = 'customers' | 'contacts' | 'sites';
export type CsvColumn = NonNullable<CsvImportReport['columns'][number]['column']>;
export type ImportChoice = BodyOf<'PATCH /customers/import-columns'>['choices'][number];
export type ApiKey = schema.ApiKey;
export type AttachmentQuota = schema.AttachmentQuota;
export type BackupReport = DataOf<'GET /backups'>[number];
export type User = DataOf<'POST /users'>;
export type Role = DataOf<'POST /roles'>;
export type SearchHit = DataOf<'GET /search'>[number];
export type Me = DataOf<'GET /auth/me'>;

/** An object together with the tag its next change must name. */
export interface Tagged<T> {
  data: T;
  etag: string | null;
}

/**
 * Rows with the fields of `T`. Lists and some objects take `fields`, so their documents call every field optional; who
 * asks without it, or for those of `T`, gets them.
 */
export const whole = <T extends object>(rows: readonly Partial<T>[]): T[] => rows as T[];
export const wholeOne = <T extends object>(row: Partial<T>): T => row as T;
