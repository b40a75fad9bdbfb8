import { describe, expect, it } from 'vitest';
import { ApiError } from './error.ts';
import { retryDelay, shouldRetry } from './query-client.ts';

describe('unseen retries', () => {
  const error = (status: number, retryAfter: number | null = null, code = 'X') =>
    new ApiError({ status, code, message: '', retryAfter });

  it('happen only where the answer may be another one in a moment', () => {
    expect([502, 503].map((status) => shouldRetry(0, error(status)))).toEqual([true, true]);
    expect(shouldRetry(0, error(0, null, 'NETWORK_ERROR'))).toBe(true);
    expect([400, 401, 403, 404, 409, 500].map((s) => shouldRetry(0, error(s)))).toEqual(Array(6).fill(false));
    expect(shouldRetry(2, error(503))).toBe(false);
    expect(shouldRetry(0, new Error('bug'))).toBe(false);
  });

  it('never keep a reader waiting: a limit, a longer pause and a server that took its time are told at once', () => {
    expect(shouldRetry(0, error(429, 1))).toBe(false);
    expect(shouldRetry(0, error(429, 60))).toBe(false);
    expect(shouldRetry(0, error(503, 30))).toBe(false);
    expect(shouldRetry(0, error(504))).toBe(false);
    expect(shouldRetry(0, error(0, null, 'TIMEOUT'))).toBe(false);
  });

  it('wait as the server asked, else longer each time', () => {
    expect(retryDelay(0, error(503, 1), () => 0)).toBe(1000);
    expect([0, 1].map((n) => retryDelay(n, error(503), () => 0.5))).toEqual([500, 1000]);
  });
});
