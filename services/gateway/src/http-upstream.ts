import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Clock } from '@psa/contracts/ports/clock';
import { CircuitBreaker } from '@psa/service-kit/circuit-breaker';
import { AppError, unavailable } from '@psa/service-kit/errors';
import { type Dispatcher, Pool } from 'undici';
import { endToEndHeaders } from './headers.ts';
import { timeout } from './in-process-upstream.ts';
import { ClientGone, Relay } from './relay.ts';
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
/** A body up to this size is taken in whole and sent with its head in one piece. */
const SMALL_BODY = 64 * 1024;
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

  /**
   * Calls `send` and, when nobody took it, once more: the second time perhaps of another replica. `mayRepeat`: nothing
   * can have happened twice by that.
   */
  async function ask<T>(send: () => Promise<T>, caller: string, mayRepeat: () => boolean): Promise<T> {
    breaker.enter();
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await send();
        breaker.succeeded();
        return answer;
      } catch (error) {
        const code = codeOf(error);
        if (code === 'UND_ERR_ABORTED' || error instanceof AppError || error instanceof ClientGone) {
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
              details: [{ field: 'request', code: 'unreadable', message: (error as Error).message }],
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
      const length = Number(req.headers['content-length'] ?? 0);
      const hasBody = req.headers['transfer-encoding'] !== undefined || length > 0;
      let relay: Relay | null = null;
      let bodyTouched = false;
      res.once('close', () => {
        if (!res.writableFinished) relay?.abandon();
      });
      try {
        // Before the breaker is asked: the one trial of a service must not wait for a client.
        const isSmall = length > 0 && length <= SMALL_BODY;
        const small = isSmall && breaker.state !== 'open' ? await wholeBody(req) : null;
        const send = async (): Promise<Relay> => {
          const asking = new Relay(res);
          relay = asking;
          pool.dispatch(
            {
              method: req.method as Dispatcher.HttpMethod,
              path: req.url!,
              headers: endToEndHeaders(req.headers),
              body:
                small ??
                (hasBody ? Readable.from(limited(req, forwarding, () => (bodyTouched = true))) : null),
              headersTimeout: forwarding.timeoutMs,
            },
            asking,
          );
          await asking.head;
          return asking;
        };
        const mayRepeat = () => {
          if (!hasBody) return SAFE.has(req.method!);
          return small ? !relay?.started : !bodyTouched;
        };
        const answer = await ask(send, forwarding.caller, mayRepeat);
        await answer.done;
      } catch (error) {
        if (res.destroyed && !(error instanceof AppError)) return;
        throw error;
      }
    },
    async request(own: OwnRequest) {
      const response = await ask(
        () =>
          pool.request({
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

/** A body whose length is known and small. @throws ClientGone when it does not come whole */
function wholeBody(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    req.once('close', () => {
      if (!req.complete) reject(new ClientGone());
    });
  });
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
        details: [{ field: 'body', code: 'too_large', message: `must have at most ${bodyLimit} bytes` }],
      });
    }
    yield chunk as Buffer;
  }
}
