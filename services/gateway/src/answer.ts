import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@psa/contracts/ports/clock';
import { type AppError, errorBody, headersOf } from '@psa/service-kit/errors';
import { isWaiting } from './expect.ts';

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
  for (const [name, value] of Object.entries(headersOf(error))) res.setHeader(name, value);
  // It was not told to send its body, and may now do either: send it or ask for something else.
  if (isWaiting(req)) res.setHeader('connection', 'close');
  res.statusCode = error.status;
  res.end(req.method === 'HEAD' ? undefined : body);
}
