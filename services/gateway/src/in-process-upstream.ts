import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '@psa/service-kit/errors';
import type { Forwarding, OwnRequest, Upstream } from './upstream.ts';

/** What the gateway needs of a service's app. */
export interface RoutableApp {
  routing(req: IncomingMessage, res: ServerResponse): void;
  inject(options: object): Promise<{ statusCode: number; body: string }>;
}

/** A service in the same process: its app gets the very request and answer objects, so nothing is copied. */
export function inProcessUpstream(name: string, app: RoutableApp): Upstream {
  return {
    forward(req, res, forwarding) {
      return new Promise((resolve, reject) => {
        const stopWaiting = answerTimer(req, res, forwarding, () => {
          reject(timeout(name));
        });
        res.once('close', () => {
          stopWaiting();
          resolve();
        });
        app.routing(req, res);
      });
    },
    async request(request: OwnRequest) {
      const response = await app.inject({
        method: request.method,
        url: request.path,
        headers: request.headers ?? {},
        ...(request.body === undefined ? {} : { payload: request.body }),
      });
      return { status: response.statusCode, body: response.body };
    },
    async metrics() {
      return (await app.inject({ method: 'GET', url: '/metrics' })).body;
    },
    async close() {},
  };
}

export const timeout = (name: string, cause?: unknown) =>
  new AppError(504, 'EXTERNAL_SERVICE_TIMEOUT', `The ${name} service took too long to answer.`, { cause });

/**
 * Calls `expired` once when the answer has not begun within the time. The time starts anew while the client
 * is still sending: a slow upload is not a slow service.
 */
function answerTimer(
  req: IncomingMessage,
  res: ServerResponse,
  { timeoutMs }: Forwarding,
  expired: () => void,
): () => void {
  let received = req.socket.bytesRead;
  const timer = setInterval(() => {
    if (!req.complete && req.socket.bytesRead > received) {
      received = req.socket.bytesRead;
      return;
    }
    clearInterval(timer);
    if (!res.headersSent && !res.destroyed) expired();
  }, timeoutMs);
  timer.unref();
  return () => clearInterval(timer);
}
