let until = 0;
const listeners = new Set<() => void>();

/** The platform refused a read because too many were made; it takes them again at `at` (ms since epoch). */
export function noteLimit(at: number): void {
  if (at <= until) return;
  until = at;
  for (const listener of listeners) listener();
}

/** When the limit that was met last ends, in ms since epoch; 0 where none was met. It may be over. */
export const limitedUntil = (): number => until;

export function subscribeLimit(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
