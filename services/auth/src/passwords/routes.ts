import { ChangePasswordRequest, ForgotPasswordRequest, ResetPasswordRequest } from '@psa/contracts/auth';
import { type App, contextOf } from '@psa/service-kit/app';
import { decodeJwt } from 'jose';
import Type from 'typebox';
import type { AuthDeps } from '../deps.ts';
import { changePassword, forgotPassword, resetPassword } from './service.ts';

export function passwordRoutes(app: App, deps: AuthDeps): void {
  app.post(
    '/api/v1/auth/change-password',
    {
      config: { permission: 'self:manage' },
      schema: {
        operationId: 'changePassword',
        summary: 'Change the own password; other sessions end',
        body: ChangePasswordRequest,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(request);
      // The token was verified by the guard; the session that asks is the one that stays.
      const sid = ctx.token === null ? null : (decodeJwt(ctx.token).sid as string);
      await changePassword(deps, ctx, sid, request.body);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/api/v1/auth/forgot-password',
    {
      schema: {
        operationId: 'forgotPassword',
        summary: 'Ask for a mail with a link to set a new password',
        description: 'The answer is the same whether the address belongs to somebody or not.',
        body: ForgotPasswordRequest,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      // Not waited for: how long it takes would tell whether the account exists.
      const caller = { id: request.id, ip: request.ip };
      deps.background.run('forgot-password', () => forgotPassword(deps, caller, request.body.email));
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/api/v1/auth/reset-password',
    {
      schema: {
        operationId: 'resetPassword',
        summary: 'Set a password by a mailed link; every session ends',
        body: ResetPasswordRequest,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await resetPassword(deps, { id: request.id, ip: request.ip }, request.body);
      return reply.code(204).send(null);
    },
  );
}
