import { IncomingMessage, type ServerResponse } from 'node:http';

/** Of a body that nobody wants: how long, how much, and how long without a byte it is taken in and thrown away. */
const MOST = { ms: 60_000, bytes: 64 * 1024 * 1024, silentMs: 5_000 };

const lingering = new WeakSet<ServerResponse>();

/**
 * Lets a client read an answer that is given before its body has come whole (401, 403, 404, 413, 415, 429, …).
 * Node ends such a connection as soon as the answer is written; what is still on its way then meets a closed port,
 * and the reset that follows makes the client's side forget the answer (RFC 9112 §9.6). Where the body was half read
 * and left, nobody goes on reading, and a client that sends first and reads then waits for ever. So the answer is
 * written at once and ended only when the body is through, within bounds; the connection can be used again.
 */
export function lingerAfterRefusal(req: IncomingMessage, res: ServerResponse): void {
  if (!(req instanceof IncomingMessage) || req.complete || lingering.has(res)) return;
  lingering.add(res);
  const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
  res.end = ((chunk?: unknown, ...rest: unknown[]) => {
    res.end = end as typeof res.end;
    const body = typeof chunk === 'string' || Buffer.isBuffer(chunk) ? chunk : null;
    if (req.complete || req.destroyed || !isComplete(res, body)) return end(chunk, ...rest);
    // To a HEAD request there is no body to write.
    if (body !== null && body.length > 0 && req.method !== 'HEAD') res.write(body);
    else res.flushHeaders();
    takeIn(req, () => end());
    return res;
  }) as typeof res.end;
}

/** Whether the client can tell by the length that the answer is whole, although it is not ended. */
function isComplete(res: ServerResponse, body: string | Buffer | null): boolean {
  if (!res.headersSent) {
    if (!res.hasHeader('content-length')) res.setHeader('content-length', Buffer.byteLength(body ?? ''));
    return true;
  }
  // `writeHead` with headers of its own leaves no other trace.
  return !(res as unknown as { chunkedEncoding: boolean }).chunkedEncoding;
}

/** Reads the rest of a body away, then calls `done`; past the bounds the connection is cut. */
function takeIn(req: IncomingMessage, done: () => void): void {
  let bytes = 0;
  const cut = () => req.socket.destroy();
  const late = setTimeout(cut, MOST.ms);
  const silent = setTimeout(cut, MOST.silentMs);
  // Whoever read it before has stopped for good, and may have left it paused.
  req.unpipe();
  req.removeAllListeners('readable');
  req.on('data', (chunk: Buffer) => {
    silent.refresh();
    if ((bytes += chunk.length) > MOST.bytes) cut();
  });
  req.once('close', () => {
    clearTimeout(late);
    clearTimeout(silent);
  });
  req.once('end', () => {
    clearTimeout(late);
    clearTimeout(silent);
    done();
  });
  req.resume();
}
