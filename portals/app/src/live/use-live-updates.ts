import { type Query, type QueryClient, type QueryKey, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api, urlOf } from '../api/browser.ts';
import { limitMet, subscribeLimit } from '../api/limit.ts';
import { createRefresher, type RefreshBudget, type Refresher } from './refresher.ts';
import { type LiveMessage, type LiveStatus, openLiveStream } from './stream.ts';

/** Default mapping: keys begin with the aggregate's type, then 'list' or its id: `['ticket', 'list', …]`. */
function defaultKeys(message: LiveMessage): QueryKey[] {
  const { type, id } = message.aggregate;
  return [
    [type, 'list'],
    [type, id],
  ];
}

/** Everything: what a query key of no parts stands for. */
const EVERYTHING: QueryKey = [];

/** Reading makes sense: somebody looks, and the platform takes requests. */
const mayRead = () => document.visibilityState === 'visible' && Date.now() >= limitMet().until;

/** A refresher that rests while nobody looks or a limit is met, and wakes when that is over. `stop` ends it. */
export function createPageRefresher<T>(options: {
  budget: RefreshBudget;
  refresh: (items: T[]) => number;
  identify: (item: T) => string;
}): Refresher<T> & { stop(): void } {
  const refresher = createRefresher<T>({ ...options, mayRead });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const afterLimit = () => {
    clearTimeout(timer);
    timer = setTimeout(refresher.wake, Math.max(0, limitMet().until - Date.now()) + 50);
  };
  const unsubscribe = subscribeLimit(afterLimit);
  document.addEventListener('visibilitychange', refresher.wake);
  return {
    ...refresher,
    stop() {
      clearTimeout(timer);
      unsubscribe();
      document.removeEventListener('visibilitychange', refresher.wake);
      refresher.cancel();
    },
  };
}

const requestsOf = (query: Query) =>
  (query.state.data as { pages?: readonly unknown[] } | undefined)?.pages?.length ?? 1;

/** Marks what `keys` name as stale and reads what of it is shown, each query once; returns the requests that takes. */
function readAnew(queries: QueryClient, keys: readonly QueryKey[]): number {
  const shown = new Set<Query>();
  for (const queryKey of keys) {
    for (const query of queries.getQueryCache().findAll({ queryKey, type: 'active' })) shown.add(query);
    void queries.invalidateQueries({ queryKey, refetchType: 'none' });
  }
  void queries.refetchQueries({ type: 'active', predicate: (query) => shown.has(query) });
  return [...shown].reduce((sum, query) => sum + requestsOf(query), 0);
}

/**
 * Keeps queries fresh by the event stream while mounted, within `budget`. After an interruption everything that is shown
 * is read anew, since events may have been missed.
 */
export function useLiveUpdates(
  budget: RefreshBudget,
  keysOf: (message: LiveMessage) => QueryKey[] = defaultKeys,
  onMessage?: (message: LiveMessage) => void,
): LiveStatus {
  const queries = useQueryClient();
  const [status, setStatus] = useState<LiveStatus>('connecting');
  const latest = useRef({ keysOf, onMessage });
  useEffect(() => {
    latest.current = { keysOf, onMessage };
  });

  useEffect(() => {
    const refresher = createPageRefresher<QueryKey>({
      budget,
      identify: (key) => JSON.stringify(key),
      refresh: (keys) => readAnew(queries, keys),
    });
    const address = new URL(urlOf('/stream'), window.location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    const stream = openLiveStream({
      url: address.href,
      onStatus: setStatus,
      onGap: () => refresher.add(EVERYTHING),
      renewSession: api.renewSession,
      onMessage(message) {
        for (const key of latest.current.keysOf(message)) refresher.add(key);
        latest.current.onMessage?.(message);
      },
    });
    const wake = () => {
      if (document.visibilityState === 'visible') stream.retryNow();
    };
    window.addEventListener('online', wake);
    document.addEventListener('visibilitychange', wake);
    return () => {
      window.removeEventListener('online', wake);
      document.removeEventListener('visibilitychange', wake);
      refresher.stop();
      stream.close();
    };
  }, [queries, budget]);
  return status;
}
