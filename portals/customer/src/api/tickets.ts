import { api } from '@psa/app/api/browser';
import { type HistoryEntry, type Ticket, whole } from '@psa/app/api/types';
import { ticketQuery as sharedTicketQuery } from '@psa/app/tickets';
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { statusesOf, type TicketView } from '../tickets/list-view.ts';

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
    queryFn: async ({ signal, pageParam: cursor }) => {
      const order = view.search ? {} : { sort: 'updated_at', order: 'desc' };
      const { data, meta } = await api.get('/tickets', {
        query: {
          status: statusesOf(view.tab),
          search: view.search,
          fields: LIST_FIELDS,
          include: 'requester',
          limit: 25,
          ...(cursor === undefined ? {} : { cursor }),
          ...order,
        },
        signal,
      });
      return { rows: whole<TicketRow>(data), total: meta.total, next: meta.next_cursor ?? undefined };
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
        query: { limit: 1, fields: 'id', ...(tab ? { status: statusesOf(tab) } : {}) },
        signal,
      });
      return meta.total ?? 0;
    },
  });

export const ticketQuery = (id: string) => sharedTicketQuery(id, 'requester,assignee,creator,contact');

/** The latest hundred entries, newest first. */
export const historyQuery = (id: string) =>
  queryOptions({
    queryKey: ['ticket', id, 'history'],
    queryFn: async ({ signal }) =>
      whole<HistoryEntry>(
        (
          await api.get('/tickets/{id}/history', {
            path: { id },
            query: { limit: 100, sort: 'occurred_at', order: 'desc' },
            signal,
          })
        ).data,
      ),
  });

export const searchTickets = async (q: string, signal: AbortSignal) =>
  (await api.get('/search', { query: { q, types: 'ticket', limit: 8 }, signal })).data;
