import { LoginRequest, LogoutRequest, Me, RefreshRequest, TokenResponse } from '@psa/contracts/auth';
import { Nullable, One } from '@psa/contracts/common';
import { CSRF_HEADER } from '@psa/contracts/tokens';
import { type App, contextOf } from '@psa/service-kit/app';
import { AppError } from '@psa/service-kit/errors';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { AuthDeps } from '../deps.ts';
import { clearCookies, readCookies, setCookies } from './cookies.ts';
import { ACCESS_TTL_SECONDS } from './lifetimes.ts';
import { login, type Session } from './login.ts';
import { loadPrincipal, meOf } from './principal.ts';
import { logout, refresh } from './refresh.ts';

const caller = (request: FastifyRequest) => ({
  id: request.id,
  ip: request.ip,
  userAgent: request.headers['user-agent'] ?? '',
});

/** Tokens in the body, or in cookies and then nowhere else. */
function answer(reply: FastifyReply, session: Session) {
  const body = { user: meOf(session.principal), expires_in: ACCESS_TTL_SECONDS };
  reply.header('cache-control', 'no-store');
  if (session.kind === 'cookie') {
    setCookies(reply, { ...session, csrf: session.csrf ?? '' });
    return { data: body };
  }
  const { access_token, refresh_token } = session;
  return { data: { ...body, access_token, refresh_token, token_type: 'Bearer' as const } };
}

export function sessionRoutes(app: App, deps: AuthDeps): void {
  app.post(
    '/api/v1/auth/login',
    {
      schema: {
        operationId: 'login',
        summary: 'Sign in with e-mail address and password',
        description: 'Five failures lock the account, and the address they come from, for 15 minutes (423).',
        body: LoginRequest,
        response: { 200: One(TokenResponse) },
      },
    },
    async (request, reply) => {
      const session = await login(deps, caller(request), { session: 'token', ...request.body });
      return answer(reply, session);
    },
  );

  app.post(
    '/api/v1/auth/refresh',
    {
      schema: {
        operationId: 'refreshSession',
        summary: 'Exchange a refresh token for new tokens',
        description:
          'Each refresh token is spent by its use; sent again within 10 seconds it yields the same successor, later ' +
          'it ends the session. A cookie session sends no body, and the `psa_csrf` cookie in `X-CSRF-Token`.',
        body: Nullable(RefreshRequest),
        response: { 200: One(TokenResponse) },
      },
    },
    async (request, reply) => {
      const cookies = readCookies(request);
      const given = request.body?.refresh_token;
      const token = given ?? cookies.refresh;
      if (!token)
        throw new AppError(401, 'AUTHENTICATION_REQUIRED', 'There is no refresh token. Please sign in.');
      const csrf = request.headers[CSRF_HEADER];
      try {
        const session = await refresh(deps, caller(request), {
          token,
          csrf: typeof csrf === 'string' ? csrf : null,
        });
        return answer(reply, session);
      } catch (error) {
        if (given === undefined && error instanceof AppError && error.status === 401) clearCookies(reply);
        throw error;
      }
    },
  );

  app.post(
    '/api/v1/auth/logout',
    {
      schema: {
        operationId: 'logout',
        summary: 'End the session',
        description: 'By refresh token in the body, by the cookies, or by the access token.',
        body: Nullable(LogoutRequest),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const cookies = readCookies(request);
      const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
      await logout(deps, caller(request), {
        refresh: request.body?.refresh_token ?? cookies.refresh,
        access: bearer ?? cookies.access,
      });
      clearCookies(reply);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/api/v1/auth/me',
    {
      config: { permission: 'self:manage' },
      schema: {
        operationId: 'getMe',
        summary: 'Who is signed in, and what they may do',
        response: { 200: One(Me) },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      const id = ctx.actor.id ?? '';
      const principal = await deps.db.read(ctx.scope, (tx) => loadPrincipal(tx, ctx.scope.tenant_id, id));
      if (!principal) throw new AppError(401, 'TOKEN_INVALID', 'This account does not exist any more.');
      reply.header('cache-control', 'no-store');
      // An API key may do less than its owner.
      return { data: { ...meOf(principal, [...ctx.actor.permissions]), role: ctx.actor.role } };
    },
  );
}
