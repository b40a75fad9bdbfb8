import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Cache } from '@psa/contracts/ports/cache';
import type { Clock } from '@psa/contracts/ports/clock';
import { normaliseEmail } from '@psa/service-kit/contact-forms';
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
    {
      retryAfter: seconds,
      details: [
        {
          field: 'locked_until',
          code: 'limit',
          message: until.toISOString(),
          values: { until: until.toISOString() },
        },
      ],
    },
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
  /**
   * One more failure; the fifth locks. `of` says at whose account. Counted in one step: of failures at the same time
   * five at most are told that they failed; the others get the time until which the key is locked.
   */
  fail(key: string, of?: string): Promise<Date | null>;
  /** Takes back the failures at one account, when its owner has signed in. What was tried at others stays. */
  forgive(key: string, of: string): Promise<void>;
}

/** A cache that does not answer locks nobody: accounts are locked in the database all the same. */
export function lockout(cache: Cache, clock: Clock, log: Logger, limit: number = LOCKOUT.failures): Lockout {
  const ofKey = (key: string, of: string) => `${key}:of:${of}`;
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
    async fail(key, of) {
      if (of !== undefined) await lenient(cache.increment(ofKey(key, of), LOCKOUT.seconds), null);
      const failures = await lenient(cache.increment(`${key}:failures`, LOCKOUT.seconds), null);
      if (failures === null || failures.value < limit) return null;
      const until = plusSeconds(clock.now(), LOCKOUT.seconds);
      // The count ends before the lock does: it began earlier and lasts as long.
      if (failures.value === limit) {
        await lenient(cache.set(`${key}:until`, String(until.getTime()), LOCKOUT.seconds), undefined);
        return null;
      }
      return until;
    },
    async forgive(key, of) {
      const own = Number((await lenient(cache.get(ofKey(key, of)), null)) ?? 0);
      if (own <= 0) return;
      const left = await lenient(cache.increment(ofKey(key, of), LOCKOUT.seconds, -own), null);
      // Somebody else took them back at the same moment: not twice.
      if (left === null || left.value < 0) {
        await lenient(cache.delete(ofKey(key, of)), undefined);
        return;
      }
      const rest = await lenient(cache.increment(`${key}:failures`, LOCKOUT.seconds, -own), null);
      if (rest !== null && rest.value <= 0) await lenient(cache.delete(`${key}:failures`), undefined);
    },
  };
}

/**
 * Secrets that nobody knows, from one address within a quarter of an hour, before it has to wait. Nobody guesses 256
 * bits; this bounds the work that guessing makes. A link is pasted wrong, or pressed more than once after its end.
 * Of refresh tokens and API keys more must be forgiven: behind one address sits a whole office, and after a restore
 * of the database every browser there comes once with a token that is not known any more.
 */
export const GUESSES = { link: 20, setup: 20, refresh: 60, key: 60 } as const;

/** What stands before the look-up of a secret, by the address it comes from. */
export interface GuessGuard {
  /** @throws AppError 423 while the address has to wait; asked before the look-up, and again when it found something */
  mustBeFree(): Promise<void>;
  /**
   * Counts a secret that nobody knows, before anything is answered, and returns what to answer: `error`, or 423 when
   * it was one too many. The same one again is no new guess: a script with a revoked key repeats it all day. Secrets
   * that are known never count, not even while they are looked up: an office refreshes all at once.
   */
  wrong(secret: Buffer, error: AppError): Promise<AppError>;
}

export function guessGuard(
  { cache, clock, log }: { cache: Cache; clock: Clock; log: Logger },
  kind: keyof typeof GUESSES,
  ip: string,
): GuessGuard {
  const locks = lockout(cache, clock, log, GUESSES[kind]);
  const key = addressKey(ip).replace('login:', `${kind}:`);
  const seenKey = (secret: Buffer) => `${key}:seen:${secret.toString('base64url')}`;
  return {
    async mustBeFree() {
      const until = await locks.lockedUntil(key);
      if (until) throw locked(until, clock.now());
    },
    async wrong(secret, error) {
      const isNew = await cache.setIfAbsent(seenKey(secret), '1', LOCKOUT.seconds).catch(() => true);
      const until = isNew ? await locks.fail(key) : null;
      return until ? locked(until, clock.now()) : error;
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
  `login:unknown:${createHash('sha256')
    .update(normaliseEmail(email) ?? email.toLowerCase())
    .digest('hex')
    .slice(0, 32)}`;
