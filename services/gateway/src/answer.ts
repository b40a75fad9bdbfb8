import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@psa/contracts/ports/clock';
import { type AppError, errorBody } from '@psa/service-kit/errors';

/** Largest rest of a refused upload that is read and thrown away, so that the client gets to read the answer. */
const DRAIN_MS = 5_000;

/** Writes the one error body (BDUF §4.4). Does nothing when an answer was begun already. */
export function answerError(
  req: IncomingMessage,
  res: ServerResponse,
  error: AppError,
  requestId: string,
  clock: Clock,
): void {
  if (res.headersSent || res.destroyed) return;
  const body = JSON.stringify(errorBody(error, requestId, clock.now()));
  res.setHeader('content-type', 'application/json; charset=utf-8');
  res.setHeader('content-length', Buffer.byteLength(body));
  res.setHeader('x-request-id', requestId);
  if (error.retryAfter !== undefined) res.setHeader('retry-after', String(error.retryAfter));
  if (error.status === 401) res.setHeader('www-authenticate', 'Bearer');
  if (!req.complete) {
    res.setHeader('connection', 'close');
    req.resume();
    const giveUp = setTimeout(() => req.socket.destroy(), DRAIN_MS);
    giveUp.unref();
    req.once('close', () => clearTimeout(giveUp));
  }
  res.statusCode = error.status;
  res.end(req.method === 'HEAD' ? undefined : body);
}
