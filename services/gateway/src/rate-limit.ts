import type { ServerResponse } from 'node:http';
import type { Bucket, Cache } from '@psa/contracts/ports/cache';
import type { Clock } from '@psa/contracts/ports/clock';
import type { AccessClaims } from '@psa/contracts/tokens';
import { AppError } from '@psa/service-kit/errors';
import type { Logger } from '@psa/service-kit/log';

/** Requests that may be made in the long run (BDUF §4.3; `reading` is ours, ADR 0020). */
export interface RateLimits {
  readonly anonymousPerMinute: number;
  readonly standardPerHour: number;
  readonly professionalPerHour: number;
  readonly enterprisePerHour: number;
  /** What a portal asks for to show its pages, per person. */
  readonly readingPerHour: number;
}
export const DEFAULT_LIMITS: RateLimits = {
  anonymousPerMinute: 100,
  standardPerHour: 1_000,
  professionalPerHour: 5_000,
  enterprisePerHour: 10_000,
  readingPerHour: 36_000,
};

/** At once: a tenth of an hour's requests, and never fewer than a page or two need. */
const ofHour = (perHour: number): Bucket => ({
  capacity: Math.min(perHour, Math.max(100, Math.floor(perHour / 10))),
  perSecond: perHour / 3_600,
});
/** Who has to wait waits until this many requests are free again, so that a page comes whole. */
const FREE_AFTER_WAIT = 5;

interface Limit {
  /** Named in the error: `anonymous`, `api` or `reading`. */
  readonly name: string;
  readonly bucket: Bucket;
  /** The long run in words. */
  readonly rule: string;
}

/**
 * Counts requests in buckets of the shared cache that fill up steadily: a burst is let through, and who has met the
 * limit waits seconds, not the rest of an hour.
 */
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
    const perMinute = this.#limits.anonymousPerMinute;
    const bucket = { capacity: perMinute, perSecond: perMinute / 60 };
    return this.#count(res, `rate:a:${address}`, {
      ...{ name: 'anonymous', bucket },
      rule: `${perMinute} a minute without signing in`,
    });
  }

  /**
   * Counts a request of a user. What a portal reads for its own pages (`isReading`) counts by itself: live changes
   * make it ask again, and nobody is to be locked out of writing by what others write. @throws 429
   */
  user(res: ServerResponse, claims: AccessClaims, isReading: boolean): Promise<void> {
    const perHour = isReading ? this.#limits.readingPerHour : this.#limitOf(claims);
    const name = isReading ? 'reading' : 'api';
    return this.#count(res, `rate:${name}:${claims.sub}`, {
      ...{ name, bucket: ofHour(perHour) },
      rule: `${perHour} an hour`,
    });
  }

  /** Staff work all day in what customers open now and then: they have the professional tier at least. */
  #limitOf(claims: AccessClaims): number {
    if (claims.tier === 'enterprise') return this.#limits.enterprisePerHour;
    if (claims.tier === 'professional') return this.#limits.professionalPerHour;
    return claims.audience === 'staff'
      ? Math.max(this.#limits.professionalPerHour, this.#limits.standardPerHour)
      : this.#limits.standardPerHour;
  }

  async #count(res: ServerResponse, key: string, { name, bucket, rule }: Limit): Promise<void> {
    let taken: Awaited<ReturnType<Cache['take']>>;
    try {
      taken = await this.#cache.take(key, bucket);
    } catch (error) {
      // Without the cache people can still work; the services keep their own lockouts.
      this.#log.warn({ err: error }, 'rate limit: the cache does not answer, not counted');
      return;
    }
    const { capacity, perSecond } = bucket;
    const fullAfter = Math.ceil((capacity - taken.left) / perSecond);
    res.setHeader('ratelimit-limit', capacity);
    res.setHeader('ratelimit-remaining', Math.floor(taken.left));
    res.setHeader('ratelimit-reset', fullAfter);
    res.setHeader('x-ratelimit-limit', capacity);
    res.setHeader('x-ratelimit-remaining', Math.floor(taken.left));
    res.setHeader('x-ratelimit-reset', Math.ceil(this.#clock.now().getTime() / 1000) + fullAfter);
    if (taken.taken) return;
    const wait = (Math.min(FREE_AFTER_WAIT, capacity) - taken.left) / perSecond;
    const retryAfter = Math.max(1, Math.ceil(wait));
    throw new AppError(
      429,
      'RATE_LIMIT_EXCEEDED',
      `More than ${capacity} requests at once, or ${rule}. Please try again in ${retryAfter} s.`,
      { retryAfter, details: [{ field: name, code: 'limit', message: `${capacity} at once, ${rule}` }] },
    );
  }
}
