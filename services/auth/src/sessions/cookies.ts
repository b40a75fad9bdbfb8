import '@fastify/cookie';
import { ACCESS_COOKIE, CSRF_COOKIE, REFRESH_COOKIE } from '@psa/contracts/tokens';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { REFRESH_TTL_SECONDS } from './lifetimes.ts';

/** The refresh token goes to these routes only, so that no other request can leak it. */
const REFRESH_PATH = '/api/v1/auth';
const base = { secure: true, sameSite: 'strict' } as const;

export interface CookieTokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly csrf: string;
}

/**
 * Sets the cookies of a portal session. The access cookie outlives its token on purpose: an expired token is
 * answered with TOKEN_EXPIRED, which tells the portal to refresh, and is worth nothing else.
 */
export function setCookies(reply: FastifyReply, tokens: CookieTokens): void {
  const maxAge = REFRESH_TTL_SECONDS;
  reply
    .setCookie(ACCESS_COOKIE, tokens.access_token, { ...base, httpOnly: true, path: '/', maxAge })
    .setCookie(REFRESH_COOKIE, tokens.refresh_token, { ...base, httpOnly: true, path: REFRESH_PATH, maxAge })
    .setCookie(CSRF_COOKIE, tokens.csrf, { ...base, path: '/', maxAge });
}

export function clearCookies(reply: FastifyReply): void {
  reply
    .clearCookie(ACCESS_COOKIE, { ...base, httpOnly: true, path: '/' })
    .clearCookie(REFRESH_COOKIE, { ...base, httpOnly: true, path: REFRESH_PATH })
    .clearCookie(CSRF_COOKIE, { ...base, path: '/' });
}

/** The cookies of a request that this service reads; empty ones count as absent. */
export function readCookies(request: FastifyRequest) {
  const value = (name: string) => request.cookies[name] || null;
  return { access: value(ACCESS_COOKIE), refresh: value(REFRESH_COOKIE), csrf: value(CSRF_COOKIE) };
}
