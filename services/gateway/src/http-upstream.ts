import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '@psa/contracts/ports/clock';
import { CircuitBreaker } from '@psa/service-kit/circuit-breaker';
import { AppError, unavailable } from '@psa/service-kit/errors';
import { type Dispatcher, Pool } from 'undici';
import { endToEndHeaders } from './headers.ts';
import { timeout } from './in-process-upstream.ts';
import type { Forwarding, OwnRequest, Upstream } from './upstream.ts';

export interface HttpUpstreamOptions {
  readonly name: string;
  /** Base address, such as `http://10.0.40.10:3001`: a load balancer's, with the replicas behind it. */
  readonly address: string;
  readonly clock: Clock;
  readonly breaker?: { failures?: number; openMs?: number };
}

/** Kept connections at most. */
const CONNECTIONS = 64;
/** A load balancer moves to another machine within seconds, so it is tried again soon. */
const OPEN_MS = 1_000;
/** Errors that say "nobody took this request". */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const OURSELVES = 'gateway';
const codeOf = (error: unknown) =>
  (error as { code?: string }).code ?? (error as { cause?: { code?: string } }).cause?.code ?? '';

/** A service behind HTTP, with one keep-alive pool and one circuit breaker; its load balancer chooses the replica. */
export function httpUpstream({ name, address, clock, breaker: settings }: HttpUpstreamOptions): Upstream {
  const pool = new Pool(address, {
    connections: CONNECTIONS,
    // Time for one SYN that was lost.
    connectTimeout: 1_500,
    // Shorter than what HAProxy and the services keep: a request must not meet a connection that is being closed.
    keepAliveTimeout: 30_000,
    bodyTimeout: 60_000,
  });
  const breaker = new CircuitBreaker(name, clock, { openMs: OPEN_MS, ...settings });

  /** `mayRepeat`: nothing can have happened twice when the request is sent again, to what may be another replica. */
  async function ask(
    request: () => Dispatcher.RequestOptions,
    caller: string,
    mayRepeat: () => boolean,
  ): Promise<Dispatcher.ResponseData> {
    breaker.enter();
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await pool.request(request());
        breaker.succeeded();
        return response;
      } catch (error) {
        const code = codeOf(error);
        if (
          code === 'UND_ERR_ABORTED' ||
          error instanceof AppError ||
          (error as Error).name === 'AbortError'
        ) {
          breaker.abandoned();
          throw error;
        }
        if (code === 'UND_ERR_INVALID_ARG') {
          breaker.abandoned();
          throw new AppError(
            400,
            'INVALID_INPUT',
            'The request has a header or path that cannot be passed on.',
            {
              details: [{ field: 'request', message: (error as Error).message }],
              cause: error,
            },
          );
        }
        const unreached = NOT_SENT.has(code);
        if (attempt === 1 && (unreached || code === 'UND_ERR_SOCKET') && mayRepeat()) continue;
        // A service that took the request may have failed because of what it says.
        breaker.failed(unreached ? undefined : caller);
        if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') throw timeout(name, error);
        throw unavailable(`The ${name} service does not answer just now.`, 2, error);
      }
    }
  }

  return {
    async forward(req, res, forwarding) {
      const gone = new AbortController();
      // After an answer that was sent whole there is nothing to give up, and the error of an abort costs a stack trace.
      res.once('close', () => {
        if (!res.writableFinished) gone.abort();
      });
      const hasBody =
        req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
      let bodyTouched = false;
      const request = (): Dispatcher.RequestOptions => ({
        method: req.method as Dispatcher.HttpMethod,
        path: req.url!,
        headers: endToEndHeaders(req.headers),
        body: hasBody ? Readable.from(limited(req, forwarding, () => (bodyTouched = true))) : null,
        signal: gone.signal,
        headersTimeout: forwarding.timeoutMs,
      });
      let response: Dispatcher.ResponseData;
      try {
        response = await ask(request, forwarding.caller, () =>
          hasBody ? !bodyTouched : SAFE.has(req.method!),
        );
      } catch (error) {
        if (gone.signal.aborted && !(error instanceof AppError)) return;
        throw error;
      }
      await relay(response, res);
    },
    async request(own: OwnRequest) {
      const response = await ask(
        () => ({
          method: own.method,
          path: own.path,
          headers: { accept: 'application/json', ...own.headers },
          body: own.body ?? null,
          headersTimeout: 5_000,
        }),
        OURSELVES,
        () => true,
      );
      return { status: response.statusCode, body: await response.body.text() };
    },
    async metrics() {
      return null;
    },
    async close() {
      await pool.destroy();
    },
  };
}

/**
 * The body as it comes, ended with 413 when it grows past the limit. Reads nothing before it is asked to, so
 * that a body which nobody took can still be sent again.
 */
async function* limited(req: IncomingMessage, { bodyLimit }: Forwarding, started: () => void) {
  started();
  let size = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > bodyLimit) {
      throw new AppError(413, 'PAYLOAD_TOO_LARGE', 'The request is larger than allowed.', {
        details: [{ field: 'body', message: `must have at most ${bodyLimit} bytes` }],
      });
    }
    yield chunk as Buffer;
  }
}

/** Bodies up to this size are handed on in one piece, so that they can be compressed. */
const WHOLE_BODY = 1024 * 1024;

async function relay(response: Dispatcher.ResponseData, res: ServerResponse): Promise<void> {
  const headers = endToEndHeaders(response.headers);
  const length = Number(headers['content-length'] ?? Number.NaN);
  try {
    if (length <= WHOLE_BODY) {
      const body = Buffer.from(await response.body.arrayBuffer());
      if (res.destroyed) return;
      res.writeHead(response.statusCode, headers);
      res.end(body.length > 0 ? body : undefined);
      return;
    }
    if (res.destroyed) {
      response.body.destroy();
      return;
    }
    res.writeHead(response.statusCode, headers);
    await pipeline(response.body, res);
  } catch (error) {
    // Half an answer cannot be taken back: ending the connection tells the client that it is not whole.
    if (res.headersSent) res.destroy();
    else if (!res.destroyed) throw unavailable('The answer of a service was cut off.', 2, error);
  }
}
