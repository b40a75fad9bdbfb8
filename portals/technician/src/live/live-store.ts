import type { LiveMessage } from '@psa/app/live/stream';
import { useEffect, useRef } from 'react';

const listeners = new Set<(message: LiveMessage) => void>();

/** Hands a message of the live stream to whoever shows something it may change. */
export function tellLive(message: LiveMessage): void {
  for (const listener of listeners) listener(message);
}

/** Calls `run` for every message while mounted. */
export function useLiveMessages(run: (message: LiveMessage) => void): void {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => {
    const listener = (message: LiveMessage) => latest.current(message);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
}
