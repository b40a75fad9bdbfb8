import type { IncomingMessage } from 'node:http';
import { ACCESS_COOKIE, type AccessClaims } from '@psa/contracts/tokens';
import { AppError } from '@psa/service-kit/errors';
import type { TokenVerifier } from '@psa/service-kit/tokens';
import { parseCookie } from 'cookie';
import type { ApiKeyExchange, Asker } from './api-keys.ts';

/** What a request brings to say who it is from; nothing of it is checked yet. */
export type Credential =
  | { readonly kind: 'bearer' | 'cookie'; readonly token: string }
  | { readonly kind: 'api-key'; readonly key: string };

/** Who asks, and the token that says so to the services. */
export interface Identity {
  readonly kind: Credential['kind'];
  readonly token: string;
  readonly claims: AccessClaims;
}

/** The credential of a request: `X-API-Key`, `Authorization`, then the portals' cookie. @throws 401 when malformed */
export function credentialOf(req: IncomingMessage): Credential | null {
  const key = req.headers['x-api-key'];
  if (typeof key === 'string') return { kind: 'api-key', key };
  const header = req.headers.authorization;
  if (header !== undefined) {
    const token = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(header)?.[1];
    if (!token)
      throw new AppError(401, 'TOKEN_INVALID', 'The Authorization header must be "Bearer <token>".');
    return token.startsWith('psa_') ? { kind: 'api-key', key: token } : { kind: 'bearer', token };
  }
  const token = parseCookie(req.headers.cookie ?? '')[ACCESS_COOKIE];
  return token ? { kind: 'cookie', token } : null;
}

/** Checks a credential. @throws 401 that says why not */
export async function identify(
  credential: Credential,
  verifier: TokenVerifier,
  apiKeys: ApiKeyExchange,
  asker: Asker,
): Promise<Identity> {
  const { kind } = credential;
  if (kind !== 'api-key') {
    return { kind, token: credential.token, claims: await verifier.verify(credential.token) };
  }
  const known = await apiKeys.tokenFor(credential.key, asker);
  try {
    return { kind, token: known, claims: await verifier.verify(known) };
  } catch (error) {
    // A change of the owner's rights ends the tokens issued so far; the key itself may be as good as before.
    if (!(error instanceof AppError) || error.status !== 401) throw error;
    await apiKeys.forget(credential.key, known);
  }
  const token = await apiKeys.tokenFor(credential.key, asker);
  return { kind, token, claims: await verifier.verify(token) };
}
