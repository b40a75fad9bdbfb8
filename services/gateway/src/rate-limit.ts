import type { ServerResponse } from 'node:http';
import type { Cache } from '@psa/contracts/ports/cache';
import type { Clock } from '@psa/contracts/ports/clock';
import type { AccessClaims } from '@psa/contracts/tokens';
import { AppError } from '@psa/service-kit/errors';
import type { Logger } from '@psa/service-kit/log';

/** Requests that may be made (BDUF §4.3). */
export interface RateLimits {
  readonly anonymousPerMinute: number;
  readonly standardPerHour: number;
  readonly professionalPerHour: number;
  readonly enterprisePerHour: number;
}
export const DEFAULT_LIMITS: RateLimits = {
  anonymousPerMinute: 100,
  standardPerHour: 1_000,
  professionalPerHour: 5_000,
  enterprisePerHour: 10_000,
};

/** Counts requests in the shared cache, in fixed windows that begin with the first request. */
export class RateLimiter {
  readonly #cache: Cache;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: RateLimits;

  constructor(options: { cache: Cache; clock: Clock; log: Logger; limits?: Partial<RateLimits> }) {
    this.#cache = options.cache;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  /** Counts a request without credentials. @throws 429 */
  anonymous(res: ServerResponse, address: string): Promise<void> {
    return this.#count(res, `rate:a:${address}`, this.#limits.anonymousPerMinute, 60);
  }

  /** Counts a request of a user. @throws 429 */
  user(res: ServerResponse, claims: AccessClaims): Promise<void> {
    return this.#count(res, `rate:u:${claims.sub}`, this.#limitOf(claims), 3_600);
  }

  /**
   * A ticket page asks for six things and live updates ask again, so a technician at work passes 1,000 an
   * hour by honest clicking: staff have the professional tier at least.
   */
  #limitOf(claims: AccessClaims): number {
    if (claims.tier === 'enterprise') return this.#limits.enterprisePerHour;
    if (claims.tier === 'professional') return this.#limits.professionalPerHour;
    return claims.audience === 'staff'
      ? Math.max(this.#limits.professionalPerHour, this.#limits.standardPerHour)
      : this.#limits.standardPerHour;
  }

  async #count(res: ServerResponse, key: string, limit: number, window: number): Promise<void> {
    let counted: { value: number; ttlSeconds: number };
    try {
      counted = await this.#cache.increment(key, window);
    } catch (error) {
      // Without the cache people can still work; the services keep their own lockouts.
      this.#log.warn({ err: error }, 'rate limit: the cache does not answer, not counted');
      return;
    }
    const reset = Math.ceil(this.#clock.now().getTime() / 1000) + counted.ttlSeconds;
    res.setHeader('x-ratelimit-limit', limit);
    res.setHeader('x-ratelimit-remaining', Math.max(0, limit - counted.value));
    res.setHeader('x-ratelimit-reset', reset);
    if (counted.value <= limit) return;
    throw new AppError(429, 'RATE_LIMIT_EXCEEDED', `More than ${limit} requests; please wait.`, {
      retryAfter: Math.max(1, counted.ttlSeconds),
    });
  }
}
