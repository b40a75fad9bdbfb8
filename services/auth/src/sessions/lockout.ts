import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Cache } from '@psa/contracts/ports/cache';
import type { Clock } from '@psa/contracts/ports/clock';
import { AppError } from '@psa/service-kit/errors';
import type { Logger } from '@psa/service-kit/log';
import { plusSeconds } from './lifetimes.ts';

/** Five failed logins lock for 15 minutes, per account and per address (DESIGN §8). */
export const LOCKOUT = { failures: 5, seconds: 900 } as const;

/** 423 until a time. The same for an account, an unknown e-mail address and a network address. */
export function locked(until: Date, now: Date): AppError {
  const seconds = Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1000));
  return new AppError(
    423,
    'ACCOUNT_LOCKED',
    `Too many failed attempts. Please try again in ${Math.ceil(seconds / 60)} min.`,
    { retryAfter: seconds, details: [{ field: 'locked_until', message: until.toISOString() }] },
  );
}

/** Failed logins of an account as the database has them. */
export interface FailedLogins {
  readonly failed_logins: number;
  readonly failed_since: Date | null;
  readonly locked_until: Date | null;
}

/** The state after one more failure; failures older than the lock's length no longer count. */
export function afterFailure(state: FailedLogins, now: Date): FailedLogins {
  const recent =
    state.failed_since !== null &&
    plusSeconds(state.failed_since, LOCKOUT.seconds) > now &&
    !isOver(state, now);
  const failures = recent ? state.failed_logins + 1 : 1;
  return failures >= LOCKOUT.failures
    ? { failed_logins: 0, failed_since: null, locked_until: plusSeconds(now, LOCKOUT.seconds) }
    : { failed_logins: failures, failed_since: recent ? state.failed_since : now, locked_until: null };
}

const isOver = (state: FailedLogins, now: Date) => state.locked_until !== null && state.locked_until <= now;

/** Counts failures in the cache by network address and by e-mail addresses that belong to nobody. */
export interface Lockout {
  /** Until when the key is locked, or null. */
  lockedUntil(key: string): Promise<Date | null>;
  /** One more failure; the fifth locks. */
  fail(key: string): Promise<void>;
  clear(key: string): Promise<void>;
}

/** A cache that does not answer locks nobody: accounts are locked in the database all the same. */
export function lockout(cache: Cache, clock: Clock, log: Logger): Lockout {
  const lenient = <T>(work: Promise<T>, otherwise: T) =>
    work.catch((error: unknown) => {
      log.warn({ err: error }, 'lockout: the cache does not answer');
      return otherwise;
    });
  return {
    async lockedUntil(key) {
      const text = await lenient(cache.get(`${key}:until`), null);
      const until = text === null ? null : new Date(Number(text));
      return until && until > clock.now() ? until : null;
    },
    async fail(key) {
      const failures = await lenient(cache.increment(`${key}:failures`, LOCKOUT.seconds), null);
      if (failures === null || failures.value < LOCKOUT.failures) return;
      const until = plusSeconds(clock.now(), LOCKOUT.seconds).getTime();
      await lenient(cache.set(`${key}:until`, String(until), LOCKOUT.seconds), undefined);
      await lenient(cache.delete(`${key}:failures`), undefined);
    },
    async clear(key) {
      await lenient(cache.delete(`${key}:failures`), undefined);
    },
  };
}

/** IPv6 hosts choose their last 64 bits at will, so the network counts. */
export function addressKey(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:'))
    return `login:address:${address.replace('::ffff:', '')}`;
  const [head = '', tail = ''] = address.split('::', 2);
  const front = head === '' ? [] : head.split(':');
  const back = tail === '' ? [] : tail.split(':');
  const zeros = address.includes('::') ? Math.max(0, 8 - front.length - back.length) : 0;
  const groups = [...front, ...Array<string>(zeros).fill('0'), ...back].slice(0, 4);
  return `login:address:${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}/64`;
}

/** E-mail addresses do not stand in the cache as they are. */
export const unknownKey = (email: string) =>
  `login:unknown:${createHash('sha256').update(email.toLowerCase()).digest('hex').slice(0, 32)}`;
