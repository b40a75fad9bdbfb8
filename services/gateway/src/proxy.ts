import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BlockList } from 'node:net';
import type { Clock } from '@psa/contracts/ports/clock';
import type { ServiceName } from '@psa/contracts/services';
import { requestIdOf } from '@psa/service-kit/app';
import { AppError, toAppError } from '@psa/service-kit/errors';
import { loadGuard } from '@psa/service-kit/load-guard';
import type { Logger } from '@psa/service-kit/log';
import type { TokenVerifier } from '@psa/service-kit/tokens';
import { answerError } from './answer.ts';
import type { ApiKeyExchange } from './api-keys.ts';
import { type Client, clientOf, limitedAs } from './client-address.ts';
import { compressAnswer } from './compression.ts';
import { credentialOf, type Identity, identify } from './credentials.ts';
import { checkCsrfToken, checkOrigin, isUnsafe } from './csrf.ts';
import { takeBody } from './expect.ts';
import { removeUntrusted, setSecurityHeaders } from './headers.ts';
import type { RateLimiter } from './rate-limit.ts';
import { type ApiRoute, routeOf } from './route-table.ts';
import type { Upstream } from './upstream.ts';

export interface ProxyDeps {
  readonly upstreams: Readonly<Record<ServiceName, Upstream>>;
  readonly verifier: TokenVerifier;
  readonly apiKeys: ApiKeyExchange;
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly trusted: BlockList;
  readonly publicUrl: string;
  /** Why nothing can be changed just now; null: it can. */
  refuseChange(): AppError | null;
  /** Milliseconds until a service must begin to answer. */
  readonly timeoutMs: number;
  /** Tells the metrics of an answered request. */
  observe(method: string, route: string, status: number, seconds: number): void;
}

/**
 * The way of an API request: route, limits, who asks, may a browser ask this, then on to the service. Errors
 * before the service has begun to answer become the one error body.
 */
export function apiProxy(deps: ProxyDeps) {
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const began = performance.now();
    const requestId = requestIdOf(req.headers);
    const client = clientOf(req, deps.trusted);
    const route = routeOf(req.method!, req.url!);
    setSecurityHeaders(res, 'api', client.https || deps.publicUrl.startsWith('https:'));
    res.once('close', () => {
      const label = route ? `/api/v1/${route.prefix}/*` : 'unknown';
      deps.observe(req.method!, label, res.statusCode, (performance.now() - began) / 1000);
    });
    try {
      const overload = loadGuard().refusal();
      if (overload) throw overload;
      const identity = await admit(deps, req, res, { route, client, requestId });
      if (route === null) {
        const path = req.url!.split('?')[0];
        throw new AppError(404, 'RESOURCE_NOT_FOUND', `There is no ${req.method} ${path}.`);
      }
      checkLength(req, route);
      const refusal = isUnsafe(req) ? deps.refuseChange() : null;
      if (refusal) throw refusal;
      takeBody(req, res);
      addressToService(req, route, { client, requestId, identity });
      // Answers of `auth` carry secrets beside text that a stranger may choose (BREACH), so they stay as they are.
      if (route.service !== 'auth') compressAnswer(req, res);
      await deps.upstreams[route.service].forward(req, res, {
        requestId,
        timeoutMs: deps.timeoutMs,
        bodyLimit: route.bodyLimit,
        caller: identity?.claims.sub ?? limitedAs(client.address),
      });
    } catch (thrown) {
      const error = toAppError(thrown);
      const line = {
        request_id: requestId,
        method: req.method,
        path: req.url!.split('?')[0],
        status: error.status,
      };
      if (error.status >= 500) deps.log.error({ ...line, err: error.cause ?? error }, error.message);
      else deps.log.info({ ...line, code: error.code, address: client.address }, 'refused');
      answerError(req, res, error, requestId, deps.clock);
    }
  };
}

interface Asked {
  readonly route: ApiRoute | null;
  readonly client: Client;
  readonly requestId: string;
}

/** Counts the request and finds out who asks; null where nobody needs to be known. @throws 401, 403, 429 */
async function admit(
  deps: ProxyDeps,
  req: IncomingMessage,
  res: ServerResponse,
  { route, client, requestId }: Asked,
): Promise<Identity | null> {
  const stranger = () => deps.limiter.anonymous(res, limitedAs(client.address));
  if (route === null || route.isPublic) {
    await stranger();
    if (req.headers.cookie !== undefined) checkOrigin(req, deps.publicUrl);
    return null;
  }
  let identity: Identity;
  try {
    const credential = credentialOf(req);
    if (!credential) throw new AppError(401, 'AUTHENTICATION_REQUIRED', 'Please sign in.');
    identity = await identify(credential, deps.verifier, deps.apiKeys, {
      requestId,
      address: client.address,
    });
  } catch (error) {
    // Guessing tokens counts as strangers' requests do; an outage of `auth` does not.
    if (error instanceof AppError && (error.status === 401 || error.status === 423)) await stranger();
    throw error;
  }
  await deps.limiter.user(res, identity.claims, identity.kind === 'cookie' && !isUnsafe(req));
  if (identity.kind === 'cookie') {
    checkOrigin(req, deps.publicUrl);
    checkCsrfToken(req, identity.claims);
  }
  return identity;
}

function checkLength(req: IncomingMessage, { bodyLimit }: ApiRoute): void {
  if (Number(req.headers['content-length'] ?? 0) <= bodyLimit) return;
  throw new AppError(413, 'PAYLOAD_TOO_LARGE', 'The request is larger than allowed.', {
    details: [{ field: 'body', code: 'too_large', message: `must have at most ${bodyLimit} bytes` }],
  });
}

/** Makes the headers what the service shall see: our word on who asks and from where, nobody else's. */
function addressToService(
  req: IncomingMessage,
  route: ApiRoute,
  by: { client: Client; requestId: string; identity: Identity | null },
): void {
  const { headers } = req;
  removeUntrusted(headers);
  headers['x-request-id'] = by.requestId;
  headers['x-forwarded-for'] = by.client.address;
  headers['x-forwarded-proto'] = by.client.https ? 'https' : 'http';
  if (headers.host !== undefined) headers['x-forwarded-host'] = headers.host;
  if (by.identity) headers.authorization = `Bearer ${by.identity.token}`;
  // Only `auth` reads cookies (refresh tokens); no other service gets to see them.
  if (route.service !== 'auth') delete headers.cookie;
}
