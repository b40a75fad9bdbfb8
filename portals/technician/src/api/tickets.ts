import { api } from '@psa/app/api/browser';
import type { QueryOf } from '@psa/app/api/typed';
import {
  type BulkChanges,
  type BulkResult,
  type Escalation,
  type NewTimeEntry,
  type SavedView,
  type Tagged,
  type Ticket,
  type TimeEntry,
  type TimeEntryChanges,
  whole,
} from '@psa/app/api/types';
import { ticketQuery as sharedTicketQuery } from '@psa/app/tickets';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

/** What the list needs of a ticket; the description stays on the server. */
const LIST_FIELDS =
  'ticket_number,title,status,priority,category,tags,customer_id,assigned_to,team_id,sla,comment_count,version,created_at,updated_at';
export const LIST_QUERY = { fields: LIST_FIELDS, include: 'customer,assignee,team' };

export type TicketListQuery = QueryOf<'GET /tickets'>;

/** A ticket as the list shows it; `highlight` with a text search. */
export type TicketRow = Pick<
  Ticket,
  'id' | 'ticket_number' | 'title' | 'status' | 'priority' | 'tags' | 'customer_id' | 'assigned_to'
> &
  Partial<Ticket>;

export const ticketQuery = (id: string) =>
  sharedTicketQuery(id, 'customer,assignee,requester,contact,creator,team');

export const timeEntriesQuery = (id: string) =>
  queryOptions({
    queryKey: ['ticket', id, 'time-entries'],
    queryFn: async ({ signal }) =>
      whole<TimeEntry>(
        (await api.get('/tickets/{id}/time-entries', { path: { id }, query: { limit: 100 }, signal })).data,
      ),
  });
export const watchersQuery = (id: string) =>
  queryOptions({
    queryKey: ['ticket', id, 'watchers'],
    queryFn: async ({ signal }) => (await api.get('/tickets/{id}/watchers', { path: { id }, signal })).data,
  });
export const slaQuery = (id: string) =>
  queryOptions({
    queryKey: ['ticket', id, 'sla'],
    queryFn: async ({ signal }) => (await api.get('/tickets/{id}/sla', { path: { id }, signal })).data,
  });

export type TicketScope = NonNullable<QueryOf<'GET /tickets/stats'>['of']>;
/** Whose tickets the figures of the dashboard are about. */
export const TICKET_SCOPES = ['mine', 'team', 'all'] as const satisfies readonly TicketScope[];

export const statsQuery = (of: TicketScope) =>
  queryOptions({
    queryKey: ['ticket', 'stats', of],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await api.get('/tickets/stats', { query: { of }, signal })).data,
  });

/** A short list for the dashboard and the customer page. */
export const ticketListQuery = (query: TicketListQuery, name: string = JSON.stringify(query)) =>
  queryOptions({
    queryKey: ['ticket', 'list', name, query],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, meta } = await api.get('/tickets', { query: { ...LIST_QUERY, ...query }, signal });
      return { rows: whole<TicketRow>(data), meta };
    },
  });

export const ticketTagsQuery = queryOptions({
  queryKey: ['ticket', 'tags'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }) => (await api.get('/tickets/tags', { signal })).data,
});

/** How many tickets each of several lists has, by the list's query: what is shown meanwhile may be of other lists. */
export const ticketCountsQuery = (queries: readonly string[]) =>
  queryOptions({
    queryKey: ['ticket', 'counts', queries],
    staleTime: 60_000,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data } = await api.get('/tickets/counts', { query: { lists: queries.join(';') }, signal });
      return new Map(queries.map((query, index) => [query, data[index]]));
    },
  });

export const savedViewsQuery = queryOptions({
  queryKey: ['saved-views'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }) =>
    whole<SavedView>((await api.get('/saved-views', { query: { limit: 100 }, signal })).data),
});
export const createView = (view: { name: string; query: string; shared: boolean }) =>
  api.post('/saved-views', view);
export const deleteView = (id: string) => api.delete('/saved-views/{id}', { path: { id } });

/** The ticket that waits first for whoever asks, theirs from now on; null where none waits. */
export async function takeNextTicket(
  idempotencyKey: string,
): Promise<{ data: Ticket | null; etag: string | null }> {
  const { data, etag } = await api.post('/tickets/next', {}, { idempotencyKey });
  return { data, etag };
}
/** @throws ApiError 412 when somebody changed the ticket meanwhile */
export async function escalateTicket(
  { data: { id }, etag }: Tagged<Ticket>,
  call: Escalation,
  idempotencyKey: string,
): Promise<Tagged<Ticket>> {
  const { data, etag: next } = await api.post('/tickets/{id}/escalations', call, {
    path: { id },
    ifMatch: etag,
    idempotencyKey,
  });
  return { data, etag: next };
}
export const deleteTicket = (id: string, etag: string | null) =>
  api.delete('/tickets/{id}', { path: { id }, ifMatch: etag });
export const addTime = async (id: string, entry: NewTimeEntry, idempotencyKey: string): Promise<TimeEntry> =>
  (await api.post('/tickets/{id}/time-entries', entry, { path: { id }, idempotencyKey })).data;

const ofEntry = (entry: TimeEntry) => ({
  path: { id: entry.ticket_id, entry_id: entry.id },
  ifMatch: `"${entry.version}"`,
});
/** @throws ApiError 412 when somebody changed the entry meanwhile */
export const changeTime = (entry: TimeEntry, changes: TimeEntryChanges) =>
  api.patch('/tickets/{id}/time-entries/{entry_id}', changes, ofEntry(entry));
/** @throws ApiError 412 when somebody changed the entry meanwhile */
export const deleteTime = (entry: TimeEntry) =>
  api.delete('/tickets/{id}/time-entries/{entry_id}', ofEntry(entry));

/** Most tickets that one request may change. */
const BULK_LIMIT = 200;
/** Changes any number of tickets, 200 at a time; what failed is reported per ticket. */
export async function bulkChange(ids: readonly string[], changes: BulkChanges): Promise<BulkResult> {
  const result: BulkResult = { updated: [], failed: [] };
  for (let from = 0; from < ids.length; from += BULK_LIMIT) {
    const part = ids.slice(from, from + BULK_LIMIT);
    try {
      const { data } = await api.post('/tickets/bulk', { ids: part, changes }, { timeout: 120_000 });
      result.updated.push(...data.updated);
      result.failed.push(...data.failed);
    } catch (error) {
      // The batches before are done: what is left is reported, not forgotten.
      if (from === 0) throw error;
      const message = error instanceof Error ? error.message : String(error);
      result.failed.push(...ids.slice(from).map((id) => ({ id, code: 'NOT_SENT', message })));
      break;
    }
  }
  return result;
}
