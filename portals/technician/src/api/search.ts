import { api } from '@psa/app/api/browser';
import type { DataOf, QueryOf } from '@psa/app/api/typed';
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

/** A page of a search, narrowed and sorted. */
export const searchQuery = (q: string, asked: Omit<QueryOf<'GET /search'>, 'q'>, offset: number) =>
  queryOptions({
    queryKey: ['search', q, asked, offset],
    enabled: q !== '',
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => searchAll(q, signal, { ...asked, limit: SEARCH_PAGE, offset }),
  });

/** What a search takes for the same. */
export type SynonymList = DataOf<'GET /search/synonyms'>;
export const synonymsQuery = queryOptions({
  queryKey: ['search', 'synonyms'],
  queryFn: async ({ signal }): Promise<SynonymList> => (await api.get('/search/synonyms', { signal })).data,
});
/** @throws ApiError 412 when somebody changed the list since `version` */
export const changeSynonyms = (groups: string[][] | null, version: number) =>
  api.patch('/search/synonyms', { groups }, { ifMatch: `"${version}"` });

/** Page of a hit. Contacts are shown with their customer. */
export function hitPath(hit: SearchHit): string {
  if (hit.type === 'ticket') return `/tickets/${hit.id}`;
  if (hit.type === 'customer') return `/customers/${hit.id}`;
  const customer = hit.summary.customer_id;
  return typeof customer === 'string' ? `/customers/${customer}#contacts` : '/customers';
}
