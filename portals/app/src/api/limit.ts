import type { ApiError } from './error.ts';

/** The limits of the gateway, as its refusal names them: per network address, and twice per person. */
const NAMES = ['anonymous', 'api', 'reading'] as const;
export type LimitName = (typeof NAMES)[number];

/** Which limit a refusal (429) is of; null where it does not say, or says one that is new. */
export const limitOf = (error: ApiError): LimitName | null =>
  NAMES.find((name) => error.details[0]?.field === name) ?? null;

interface Limited {
  /** When reads are taken again, in ms since epoch; 0 where no limit was met. It may be over. */
  readonly until: number;
  readonly name: LimitName | null;
}

let met: Limited = { until: 0, name: null };
const listeners = new Set<() => void>();

/** The platform refused a read because too many were made. */
export function noteLimit(error: ApiError): void {
  const until = error.retryAt ?? 0;
  if (until <= met.until) return;
  met = { until, name: limitOf(error) };
  for (const listener of listeners) listener();
}

/** The limit that was met last. */
export const limitMet = (): Limited => met;

export function subscribeLimit(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
