import { api } from '@psa/ui/browser-api';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { SearchHit } from './types.ts';

export const SEARCH_PAGE = 25;

export async function searchAll(
  q: string,
  signal: AbortSignal,
  options: { types?: string; limit?: number; offset?: number } = {},
) {
  const { data, meta } = await api.get<SearchHit[]>('/search', { query: { q, ...options }, signal });
  return {
    hits: data,
    meta: meta as unknown as {
      total: number;
      total_relation: 'eq' | 'gte';
      corrected: Record<string, string[]>;
      took_ms: number;
    },
  };
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
