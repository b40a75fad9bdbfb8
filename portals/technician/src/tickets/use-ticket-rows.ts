import { api } from '@psa/ui/browser-api';
import { useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { LIST_QUERY, type TicketRow } from '../api/tickets.ts';
import { useLiveMessages } from '../live/live-store.ts';
import { PAGE_SIZE, pageOf, pagesFor, reachable } from './page-window.ts';

const ROWS = 'ticket-rows';
/** A burst of this many changed rows is not patched one by one any more. */
const MOST_PATCHES = 8;
const PATCH_DELAY = 400;
const OWN_ECHO = 10_000;

const pageKey = (filter: string, page: number) => [ROWS, filter, 'page', page] as const;

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

  const query = useMemo(() => Object.fromEntries(new URLSearchParams(filter)), [filter]);
  const counted = useQuery({
    queryKey: [ROWS, filter, 'count'],
    staleTime: 5 * 60_000,
    queryFn: async ({ signal }) => {
      const { meta } = await api.get<TicketRow[]>('/tickets', {
        query: { ...query, limit: 1, fields: 'id', count: 'exact' },
        signal,
      });
      return meta?.total ?? 0;
    },
  });
  const total = counted.data ?? 0;
  const count = reachable(total);

  // The first page is asked for together with the count: one round trip until something is seen.
  const wanted = counted.data === undefined ? [pageOf(range[0])] : pagesFor(range[0], range[1], count);
  const pages = useQueries({
    queries: wanted.map((page) => ({
      queryKey: pageKey(filter, page),
      staleTime: 5 * 60_000,
      queryFn: async ({ signal }: { signal: AbortSignal }) =>
        (
          await api.get<TicketRow[]>('/tickets', {
            query: { ...LIST_QUERY, ...query, limit: PAGE_SIZE, page, count: 'none' },
            signal,
          })
        ).data,
    })),
  });
  // New data give a new itemAt, and only they: the list looks for its place again when it changes.
  const stamp = pages.map((page) => page.dataUpdatedAt).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the stamp stands for the pages' data
  const itemAt = useCallback(
    (index: number): TicketRow | undefined =>
      queries.getQueryData<TicketRow[]>(pageKey(filter, pageOf(index)))?.[index % PAGE_SIZE],
    [queries, filter, stamp],
  );

  const onRange = useCallback((first: number, last: number) => {
    setRange((before) => (before[0] === first && before[1] === last ? before : [first, last]));
  }, []);

  const refresh = useCallback(() => {
    setChanges(0);
    pending.current.clear();
    void queries.invalidateQueries({ queryKey: [ROWS] });
  }, [queries]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter is another list
  useEffect(() => {
    setChanges(0);
    pending.current.clear();
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
  const pending = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  function loadedPageOf(id: string): readonly unknown[] | null {
    for (const [key, rows] of queries.getQueriesData<TicketRow[]>({ queryKey: [ROWS, filter, 'page'] })) {
      if (rows?.some((row) => row.id === id)) return key;
    }
    return null;
  }

  async function patch(): Promise<void> {
    const ids = [...pending.current];
    pending.current.clear();
    for (const id of ids.slice(MOST_PATCHES)) if (loadedPageOf(id)) setChanges((n) => n + 1);
    await Promise.all(
      ids.slice(0, MOST_PATCHES).map(async (id) => {
        try {
          const { data } = await api.get<TicketRow>(`/tickets/${id}`, {
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
      }),
    );
  }

  useLiveMessages(({ aggregate }) => {
    if (aggregate.type !== 'ticket' || own.current.has(aggregate.id)) return;
    if (loadedPageOf(aggregate.id)) {
      pending.current.add(aggregate.id);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => void patch(), PATCH_DELAY);
    } else setChanges((n) => n + 1);
  });

  const failed = pages.find((page) => page.isError && !page.data);
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
    error: counted.error ?? failed?.error ?? null,
    retry: () => void queries.refetchQueries({ queryKey: [ROWS, filter], type: 'active' }),
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
