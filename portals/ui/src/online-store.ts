/** How often it is looked whether the network is back: not every system tells a page that it is. */
const LOOK_MS = 3_000;

let since: number | null = null;
let looking: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** Since when (ms) the browser knows that it has no network; null when it knows of none. */
export const offlineSince = (): number | null => since;

function set(next: number | null): void {
  if (next === since || (next !== null && since !== null)) return;
  since = next;
  clearInterval(looking);
  if (since !== null) looking = setInterval(look, LOOK_MS);
  for (const listener of listeners) listener();
}

/** Something was answered: whatever the browser says, there is a network. */
export function noteReachable(): void {
  set(null);
}

function look(): void {
  if (navigator.onLine) set(null);
}

/** Calls `listener` when the network goes, and when it is back. */
export function subscribeOnline(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls `run` each time the network is back. */
export function whenBack(run: () => void): () => void {
  return subscribeOnline(() => since === null && run());
}

if (typeof window !== 'undefined') {
  window.addEventListener('offline', () => set(Date.now()));
  window.addEventListener('online', () => set(null));
  // A laptop that was asleep.
  window.addEventListener('focus', look);
  document.addEventListener('visibilitychange', look);
  if (!navigator.onLine) set(Date.now());
}
