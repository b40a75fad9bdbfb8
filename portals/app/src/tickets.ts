import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api } from './api/browser.ts';
import { ApiError } from './api/error.ts';
import type { QueryOf } from './api/typed.ts';
import {
  type Attachment,
  type Comment,
  type HistoryEntry,
  type NewComment,
  type NewTicket,
  type Tagged,
  type Ticket,
  type TicketChanges,
  whole,
} from './api/types.ts';

// What both portals read and write of tickets. Query keys begin with 'ticket', as live events name them.

/** A ticket with what `include` names, and the tag of its state. */
export const ticketQuery = (id: string, include: string) =>
  queryOptions({
    queryKey: ['ticket', id, 'page'],
    queryFn: async ({ signal }): Promise<Tagged<Ticket>> => {
      const { data, etag } = await api.get('/tickets/{id}', { path: { id }, query: { include }, signal });
      return { data, etag };
    },
  });

/** Pages of what belongs to a ticket, the newest first. */
function pagesOf<T extends object>(
  id: string,
  name: 'comments' | 'history',
  query: QueryOf<'GET /tickets/{id}/comments'>,
) {
  return infiniteQueryOptions({
    queryKey: ['ticket', id, name],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ signal, pageParam: cursor }) => {
      const { data, meta } = await api.get(`/tickets/{id}/${name}`, {
        path: { id },
        query: { ...query, order: 'desc', ...(cursor === undefined ? {} : { cursor }) },
        signal,
      });
      return { data: whole<T>(data as Partial<T>[]), next: meta.next_cursor ?? undefined };
    },
    getNextPageParam: (page) => page.next,
  });
}
/** The conversation; pages are shown in reverse. */
export const commentsQuery = (id: string) =>
  pagesOf<Comment>(id, 'comments', { sort: 'created_at', limit: 50 });
/** What happened to it. */
export const historyQuery = (id: string) =>
  pagesOf<HistoryEntry>(id, 'history', { sort: 'occurred_at', limit: 30 });

/** The first of what happened to it, which stays as it is. */
export const openingQuery = (id: string) =>
  queryOptions({
    queryKey: ['opening', id],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const { data } = await api.get('/tickets/{id}/history', { path: { id }, query: { limit: 1 }, signal });
      return whole<HistoryEntry>(data)[0] ?? null;
    },
  });

/** A contact's name; null where there is no such contact any more. */
export const contactNameQuery = (id: string) =>
  queryOptions({
    queryKey: ['contact', id, 'name'],
    staleTime: 5 * 60_000,
    queryFn: async ({ signal }) => {
      try {
        const { data } = await api.get('/contacts/{id}', { path: { id }, query: { fields: 'name' }, signal });
        return data.name ?? null;
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
  });

export const attachmentsQuery = (id: string) =>
  queryOptions({
    queryKey: ['ticket', id, 'attachments'],
    queryFn: async ({ signal }) =>
      whole<Attachment>(
        (await api.get('/tickets/{id}/attachments', { path: { id }, query: { limit: 100 }, signal })).data,
      ),
  });

/** Where files of a ticket are sent. */
export const attachmentsPath = (ticketId: string) => `/tickets/${ticketId}/attachments`;

export const attachmentUrl = ({ id, ticket_id }: Pick<Attachment, 'id' | 'ticket_id'>): string =>
  api.url('/tickets/{id}/attachments/{attachment_id}/content', {
    path: { id: ticket_id, attachment_id: id },
  });

/** The same for what is shown in place. */
export const shownUrl = ({ id, ticket_id }: Pick<Attachment, 'id' | 'ticket_id'>): string =>
  api.url('/tickets/{id}/attachments/{attachment_id}/content', {
    path: { id: ticket_id, attachment_id: id },
    query: { in_place: true },
  });

export const deleteAttachment = ({ id, ticket_id }: Pick<Attachment, 'id' | 'ticket_id'>) =>
  api.delete('/tickets/{id}/attachments/{attachment_id}', { path: { id: ticket_id, attachment_id: id } });

/** Categories that a ticket may be filed under: for customers the desk's list, for staff those in use too. */
export const categoriesQuery = queryOptions({
  queryKey: ['ticket', 'categories'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }) => (await api.get('/tickets/categories', { signal })).data,
});

export const createTicket = async (ticket: NewTicket, idempotencyKey: string): Promise<Ticket> =>
  (await api.post('/tickets', ticket, { idempotencyKey })).data;

/** @throws ApiError 412 when the ticket changed since `etag`, 409 when the status cannot be reached from here */
export async function changeTicket(
  id: string,
  changes: TicketChanges,
  etag: string | null,
): Promise<Tagged<Ticket>> {
  const { data, etag: next } = await api.patch('/tickets/{id}', changes, { path: { id }, ifMatch: etag });
  return { data, etag: next };
}

export const addComment = async (id: string, comment: NewComment, idempotencyKey: string): Promise<Comment> =>
  (await api.post('/tickets/{id}/comments', comment, { path: { id }, idempotencyKey })).data;
