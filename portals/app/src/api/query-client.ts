import { whenBack } from '@psa/ui/online-store';
import { type Query, QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError } from './error.ts';
import { noteLimit } from './limit.ts';

/** Longest wait, in seconds, that a reader is not told of: a page stays in its waiting state meanwhile. */
const SILENT_WAIT = 2;

/**
 * Reads are repeated unseen only where that is a matter of a moment: no connection, 502, 503. A limit (429), a server
 * that wants a longer pause and one that took its full time (504, TIMEOUT) are told to the reader at once: three silent
 * waits of a minute were an empty page for three minutes.
 */
export function shouldRetry(failures: number, error: unknown): boolean {
  if (!(error instanceof ApiError) || !error.transient || failures >= 2) return false;
  if (error.status === 429 || error.status === 504 || error.code === 'TIMEOUT') return false;
  return error.retryAfter === null || error.retryAfter <= SILENT_WAIT;
}

/** Waits as long as the server asked, else 0.5 s, 1 s with jitter; milliseconds. */
export function retryDelay(failures: number, error: unknown, random: () => number = Math.random): number {
  if (error instanceof ApiError && error.retryAfter !== null) return error.retryAfter * 1000 + random() * 250;
  return 500 * 2 ** failures * (0.75 + random() * 0.5);
}

/**
 * Query client of a portal. Live updates invalidate, so data stay fresh for half a minute by themselves. What was loaded
 * stays shown when reading it anew fails. A query that the server wants to be asked again later is asked once more then,
 * if it is still shown; after that the reader decides.
 */
export function createQueryClient(): QueryClient {
  const askedAgain = new Set<string>();
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onSuccess: (_, query) => void askedAgain.delete(query.queryHash),
      onError(error, query) {
        if (!(error instanceof ApiError) || error.retryAt === null) return;
        if (error.status === 429) noteLimit(error);
        if (askedAgain.has(query.queryHash)) return;
        askedAgain.add(query.queryHash);
        // Not all in the same moment.
        const wait = Math.max(0, error.retryAt - Date.now()) + 100 + Math.random() * 900;
        setTimeout(() => {
          if (document.visibilityState !== 'visible') return;
          void client.refetchQueries({ queryKey: query.queryKey, exact: true, type: 'active' });
        }, wait);
      },
    }),
    defaultOptions: {
      // 'always': without a network a read fails and says so; 'online' would wait for one, saying nothing.
      queries: {
        retry: shouldRetry,
        retryDelay,
        staleTime: 30_000,
        gcTime: 10 * 60_000,
        networkMode: 'always',
        refetchOnReconnect: true,
      },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
  // What failed for want of a line is read again at once when it is back, however fresh it was before.
  whenBack(() => {
    const lacked = ({ state: { error } }: Query) => error instanceof ApiError && error.unreachable;
    void client.refetchQueries({ type: 'active', predicate: lacked });
  });
  return client;
}
