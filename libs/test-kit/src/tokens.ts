import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { DEFAULT_ROLES } from '@psa/contracts/permissions';
import type { Cache } from '@psa/contracts/ports/cache';
import type { Clock } from '@psa/contracts/ports/clock';
import { type AccessClaims, TOKEN_AUDIENCE, TOKEN_ISSUER } from '@psa/contracts/tokens';
import { type TokenVerifier, tokenVerifier } from '@psa/service-kit/tokens';
import { createLocalJWKSet, exportJWK, SignJWT } from 'jose';

/** Issues real RS256 tokens for anybody, and the verifier that accepts them. */
export interface TestTokens {
  readonly verifier: TokenVerifier;
  /** A token; what is not said is a technician of a fresh tenant. */
  issue(claims?: Partial<AccessClaims>): Promise<string>;
}

export async function testTokens(cache: Cache, clock: Clock): Promise<TestTokens> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'RS256', use: 'sig' };
  const verifier = tokenVerifier({ keys: createLocalJWKSet({ keys: [jwk] }), cache, clock });
  return {
    verifier,
    async issue(claims = {}) {
      const role = claims.role ?? 'technician_l2';
      const now = Math.floor(clock.now().getTime() / 1000);
      const payload: AccessClaims = {
        sub: randomUUID(),
        tid: randomUUID(),
        email: `${role}@test.example`,
        name: role,
        role,
        permissions: DEFAULT_ROLES[role]?.permissions ?? [],
        audience: DEFAULT_ROLES[role]?.audience ?? 'staff',
        tier: 'standard',
        sid: randomUUID(),
        iat: now,
        exp: now + 900,
        jti: randomUUID(),
        ...claims,
      };
      return new SignJWT({ ...payload })
        .setProtectedHeader({ alg: 'RS256', kid: 'test' })
        .setIssuer(TOKEN_ISSUER)
        .setAudience(TOKEN_AUDIENCE)
        .sign(privateKey);
    },
  };
}
