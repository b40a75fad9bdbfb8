import { QueryClient } from '@tanstack/react-query';
import { ApiError } from './api-error.ts';

/** Reads are repeated when that can help: no answer, 429, 502–504; never for an answer that would be the same. */
export function shouldRetry(failures: number, error: unknown): boolean {
  return error instanceof ApiError && error.transient && failures < 3;
}

/** Waits as long as the server asked (at most a minute), else 0.5 s, 1 s, 2 s … with jitter. */
export function retryDelay(failures: number, error: unknown, random: () => number = Math.random): number {
  if (error instanceof ApiError && error.retryAfter !== null) {
    return Math.min(60, error.retryAfter) * 1000 + random() * 250;
  }
  return Math.min(30_000, 500 * 2 ** failures) * (0.75 + random() * 0.5);
}

/** Query client of a portal. Live updates invalidate, so data stay fresh for half a minute by themselves. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { retry: shouldRetry, retryDelay, staleTime: 30_000, gcTime: 10 * 60_000 },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}
