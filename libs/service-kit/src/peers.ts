import type { Clock } from '@psa/contracts/ports/clock';
import type { ServiceName } from '@psa/contracts/services';
import { CircuitBreaker } from './circuit-breaker.ts';
import { AppError, unavailable } from './errors.ts';

export interface PeerRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query, from `/api/v1`. */
  readonly path: string;
  /** The caller's access token: a service asks in the name of whoever asked it. */
  readonly token: string | null;
  readonly requestId: string;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}
export interface PeerResponse {
  readonly status: number;
  readonly body: unknown;
}

/**
 * What an answer that is neither yes nor no means for whoever asked: a peer that cannot just now (503, 504) is no fault
 * of anybody's and may be asked again; a token that has ended on the way is still the caller's. Else 502.
 */
export function peerRefusal(service: ServiceName, { status }: PeerResponse): AppError {
  if (status === 401) return new AppError(401, 'TOKEN_EXPIRED', 'The access token has expired.');
  if (status === 503 || status === 504)
    return unavailable(`The ${service} service does not answer just now.`);
  return new AppError(502, 'EXTERNAL_SERVICE_ERROR', `The ${service} service answered with ${status}.`);
}

/** Asking another service over REST. */
export interface Peers {
  request(service: ServiceName, request: PeerRequest): Promise<PeerResponse>;
}

type Transport = (service: ServiceName, request: PeerRequest, signal: AbortSignal) => Promise<PeerResponse>;

/** A peer's address is a load balancer's: when it is away, another takes it over within seconds. */
const OPEN_MS = 1_000;

/** Whose name a token bears; the service that hands it on has checked it. */
function callerOf(token: string | null): string {
  const claims = token?.split('.')[1] ?? '';
  return /"sub":"([^"]+)"/.exec(Buffer.from(claims, 'base64url').toString())?.[1] ?? 'the platform';
}

/** Peers with a time limit and a circuit breaker each; 5xx answers and silence count as failures of their caller's. */
export function guardedPeers(transport: Transport, clock: Clock): Peers {
  const breakers = new Map<ServiceName, CircuitBreaker>();
  return {
    async request(service, request) {
      let breaker = breakers.get(service);
      if (!breaker)
        breakers.set(service, (breaker = new CircuitBreaker(service, clock, { openMs: OPEN_MS })));
      breaker.enter();
      const caller = callerOf(request.token);
      try {
        const response = await transport(service, request, AbortSignal.timeout(request.timeoutMs ?? 5_000));
        response.status >= 500 ? breaker.failed(caller) : breaker.succeeded();
        return response;
      } catch (error) {
        const isSilence = (error as Error).name === 'TimeoutError';
        // Nobody was reached: whatever was asked, it is not the reason.
        breaker.failed(isSilence || error instanceof AppError ? caller : undefined);
        if (error instanceof AppError) throw error;
        if (isSilence) {
          throw new AppError(
            504,
            'EXTERNAL_SERVICE_TIMEOUT',
            `The ${service} service took too long to answer.`,
            { cause: error },
          );
        }
        throw unavailable(`The ${service} service does not answer just now.`, 2, error);
      }
    },
  };
}

/** Over HTTP; `urlOf` gives a service's base address (a DNS name in the cluster). */
export function httpPeers(urlOf: (service: ServiceName) => string, clock: Clock): Peers {
  return guardedPeers(async (service, request, signal) => {
    const response = await fetch(new URL(request.path, urlOf(service)), {
      method: request.method,
      signal,
      headers: {
        accept: 'application/json',
        'x-request-id': request.requestId,
        ...(request.token === null ? {} : { authorization: `Bearer ${request.token}` }),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }, clock);
}

interface Injectable {
  inject(options: object): Promise<{ statusCode: number; body: string }>;
}

/** Within one process: requests go through the same routes, without a socket. */
export function inProcessPeers(appOf: (service: ServiceName) => Injectable, clock: Clock): Peers {
  return guardedPeers(async (service, request) => {
    const response = await appOf(service).inject({
      method: request.method,
      url: request.path,
      headers: {
        'x-request-id': request.requestId,
        ...(request.token === null ? {} : { authorization: `Bearer ${request.token}` }),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(request.body === undefined ? {} : { payload: JSON.stringify(request.body) }),
    });
    return { status: response.statusCode, body: response.body === '' ? null : JSON.parse(response.body) };
  }, clock);
}
