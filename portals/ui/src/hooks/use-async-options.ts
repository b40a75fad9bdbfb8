import { useEffect, useRef, useState } from 'react';

export interface AsyncOptions<T> {
  items: readonly T[];
  state: 'idle' | 'loading' | 'failed';
  /** The query that `items` answer; null before the first answer. */
  of: string | null;
}

/**
 * Options for what has been typed: waits `delay` ms for the typing to pause, cancels the request before,
 * keeps the former options meanwhile.
 */
export function useAsyncOptions<T>(
  query: string,
  load: (query: string, signal: AbortSignal) => Promise<readonly T[]>,
  enabled = true,
  delay = 180,
): AsyncOptions<T> {
  const [result, setResult] = useState<AsyncOptions<T>>({ items: [], state: 'idle', of: null });
  const latest = useRef(load);
  useEffect(() => {
    latest.current = load;
  });
  useEffect(() => {
    if (!enabled) {
      setResult((before) => (before.state === 'idle' ? before : { ...before, state: 'idle' }));
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      setResult((before) => ({ ...before, state: 'loading' }));
      latest.current(query, abort.signal).then(
        (items) => !abort.signal.aborted && setResult({ items, state: 'idle', of: query }),
        () => !abort.signal.aborted && setResult({ items: [], state: 'failed', of: query }),
      );
    }, delay);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [query, enabled, delay]);
  return result;
}
