import { useSyncExternalStore } from 'react';
import { offlineSince, subscribeOnline } from '../online-store.ts';

/** Since when (ms) the browser has had no network; null when it has one, as far as it knows. */
export function useOfflineSince(): number | null {
  return useSyncExternalStore(subscribeOnline, offlineSince);
}

/** False when the browser knows that it has no network. True proves nothing about the server. */
export function useOnline(): boolean {
  return useOfflineSince() === null;
}
