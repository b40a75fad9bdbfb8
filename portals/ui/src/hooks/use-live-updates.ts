import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api } from '../browser-api.ts';
import { createBatcher, type LiveMessage, type LiveStatus, openLiveStream } from '../live-stream.ts';

/** Default mapping: keys begin with the aggregate's type, then 'list' or its id: `['ticket', 'list', …]`. */
export function defaultKeys(message: LiveMessage): QueryKey[] {
  const { type, id } = message.aggregate;
  return [
    [type, 'list'],
    [type, id],
  ];
}

/**
 * Keeps queries fresh by the event stream while mounted. After an interruption everything is refetched,
 * since events may have been missed.
 */
export function useLiveUpdates(
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
    const batch = createBatcher<QueryKey>(
      (keys) => {
        for (const queryKey of keys) void queries.invalidateQueries({ queryKey });
      },
      (key) => JSON.stringify(key),
    );
    const address = new URL(api.url('/stream'), window.location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    const stream = openLiveStream({
      url: address.href,
      onStatus: setStatus,
      onGap: () => void queries.invalidateQueries(),
      renewSession: api.renewSession,
      onMessage(message) {
        for (const key of latest.current.keysOf(message)) batch.add(key);
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
      batch.cancel();
      stream.close();
    };
  }, [queries]);
  return status;
}
