import { api } from '@psa/ui/browser-api';
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { statusesOf, type TicketView } from '../tickets/list-view.ts';
import type {
  Attachment,
  Comment,
  HistoryEntry,
  NewTicket,
  SearchHit,
  Tagged,
  Ticket,
  TicketStatus,
} from './types.ts';

const LIST_FIELDS =
  'ticket_number,title,status,priority,requester_id,comment_count,updated_at,resolved_at,highlight';

/** A ticket as the list shows it; `highlight` with a search. */
export type TicketRow = Pick<
  Ticket,
  'id' | 'ticket_number' | 'title' | 'status' | 'priority' | 'comment_count' | 'updated_at' | 'resolved_at'
> &
  Pick<Ticket, 'requester' | 'highlight'>;

/** The tickets of a view, 25 at a time, what changed last first; with a search the best hit first. */
export const ticketsQuery = (view: TicketView) =>
  infiniteQueryOptions({
    queryKey: ['ticket', 'list', view] as const,
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ signal, pageParam }) => {
      const order = view.search ? {} : { sort: 'updated_at', order: 'desc' };
      const { data, meta } = await api.get<TicketRow[]>('/tickets', {
        query: {
          status: statusesOf(view.tab),
          search: view.search,
          fields: LIST_FIELDS,
          include: 'requester',
          limit: 25,
          cursor: pageParam,
          ...order,
        },
        signal,
      });
      return { rows: data, total: meta?.total, next: meta?.next_cursor ?? undefined };
    },
    getNextPageParam: (page) => page.next,
    // While one types a search the list stays; another tab's tickets would be wrong ones.
    placeholderData: (before, query) => (query?.queryKey[2].tab === view.tab ? before : undefined),
  });

/** How many tickets stand in a tab; `null`: in all of them. */
export const countQuery = (tab: TicketView['tab'] | null) =>
  queryOptions({
    queryKey: ['ticket', 'list', 'count', tab],
    queryFn: async ({ signal }) => {
      const { meta } = await api.get('/tickets', {
        query: { status: tab && statusesOf(tab), limit: 1, fields: 'id' },
        signal,
      });
      return meta?.total ?? 0;
    },
  });

export const ticketQuery = (id: string) =>
  queryOptions({
    queryKey: ['ticket', id, 'page'],
    queryFn: async ({ signal }): Promise<Tagged<Ticket>> => {
      const { data, etag } = await api.get<Ticket>(`/tickets/${id}`, {
        query: { include: 'requester,assignee' },
        signal,
      });
      return { data, etag };
    },
  });

/** The conversation, newest page first. */
export const commentsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['ticket', id, 'comments'],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ signal, pageParam }) => {
      const { data, meta } = await api.get<Comment[]>(`/tickets/${id}/comments`, {
        query: { limit: 50, sort: 'created_at', order: 'desc', cursor: pageParam },
        signal,
      });
      return { data, next: meta?.next_cursor ?? undefined };
    },
    getNextPageParam: (page) => page.next,
  });

const listUnder = <T>(id: string, name: string, query: Record<string, string>) =>
  queryOptions({
    queryKey: ['ticket', id, name],
    queryFn: async ({ signal }) =>
      (await api.get<T[]>(`/tickets/${id}/${name}`, { query: { limit: 100, ...query }, signal })).data,
  });
export const attachmentsQuery = (id: string) => listUnder<Attachment>(id, 'attachments', {});
/** The latest hundred entries, newest first. */
export const historyQuery = (id: string) =>
  listUnder<HistoryEntry>(id, 'history', { sort: 'occurred_at', order: 'desc' });

export const categoriesQuery = queryOptions({
  queryKey: ['ticket', 'categories'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }) => (await api.get<string[]>('/tickets/categories', { signal })).data,
});

export const createTicket = async (ticket: NewTicket, idempotencyKey: string) =>
  (await api.post<Ticket>('/tickets', ticket, { idempotencyKey })).data;
export const addReply = async (id: string, body: string, idempotencyKey: string) =>
  (await api.post<Comment>(`/tickets/${id}/comments`, { body }, { idempotencyKey })).data;
/** @throws ApiError 412 when the ticket changed since `etag`, 409 when the status cannot be reached from here */
export async function changeStatus(
  id: string,
  status: TicketStatus,
  etag: string | null,
): Promise<Tagged<Ticket>> {
  const { data, etag: next } = await api.patch<Ticket>(`/tickets/${id}`, { status }, { ifMatch: etag });
  return { data, etag: next };
}

export const attachmentsPath = (ticketId: string) => `/tickets/${ticketId}/attachments`;
export const downloadUrl = (attachment: Pick<Attachment, 'id' | 'ticket_id'>) =>
  api.url(`/tickets/${attachment.ticket_id}/attachments/${attachment.id}/content`);

export const searchTickets = async (q: string, signal: AbortSignal) =>
  (await api.get<SearchHit[]>('/search', { query: { q, types: 'ticket', limit: 8 }, signal })).data;
