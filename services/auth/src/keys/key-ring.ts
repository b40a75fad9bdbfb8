import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { type AccessClaims, TOKEN_AUDIENCE, TOKEN_ISSUER } from '@psa/contracts/tokens';
import type { Tx } from '@psa/service-kit/database';
import { AppError } from '@psa/service-kit/errors';
import type { ServiceDeps } from '@psa/service-kit/service';
import type { Worker } from '@psa/service-kit/worker';
import { createLocalJWKSet, errors, exportJWK, type JWTVerifyGetKey, SignJWT } from 'jose';
import { ACCESS_TTL_SECONDS } from '../sessions/lifetimes.ts';
import type { PublicJwk, SigningKeyRow } from './repository.ts';
import * as repository from './repository.ts';

/**
 * A new key is published this long before it signs, so that every verifier has seen it when the first token
 * comes: verifiers look again at an unknown key id, but not more often than every few seconds.
 */
export const PUBLISHED_BEFORE_USE_SECONDS = 60;
/** Keys are replaced this often by themselves. */
export const ROTATE_AFTER_DAYS = 90;
/** Between two reads of the table; shorter than {@link PUBLISHED_BEFORE_USE_SECONDS}, so replicas agree in time. */
const REREAD_AFTER_SECONDS = 30;
/** Tokens of a retired key are accepted a little past their end, for clocks that disagree. */
const MARGIN_SECONDS = 60;

const generate = promisify(generateKeyPair);

/** Signs access tokens and hands out the public keys. */
export interface KeyRing {
  /** An RS256 token of the claims with the key that is active now. */
  sign(claims: AccessClaims): Promise<string>;
  /** The public keys whose tokens may still be valid, newest first. */
  jwks(): Promise<{ keys: PublicJwk[] }>;
  /** Adds a key that takes over in a minute. @throws AppError 409 while the last one has not taken over yet. */
  rotate(): Promise<{ kid: string; active_from: string }>;
  /** Rotates when the newest key is older than 90 days, and forgets keys whose tokens are all expired. */
  rotateIfDue(): Promise<boolean>;
}

type KeyDeps = Pick<ServiceDeps, 'db' | 'clock' | 'cipher' | 'ids'>;

/** The signing keys in the database, read again every half minute. */
export function keyRing(deps: KeyDeps): KeyRing {
  const { db, clock, cipher } = deps;
  let known: { rows: SigningKeyRow[]; readAt: number } | null = null;
  const privateKeys = new Map<string, KeyObject>();
  const seconds = () => clock.now().getTime() / 1000;

  async function rows(): Promise<SigningKeyRow[]> {
    if (known && Math.abs(seconds() - known.readAt) < REREAD_AFTER_SECONDS) return known.rows;
    let read = await db.system((tx) => repository.valid(tx, clock.now()));
    if (!read.some((row) => new Date(row.active_from) <= clock.now())) {
      const fresh = await makeKey(deps);
      read = await db.system(async (tx) => {
        await repository.lock(tx);
        const now = await repository.valid(tx, clock.now());
        // Somebody else, another replica, made the first key in the meantime.
        if (now.some((row) => new Date(row.active_from) <= clock.now())) return now;
        await repository.insert(tx, { ...fresh, created_at: clock.now(), active_from: clock.now() });
        return repository.valid(tx, clock.now());
      });
    }
    known = { rows: read, readAt: seconds() };
    return read;
  }

  function privateKey(row: SigningKeyRow): KeyObject {
    let key = privateKeys.get(row.kid);
    if (!key) {
      key = createPrivateKey(cipher.decrypt(row.private_key!, contextOf(row.kid)));
      privateKeys.set(row.kid, key);
    }
    return key;
  }

  async function addKey(tx: Tx, fresh: NewKey): Promise<{ kid: string; active_from: string }> {
    const now = clock.now();
    const activeFrom = new Date(now.getTime() + PUBLISHED_BEFORE_USE_SECONDS * 1000);
    const lastUse = new Date(activeFrom.getTime() + (ACCESS_TTL_SECONDS + MARGIN_SECONDS) * 1000);
    await repository.retireAll(tx, lastUse);
    await repository.insert(tx, { ...fresh, created_at: now, active_from: activeFrom });
    return { kid: fresh.kid, active_from: activeFrom.toISOString() };
  }

  return {
    async sign(claims) {
      const known = await rows();
      // After the reading, which may have made the first key just now.
      const now = clock.now();
      const row = known.find((one) => new Date(one.active_from) <= now && one.private_key);
      if (!row) throw new Error('There is no signing key that is active.');
      return new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: row.kid, typ: 'JWT' })
        .setIssuer(TOKEN_ISSUER)
        .setAudience(TOKEN_AUDIENCE)
        .sign(privateKey(row));
    },
    async jwks() {
      const now = clock.now();
      const valid = (await rows()).filter((row) => !row.expires_at || new Date(row.expires_at) > now);
      return { keys: valid.map((row) => row.public_jwk) };
    },
    async rotate() {
      await rows();
      const fresh = await makeKey(deps);
      const made = await db.system(async (tx) => {
        await repository.lock(tx);
        const [newest] = await repository.valid(tx, clock.now());
        if (newest && new Date(newest.active_from) > clock.now()) {
          throw new AppError(
            409,
            'RESOURCE_CONFLICT',
            'A new key was made just now and takes over within a minute.',
            {
              retryAfter: PUBLISHED_BEFORE_USE_SECONDS,
            },
          );
        }
        return addKey(tx, fresh);
      });
      known = null;
      return made;
    },
    async rotateIfDue() {
      const [newest] = await rows();
      const due = new Date(clock.now().getTime() - ROTATE_AFTER_DAYS * 86_400_000);
      const fresh = newest && new Date(newest.created_at) <= due ? await makeKey(deps) : null;
      const rotated = await db.system(async (tx) => {
        await repository.forgetExpired(tx, clock.now());
        if (!fresh) return false;
        await repository.lock(tx);
        const [now] = await repository.valid(tx, clock.now());
        if (!now || new Date(now.created_at) > due) return false;
        await addKey(tx, fresh);
        return true;
      });
      if (rotated) known = null;
      return rotated;
    },
  };
}

const contextOf = (kid: string) => `auth.signing_keys.${kid}`;

interface NewKey {
  kid: string;
  public_jwk: PublicJwk;
  private_key: string;
}

async function makeKey(deps: KeyDeps): Promise<NewKey> {
  const pair = await generate('rsa', { modulusLength: 2048 });
  const { n, e } = await exportJWK(pair.publicKey);
  const kid = deps.ids.uuid();
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  return {
    kid,
    public_jwk: { kty: 'RSA', kid, alg: 'RS256', use: 'sig', n: n!, e: e! },
    private_key: deps.cipher.encrypt(pem, contextOf(kid)),
  };
}

/** Looks once an hour whether a rotation is due. */
export function keyRotation(deps: Pick<ServiceDeps, 'log'>, keys: KeyRing): Worker {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();
  return {
    async start() {
      timer = setInterval(() => {
        running = keys.rotateIfDue().then(
          (rotated) => rotated && deps.log.info('a new signing key takes over within a minute'),
          (error: unknown) => deps.log.error({ err: error }, 'signing keys could not be rotated'),
        );
      }, 3_600_000);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

type ReadDeps = Pick<ServiceDeps, 'db' | 'clock'>;

/** The public keys straight from the database of `auth`, for a composition that has it at hand. */
export async function signingJwks(deps: ReadDeps): Promise<{ keys: PublicJwk[] }> {
  const rows = await deps.db.system((tx) => repository.valid(tx, deps.clock.now()));
  return { keys: rows.map((row) => row.public_jwk) };
}

/** Milliseconds between two reads for unknown key ids, so that made-up ones cannot flood the database. */
const UNKNOWN_KEY_COOLDOWN_MS = 50;

/**
 * The same as a key resolver for `tokenVerifier`: reads again for an unknown key id, and every half minute. While the
 * database does not answer, the keys that were read before go on counting: nobody can retire one then either.
 */
export function signingKeySet(
  deps: ReadDeps & Pick<ServiceDeps, 'log'>,
  now = () => performance.now(),
): JWTVerifyGetKey {
  let local: ReturnType<typeof createLocalJWKSet> | null = null;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<ReturnType<typeof createLocalJWKSet>> | null = null;
  const read = () => {
    reading ??= signingJwks(deps)
      .then((jwks) => {
        readAt = now();
        return (local = createLocalJWKSet(jwks));
      })
      .finally(() => {
        reading = null;
      });
    return reading;
  };
  const readOr = (known: typeof local) =>
    read().catch((error: unknown) => {
      if (!known) throw error;
      deps.log.warn({ err: error }, 'the signing keys cannot be read again; the known ones go on counting');
      return known;
    });
  return async (header, token) => {
    const age = now() - readAt;
    const keys = local && age < REREAD_AFTER_SECONDS * 1000 ? local : await readOr(local);
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || age < UNKNOWN_KEY_COOLDOWN_MS) throw error;
      return (await read())(header, token);
    }
  };
}
