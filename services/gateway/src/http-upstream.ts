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
  /** Base addresses of the replicas, such as `http://10.0.20.11:3001`. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  /** Kept connections per address; default 64. */
  readonly connections?: number;
  readonly breaker?: { failures?: number; openMs?: number };
}

interface Target {
  readonly pool: Pool;
  readonly breaker: CircuitBreaker;
}

/** Errors that say "nobody took this request": it may go to another replica. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const codeOf = (error: unknown) =>
  (error as { code?: string }).code ?? (error as { cause?: { code?: string } }).cause?.code ?? '';

/**
 * A service behind HTTP, with keep-alive pools and a circuit breaker per replica. Replicas take turns; one that
 * cannot be reached is passed over while its breaker is open.
 */
export function httpUpstream(options: HttpUpstreamOptions): Upstream {
  const { name, clock } = options;
  if (options.addresses.length === 0) throw new Error(`The ${name} service has no address.`);
  // A single address is a load balancer's. It moves to another machine within seconds, and is tried again at once;
  // one of several replicas can be passed over for longer.
  const usual = options.addresses.length === 1 ? { openMs: 1_000 } : {};
  const targets = options.addresses.map(
    (address): Target => ({
      pool: new Pool(address, {
        connections: options.connections ?? 64,
        // Time for one SYN that was lost.
        connectTimeout: 1_500,
        // Shorter than what HAProxy and the services keep: a request must not meet a connection that is being closed.
        keepAliveTimeout: 30_000,
        bodyTimeout: 60_000,
      }),
      breaker: new CircuitBreaker(name, clock, { ...usual, ...options.breaker }),
    }),
  );
  let turn = 0;

  /** The replicas that may be asked now, in the order in which to try them. */
  function* candidates(): Generator<Target> {
    const first = turn++;
    let refusal: unknown;
    let any = false;
    // A single address is a load balancer with several behind it: a second try finds another one.
    for (let i = 0; i < Math.max(2, targets.length); i++) {
      const target = targets[(first + i) % targets.length]!;
      try {
        target.breaker.enter();
      } catch (error) {
        refusal = error;
        continue;
      }
      any = true;
      yield target;
    }
    if (!any) throw refusal;
  }

  /** `mayRepeat`: nothing can have happened twice when another replica gets the request too. */
  async function ask(
    request: () => Dispatcher.RequestOptions,
    mayRepeat: () => boolean,
  ): Promise<Dispatcher.ResponseData> {
    let last: unknown;
    for (const target of candidates()) {
      try {
        const response = await target.pool.request(request());
        target.breaker.succeeded();
        return response;
      } catch (error) {
        const code = codeOf(error);
        if (
          code === 'UND_ERR_ABORTED' ||
          error instanceof AppError ||
          (error as Error).name === 'AbortError'
        ) {
          // The client went away or sent too much: says nothing about the service, but a trial must end.
          if (target.breaker.state === 'half-open') target.breaker.failed();
          throw error;
        }
        target.breaker.failed();
        last = error;
        if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') throw timeout(name, error);
        if (!mayRepeat() || (code !== 'UND_ERR_SOCKET' && !NOT_SENT.has(code))) break;
      }
    }
    throw unavailable(`The ${name} service does not answer just now.`, 2, last);
  }

  return {
    async forward(req, res, forwarding) {
      const gone = new AbortController();
      res.once('close', () => gone.abort());
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
        response = await ask(request, () => (hasBody ? !bodyTouched : SAFE.has(req.method!)));
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
        () => true,
      );
      return { status: response.statusCode, body: await response.body.text() };
    },
    async metrics() {
      return null;
    },
    async close() {
      await Promise.all(targets.map((target) => target.pool.destroy()));
    },
  };
}

/**
 * The body as it comes, ended with 413 when it grows past the limit. Reads nothing before it is asked to, so
 * that a body which no replica took can still go to another.
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
