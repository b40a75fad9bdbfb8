import { createHash } from 'node:crypto';
import type { ExchangeApiKeyRequest, ExchangeApiKeyResponse } from '@psa/contracts/auth';
import type { ErrorBody, ErrorDetail } from '@psa/contracts/common';
import type { Clock } from '@psa/contracts/ports/clock';
import { AppError, unavailable } from '@psa/service-kit/errors';
import { LRUCache } from 'lru-cache';
import type { Static } from 'typebox';
import type { Upstream } from './upstream.ts';

const hashOf = (key: string) => createHash('sha256').update(key).digest('hex');

/** How long an exchanged key is believed without asking again; a key that is taken back also ends its session. */
const REMEMBERED_MS = 60_000;

/** Which request brings a key, and from where: `auth` counts unknown keys by address. */
export interface Asker {
  readonly requestId: string;
  readonly address: string;
}

/** The refusal of `auth`, word for word: until when the address has to wait. */
function addressLocked(body: string): AppError {
  const { error } = JSON.parse(body) as ErrorBody;
  return new AppError(423, 'ACCOUNT_LOCKED', error.message, {
    details: error.details as ErrorDetail[],
    retryAfter: error.retry_after,
  });
}

/**
 * Turns an API key into a short-lived access token by asking `auth`, at most once a minute per key. Keys are
 * remembered by their SHA-256 and in this process only.
 */
export class ApiKeyExchange {
  readonly #auth: Upstream;
  readonly #clock: Clock;
  readonly #known = new LRUCache<string, { token: Promise<string>; until: number }>({ max: 1_000 });

  constructor(auth: Upstream, clock: Clock) {
    this.#auth = auth;
    this.#clock = clock;
  }

  /** @throws 401 for a key that is unknown, expired or taken back, 423 when its address has tried many such */
  tokenFor(key: string, asker: Asker): Promise<string> {
    const hash = hashOf(key);
    const now = this.#clock.now().getTime();
    const known = this.#known.get(hash);
    if (known && known.until > now) return known.token;
    const token = this.#exchange(key, asker);
    this.#known.set(hash, { token, until: now + REMEMBERED_MS });
    token.catch(() => this.#known.delete(hash));
    return token;
  }

  /** Asks anew next time, unless somebody has done so since: `token` is the one that turned out to be no good. */
  async forget(key: string, token: string): Promise<void> {
    const hash = hashOf(key);
    const known = this.#known.get(hash);
    if (known && (await known.token.catch(() => null)) === token) this.#known.delete(hash);
  }

  async #exchange(key: string, { requestId, address }: Asker): Promise<string> {
    const response = await this.#auth.request({
      method: 'POST',
      path: '/internal/api-keys/exchange',
      headers: {
        'content-type': 'application/json',
        'x-request-id': requestId,
        'x-forwarded-for': address,
      },
      body: JSON.stringify({ api_key: key } satisfies Static<typeof ExchangeApiKeyRequest>),
    });
    if (response.status >= 500) throw unavailable('The sign-in service does not answer just now.');
    if (response.status === 423) throw addressLocked(response.body);
    if (response.status !== 200) throw new AppError(401, 'TOKEN_INVALID', 'The API key is not valid.');
    return (JSON.parse(response.body) as Static<typeof ExchangeApiKeyResponse>).access_token;
  }
}
