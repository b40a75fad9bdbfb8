import { api } from '@psa/app/api/browser';
import type { QueryOf } from '@psa/app/api/typed';
import type { SearchHit } from '@psa/app/api/types';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

export const SEARCH_PAGE = 25;

export async function searchAll(
  q: string,
  signal: AbortSignal,
  options: Omit<QueryOf<'GET /search'>, 'q'> = {},
) {
  const { data, meta } = await api.get('/search', { query: { q, ...options }, signal });
  return { hits: data, meta };
}

export const searchQuery = (q: string, types: string, offset: number) =>
  queryOptions({
    queryKey: ['search', q, types, offset],
    enabled: q !== '',
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => searchAll(q, signal, { types, limit: SEARCH_PAGE, offset }),
  });

/** Page of a hit. Contacts are shown with their customer. */
export function hitPath(hit: SearchHit): string {
  if (hit.type === 'ticket') return `/tickets/${hit.id}`;
  if (hit.type === 'customer') return `/customers/${hit.id}`;
  const customer = hit.summary.customer_id;
  return typeof customer === 'string' ? `/customers/${customer}#contacts` : '/customers';
}
