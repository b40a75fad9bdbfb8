import { api } from '@psa/ui/browser-api';
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type {
  Attachment,
  BulkChanges,
  BulkResult,
  Comment,
  HistoryEntry,
  NewComment,
  NewTicket,
  NewTimeEntry,
  SavedView,
  SlaExplanation,
  Tagged,
  Ticket,
  TicketChanges,
  TicketStats,
  TimeEntry,
  Watcher,
} from './types.ts';

/** What the list needs of a ticket; the description stays on the server. */
const LIST_FIELDS =
  'ticket_number,title,status,priority,category,tags,customer_id,assigned_to,team_id,sla_response_due,sla_resolution_due,sla_response_state,sla_resolution_state,sla_breached,sla_paused_since,first_response_at,resolved_at,comment_count,version,created_at,updated_at';
export const LIST_QUERY = { fields: LIST_FIELDS, include: 'customer,assignee' };
const PAGE_INCLUDES = 'customer,assignee,requester,contact,team';

/** A ticket as the list shows it; `highlight` with a text search. */
export type TicketRow = Pick<
  Ticket,
  'id' | 'ticket_number' | 'title' | 'status' | 'priority' | 'tags' | 'customer_id' | 'assigned_to'
> &
  Partial<Ticket>;

export const ticketQuery = (id: string) =>
  queryOptions({
    queryKey: ['ticket', id, 'page'],
    queryFn: async ({ signal }): Promise<Tagged<Ticket>> => {
      const { data, etag } = await api.get<Ticket>(`/tickets/${id}`, {
        query: { include: PAGE_INCLUDES },
        signal,
      });
      return { data, etag };
    },
  });

/** Pages of what belongs to a ticket, the newest first. */
const pagesUnder = <T>(id: string, name: string, sort: string, limit: number) =>
  infiniteQueryOptions({
    queryKey: ['ticket', id, name],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ signal, pageParam }) => {
      const { data, meta } = await api.get<T[]>(`/tickets/${id}/${name}`, {
        query: { limit, sort, order: 'desc', cursor: pageParam },
        signal,
      });
      return { data, next: meta?.next_cursor ?? undefined };
    },
    getNextPageParam: (page) => page.next,
  });
/** The conversation; pages are shown in reverse. */
export const commentsQuery = (id: string) => pagesUnder<Comment>(id, 'comments', 'created_at', 50);
export const historyQuery = (id: string) => pagesUnder<HistoryEntry>(id, 'history', 'occurred_at', 30);

const listUnder = <T>(id: string, name: string) =>
  queryOptions({
    queryKey: ['ticket', id, name],
    queryFn: async ({ signal }) =>
      (await api.get<T[]>(`/tickets/${id}/${name}`, { query: { limit: 100 }, signal })).data,
  });
export const timeEntriesQuery = (id: string) => listUnder<TimeEntry>(id, 'time-entries');
export const attachmentsQuery = (id: string) => listUnder<Attachment>(id, 'attachments');
export const watchersQuery = (id: string) =>
  queryOptions({
    queryKey: ['ticket', id, 'watchers'],
    queryFn: async ({ signal }) => (await api.get<Watcher[]>(`/tickets/${id}/watchers`, { signal })).data,
  });
export const slaQuery = (id: string) =>
  queryOptions({
    queryKey: ['ticket', id, 'sla'],
    queryFn: async ({ signal }) => (await api.get<SlaExplanation>(`/tickets/${id}/sla`, { signal })).data,
  });

export const statsQuery = queryOptions({
  queryKey: ['ticket', 'stats'],
  queryFn: async ({ signal }) => (await api.get<TicketStats>('/tickets/stats', { signal })).data,
});

/** A short list for the dashboard and the customer page. */
export const ticketListQuery = (
  query: Record<string, string | number | undefined>,
  name: string = JSON.stringify(query),
) =>
  queryOptions({
    queryKey: ['ticket', 'list', name, query],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const { data, meta } = await api.get<TicketRow[]>('/tickets', {
        query: { ...LIST_QUERY, ...query },
        signal,
      });
      return { rows: data, meta };
    },
  });

export const ticketTagsQuery = queryOptions({
  queryKey: ['ticket', 'tags'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }) => (await api.get<string[]>('/tickets/tags', { signal })).data,
});
export const categoriesQuery = queryOptions({
  queryKey: ['ticket', 'categories'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }) => (await api.get<string[]>('/tickets/categories', { signal })).data,
});

export const savedViewsQuery = queryOptions({
  queryKey: ['saved-views'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }) =>
    (await api.get<SavedView[]>('/saved-views', { query: { limit: 100 }, signal })).data,
});
export const createView = (view: { name: string; query: string; shared: boolean }) =>
  api.post<SavedView>('/saved-views', view);
export const deleteView = (id: string) => api.delete(`/saved-views/${id}`);

export async function changeTicket(
  id: string,
  changes: TicketChanges,
  etag: string | null,
): Promise<Tagged<Ticket>> {
  const { data, etag: next } = await api.patch<Ticket>(`/tickets/${id}`, changes, { ifMatch: etag });
  return { data, etag: next };
}
export const createTicket = async (ticket: NewTicket, idempotencyKey: string) =>
  (await api.post<Ticket>('/tickets', ticket, { idempotencyKey })).data;
export const deleteTicket = (id: string, etag: string | null) =>
  api.delete(`/tickets/${id}`, { ifMatch: etag });
export const addComment = async (id: string, comment: NewComment, idempotencyKey: string) =>
  (await api.post<Comment>(`/tickets/${id}/comments`, comment, { idempotencyKey })).data;
export const addTime = async (id: string, entry: NewTimeEntry, idempotencyKey: string) =>
  (await api.post<TimeEntry>(`/tickets/${id}/time-entries`, entry, { idempotencyKey })).data;

/** Most tickets that one request may change. */
const BULK_LIMIT = 200;
/** Changes any number of tickets, 200 at a time; what failed is reported per ticket. */
export async function bulkChange(ids: readonly string[], changes: BulkChanges): Promise<BulkResult> {
  const result: BulkResult = { updated: [], failed: [] };
  for (let from = 0; from < ids.length; from += BULK_LIMIT) {
    const part = ids.slice(from, from + BULK_LIMIT);
    try {
      const { data } = await api.post<BulkResult>(
        '/tickets/bulk',
        { ids: part, changes },
        { timeout: 120_000 },
      );
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
