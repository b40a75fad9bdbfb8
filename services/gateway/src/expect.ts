import type { IncomingMessage, ServerResponse } from 'node:http';
import { lingerAfterRefusal } from '@psa/service-kit/linger';

/** Requests whose client asked first whether to send the body (`Expect: 100-continue`), and waits. */
const waiting = new WeakSet<IncomingMessage>();

export const isWaiting = (req: IncomingMessage) => waiting.has(req);
/** Holds the word back until {@link takeBody}: what is refused before that is never sent. */
export const holdBody = (req: IncomingMessage) => void waiting.add(req);

/** From here on the body is wanted; what comes of it in vain is taken in after the answer. */
export function takeBody(req: IncomingMessage, res: ServerResponse): void {
  if (waiting.delete(req)) res.writeContinue();
  lingerAfterRefusal(req, res);
}
