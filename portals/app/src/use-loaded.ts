import { type QueryKey, type UseQueryOptions, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { useRef } from 'react';

/**
 * A query that the page's `prefetch` has read, kept fresh. Its data are there: a page that could not be loaded is not
 * shown, and one that is being left (signing out and deleting empty the cache) keeps what it had.
 */
export function useLoaded<T, E, D, K extends QueryKey>(
  options: UseQueryOptions<T, E, D, K>,
): Omit<UseQueryResult<D, E>, 'data'> & { data: D } {
  const query = useQuery(options);
  const last = useRef(query.data);
  if (query.data !== undefined) last.current = query.data;
  if (last.current === undefined)
    throw new Error(
      `Unable to show the page: its prefetch has not read ${JSON.stringify(options.queryKey)}.`,
    );
  return { ...query, data: last.current };
}
