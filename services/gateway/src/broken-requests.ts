import { type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { requestIdOf } from '@psa/service-kit/app';
import { AppError, errorBody, headersOf } from '@psa/service-kit/errors';

const ALLOWED = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'] as const;

/** What is wrong with a request that is no HTTP, by the code of Node's parser. */
function errorOf(code: string | undefined): AppError {
  switch (code) {
    case 'HPE_INVALID_METHOD':
      return new AppError(405, 'METHOD_NOT_ALLOWED', 'There is no such method.', { allowed: ALLOWED });
    case 'HPE_HEADER_OVERFLOW':
      return new AppError(431, 'PAYLOAD_TOO_LARGE', 'The headers are larger than allowed.', {
        details: [{ field: 'headers', code: 'too_large', message: 'are larger than 16 KiB' }],
      });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AppError(408, 'INVALID_INPUT', 'The request did not come in time.');
    default:
      return new AppError(400, 'INVALID_INPUT', 'This is not a valid HTTP request.', {
        details: [{ field: 'request', code: 'unreadable', message: 'is not valid HTTP' }],
      });
  }
}

/** Answers what never becomes a request with the one error body; Node's own answers have none. */
export function answerBrokenRequests(server: Server, now: () => Date): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else refuse(socket, errorOf(error.code), requestIdOf({}), now());
  });
  server.on('connect', (req, socket) => {
    socket.on('error', () => socket.destroy());
    refuse(socket, errorOf('HPE_INVALID_METHOD'), requestIdOf(req.headers), now());
  });
}

/** Writes an error on a bare socket and closes it. */
export function refuse(socket: Duplex, error: AppError, requestId: string, now: Date): void {
  const body = JSON.stringify(errorBody(error, requestId, now));
  const headers = {
    ...headersOf(error),
    'x-request-id': requestId,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const line = `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? 'Error'}`;
  socket.end(`${line}\r\n${head.join('')}\r\n${body}`);
}
