import type { Cache } from '@psa/contracts/ports/cache';
import type { Clock } from '@psa/contracts/ports/clock';
import type { AccessClaims } from '@psa/contracts/tokens';
import { revokedSessionKey, revokedUserKey, TOKEN_AUDIENCE, TOKEN_ISSUER } from '@psa/contracts/tokens';
import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { AppError } from './errors.ts';

/** Turns a bearer token into claims, or throws the 401 that says why not. */
export interface TokenVerifier {
  verify(token: string): Promise<AccessClaims>;
}

/**
 * Verifies access tokens against the key set of `auth` and the revocation marks in the cache.
 * The signature check of a token is remembered (it cannot change); expiry and revocation are looked at each time.
 * Requests of one session that come while it is being asked about share the answer (a page asks for ten things at once).
 * When the cache does not answer, tokens count as not revoked: they live 15 minutes at most.
 */
export function tokenVerifier(options: { keys: JWTVerifyGetKey; cache: Cache; clock: Clock }): TokenVerifier {
  const { keys, cache, clock } = options;
  const verified = new LRUCache<string, AccessClaims>({ max: 5_000 });
  type Marks = readonly (string | null)[];
  const asking = new Map<string, Promise<Marks>>();
  const marksOf = ({ sid, sub }: AccessClaims): Promise<Marks> => {
    const keys = [revokedSessionKey(sid), revokedUserKey(sub)];
    const id = keys.join(' ');
    let answer = asking.get(id);
    if (!answer) {
      answer = cache
        .getMany(keys)
        .catch(() => [null, null])
        .finally(() => asking.delete(id));
      asking.set(id, answer);
    }
    return answer;
  };

  return {
    async verify(token) {
      let claims = verified.get(token);
      if (!claims) {
        claims = await checkSignature(token, keys, clock);
        verified.set(token, claims);
      }
      if (claims.exp <= clock.now().getTime() / 1000) throw expired();
      const [session, user] = await marksOf(claims);
      if (session != null || (user != null && claims.iat <= Number(user))) {
        throw new AppError(401, 'TOKEN_INVALID', 'This session was ended. Please sign in again.');
      }
      return claims;
    },
  };
}

/** The key set was not fetched in time, or the answer was no key set (503 while `auth` starts). */
const KEYS_NOT_HAD = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID']);
const expired = () => new AppError(401, 'TOKEN_EXPIRED', 'The access token has expired.');

async function checkSignature(token: string, keys: JWTVerifyGetKey, clock: Clock): Promise<AccessClaims> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: TOKEN_ISSUER,
      audience: TOKEN_AUDIENCE,
      algorithms: ['RS256'],
      currentDate: clock.now(),
      requiredClaims: ['sub', 'tid', 'sid', 'exp', 'iat', 'jti'],
    });
    return payload as unknown as AccessClaims;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw expired();
    if (error instanceof AppError) throw error;
    // Whatever says nothing of the token itself is about the keys: their service or database is away. Called
    // 401, that would sign everybody out.
    if (!(error instanceof errors.JOSEError) || KEYS_NOT_HAD.has(error.code)) {
      throw new AppError(503, 'SERVICE_UNAVAILABLE', 'The sign-in service does not answer just now.', {
        retryAfter: 2,
        cause: error,
      });
    }
    throw new AppError(401, 'TOKEN_INVALID', 'The access token is not valid.', { cause: error });
  }
}
