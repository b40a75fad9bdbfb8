import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type AccessClaims, CSRF_HEADER } from '@psa/contracts/tokens';
import { AppError } from '@psa/service-kit/errors';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
export const isUnsafe = (req: IncomingMessage) => !SAFE.has(req.method ?? '');

const refused = (message: string) => new AppError(403, 'CSRF_INVALID', message);

/**
 * True when a browser says that the request comes from one of our own pages. Clients that are no browser send
 * neither header; they have no cookies that somebody else could use.
 */
export function isSameOrigin(req: IncomingMessage, publicUrl: string): boolean {
  const origin = req.headers.origin;
  if (origin !== undefined) {
    if (origin === new URL(publicUrl).origin) return true;
    const host = URL.canParse(origin) ? new URL(origin).host : null;
    return host !== null && host === req.headers.host;
  }
  const site = req.headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin' || site === 'none';
}

/** A change that a page of another origin asks a browser to make. @throws 403 CSRF_INVALID */
export function checkOrigin(req: IncomingMessage, publicUrl: string): void {
  if (isUnsafe(req) && !isSameOrigin(req, publicUrl)) throw refused('This request came from another site.');
}

/** Changes by cookie need the token that only our own pages can read. @throws 403 CSRF_INVALID */
export function checkCsrfToken(req: IncomingMessage, claims: AccessClaims): void {
  if (!isUnsafe(req)) return;
  const given = Buffer.from(String(req.headers[CSRF_HEADER] ?? ''));
  const wanted = Buffer.from(claims.csrf ?? '');
  if (wanted.length === 0 || given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw refused('The X-CSRF-Token header is missing or does not belong to this session.');
  }
}
