import { api } from '@psa/app/api/browser';
import { whole } from '@psa/app/api/types';
import { LIVE_BUDGETS } from '@psa/app/live/refresher';
import { createPageRefresher } from '@psa/app/live/use-live-updates';
import { type QueryClient, queryOptions, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { LIST_QUERY, type TicketListQuery, type TicketRow } from '../api/tickets.ts';
import { useLiveMessages } from '../live/live-store.ts';
import { PAGE_SIZE, pageOf, pagesFor, reachable, samePages } from './page-window.ts';

const ROWS = 'ticket-rows';
/** More changed rows than this in one round are counted, not read one by one. */
const MOST_PATCHES = 8;
const OWN_ECHO = 10_000;

const pageKey = (filter: string, page: number) => [ROWS, filter, 'page', page] as const;
/** A filter is written in the API's own words (`filter.ts`). */
const queryOf = (filter: string): TicketListQuery => Object.fromEntries(new URLSearchParams(filter));

const countQuery = (filter: string) =>
  queryOptions({
    queryKey: [ROWS, filter, 'count'],
    staleTime: 5 * 60_000,
    queryFn: async ({ signal }) => {
      const { meta } = await api.get('/tickets', {
        query: { ...queryOf(filter), limit: 1, fields: 'id', count: 'exact' },
        signal,
      });
      return meta.total ?? 0;
    },
  });

const pageQuery = (filter: string, page: number) =>
  queryOptions({
    queryKey: pageKey(filter, page),
    staleTime: 5 * 60_000,
    queryFn: async ({ signal }) =>
      whole<TicketRow>(
        (
          await api.get('/tickets', {
            query: { ...LIST_QUERY, ...queryOf(filter), limit: PAGE_SIZE, page, count: 'none' },
            signal,
          })
        ).data,
      ),
  });

/** Reads the count and the first page of a list: one round trip until something is seen. */
export const prefetchRows = (queries: QueryClient, filter: string) =>
  Promise.all([queries.prefetchQuery(countQuery(filter)), queries.prefetchQuery(pageQuery(filter, 1))]);

/**
 * Rows of the ticket list for a filter (a canonical query string): counted once, then read a page at a time
 * where the window stands. Pages stay in the cache, so coming back finds the list as it was left.
 *
 * A live change of a row on the screen is written into its place. Anything else that happens (new tickets,
 * rows that would move) is only counted as `changes`, because a list must not jump under the cursor;
 * `refresh` reads anew.
 */
export function useTicketRows(filter: string) {
  const queries = useQueryClient();
  const [range, setRange] = useState<readonly [number, number]>([0, 40]);
  const [changes, setChanges] = useState(0);
  const refresher = useRef<ReturnType<typeof createPageRefresher<string>>>(null);

  const counted = useQuery(countQuery(filter));
  const total = counted.data ?? 0;
  const count = reachable(total);

  // The first page is asked for together with the count: one round trip until something is seen.
  const wanted = counted.data === undefined ? [pageOf(range[0])] : pagesFor(range[0], range[1], count);
  const pages = useQueries({ queries: wanted.map((page) => pageQuery(filter, page)) });
  // New data give a new itemAt, and only they: the list looks for its place again when it changes.
  const stamp = pages.map((page) => page.dataUpdatedAt).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the stamp stands for the pages' data
  const itemAt = useCallback(
    (index: number): TicketRow | undefined =>
      queries.getQueryData<TicketRow[]>(pageKey(filter, pageOf(index)))?.[index % PAGE_SIZE],
    [queries, filter, stamp],
  );

  const onRange = useCallback((first: number, last: number) => {
    // Rows that need no other pages are nothing new: the page is not drawn again for each that passes by.
    setRange((before) => (samePages(before, [first, last]) ? before : [first, last]));
  }, []);

  const refresh = useCallback(() => {
    setChanges(0);
    refresher.current?.cancel();
    void queries.invalidateQueries({ queryKey: [ROWS] });
  }, [queries]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter is another list
  useEffect(() => {
    setChanges(0);
    refresher.current?.cancel();
  }, [filter]);

  /** Tickets changed from here a moment ago: what the stream tells of them is known. */
  const own = useRef(new Set<string>());
  const changedHere = useCallback(
    (ids: readonly string[]) => {
      for (const id of ids) own.current.add(id);
      setTimeout(() => {
        for (const id of ids) own.current.delete(id);
      }, OWN_ECHO);
      refresh();
    },
    [refresh],
  );
  function loadedPageOf(id: string): readonly unknown[] | null {
    for (const [key, rows] of queries.getQueriesData<TicketRow[]>({ queryKey: [ROWS, filter, 'page'] })) {
      if (rows?.some((row) => row.id === id)) return key;
    }
    return null;
  }

  /** Writes what changed of rows on the screen into their places; gives the number of requests that takes. */
  function patch(ids: readonly string[]): number {
    for (const id of ids.slice(MOST_PATCHES)) if (loadedPageOf(id)) setChanges((n) => n + 1);
    const read = ids.slice(0, MOST_PATCHES);
    for (const id of read) void patchRow(id);
    return read.length;
  }

  async function patchRow(id: string): Promise<void> {
    try {
      const { data } = await api.get('/tickets/{id}', {
        path: { id },
        query: { include: LIST_QUERY.include },
      });
      const key = loadedPageOf(id);
      if (!key) return;
      queries.setQueryData<TicketRow[]>(key, (rows) =>
        // The highlight belongs to the search, not to the ticket.
        rows?.map((row) => (row.id === id ? { ...row, ...data } : row)),
      );
    } catch {
      setChanges((n) => n + 1);
    }
  }

  const patchNow = useRef(patch);
  useEffect(() => {
    patchNow.current = patch;
  });
  useEffect(() => {
    const made = createPageRefresher<string>({
      budget: LIVE_BUDGETS.staff,
      identify: (id) => id,
      refresh: (ids) => patchNow.current(ids),
    });
    refresher.current = made;
    return () => made.stop();
  }, []);

  useLiveMessages(({ aggregate }) => {
    if (aggregate.type !== 'ticket' || own.current.has(aggregate.id)) return;
    if (loadedPageOf(aggregate.id)) {
      refresher.current?.add(aggregate.id);
    } else setChanges((n) => n + 1);
  });

  const failed = pages.find((page) => page.isError);
  const hasRows = counted.data !== undefined && pages.some((page) => page.data !== undefined);
  return {
    total,
    count,
    itemAt,
    onRange,
    changes,
    refresh,
    changedHere,
    isPending: counted.isPending,
    isFetching: counted.isFetching || pages.some((page) => page.isFetching),
    /** Reading failed; `data` undefined: there is nothing to show. */
    failure: {
      isError: counted.isError || failed !== undefined,
      error: counted.error ?? failed?.error,
      data: hasRows || undefined,
      isFetching: counted.isFetching || pages.some((page) => page.isFetching),
      refetch: () => void queries.refetchQueries({ queryKey: [ROWS, filter], type: 'active' }),
    },
    /** Ids of loaded rows, for what a selection may hold. */
    rowOf: (id: string): TicketRow | undefined => {
      for (const [, rows] of queries.getQueriesData<TicketRow[]>({ queryKey: [ROWS, filter, 'page'] })) {
        const row = rows?.find((r) => r.id === id);
        if (row) return row;
      }
      return undefined;
    },
  };
}
